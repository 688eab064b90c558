from msgspec.structs import replace

from tests.support.built import OPTIONS, codes, make, shifted, weights
from tests.support.seen import instance
from tidegate.building import build
from tidegate.model import (
    HealthState,
    Overrides,
    TrafficMode,
)

V1 = instance("c1", version="v1", routes=["a.test/"], created_at=1.0)
V2 = instance("c2", version="v2", routes=["a.test/"], created_at=2.0)
V3 = instance("c3", version="v3", routes=["a.test/"], created_at=3.0)


def test_both_sides_of_a_shift_change_in_one_version():
    first = make(V1, V2)
    second = make(V1, V2, previous=first, overrides=shifted(v1=30, v2=70))
    assert weights(second, "a.test/") == {"web v1": 30, "web v2": 70}
    assert second.table.version == first.table.version + 1
    third = make(V1, V2, previous=second)
    assert weights(third, "a.test/") == {"web v1": 100, "web v2": 100}


def test_weights_may_be_set_for_a_service_a_host_or_a_route_and_the_narrowest_wins():
    layers = {"web": {"v1": 1, "v2": 1}, "a.test": {"v1": 2, "v2": 2}, "a.test/": {"v1": 3, "v2": 3}}
    for expected in (3, 2, 1):
        made = make(V1, V2, overrides=Overrides(weights=layers))
        assert weights(made, "a.test/") == {"web v1": expected, "web v2": expected}
        layers = dict(list(layers.items())[:-1])


def test_the_empty_version_is_called_default():
    made = make(instance("c0", routes=["a.test/"]), V2, overrides=shifted(default=5, v2=6))
    assert weights(made, "a.test/") == {"web default": 5, "web v2": 6}


def test_services_of_a_route_may_be_weighed_by_their_keys():
    made = make(
        instance("x", "blue", routes=["a.test/"]),
        instance("y", "green", routes=["a.test/"]),
        overrides=Overrides(weights={"a.test": {"blue": 1, "green": 9}}),
    )
    assert weights(made, "a.test/") == {"blue default": 1, "green default": 9}


def test_a_version_that_the_override_does_not_name_gets_no_traffic_by_surprise():
    made = make(V1, V2, V3, overrides=shifted(v1=100, v2=0))
    assert weights(made, "a.test/") == {"web v1": 100, "web v2": 0, "web v3": 0}
    assert codes(made) == ["T1310"]


def test_an_override_whose_versions_are_all_gone_starves_nobody():
    made = make(V3, overrides=shifted(v1=0, v2=100))
    assert weights(made, "a.test/")["web v3"] == 100
    assert set(codes(made)) == {"T1304", "T1305"}


def test_a_restart_of_the_named_version_gives_the_others_no_traffic():
    first = make(V1, V3, overrides=shifted(v1=100))
    gone = make(V3, previous=first, overrides=shifted(v1=100), now=10.0)
    assert weights(gone, "a.test/")["web v3"] == 0
    later = make(V3, previous=gone, overrides=shifted(v1=100), now=60.0)
    assert weights(later, "a.test/")["web v3"] == 100


def test_a_weight_for_a_version_without_endpoint_waits_for_it():
    made = make(V1, overrides=shifted(v1=50, v9=50))
    assert weights(made, "a.test/") == {"web v1": 50, "web v9": 50}
    assert codes(made) == ["T1305"]


def test_a_layer_of_zeros_keeps_its_version_from_traffic_and_is_no_mistake():
    made = make(V1, V2, V3, overrides=shifted(v1=0))
    assert weights(made, "a.test/") == {"web v1": 0, "web v2": 100, "web v3": 100}
    assert codes(made) == []


def test_a_weight_of_zero_for_a_version_without_endpoint_misses_nothing():
    made = make(V1, overrides=shifted(v1=100, v9=0))
    assert weights(made, "a.test/")["web v1"] == 100
    assert codes(made) == []


def test_a_mode_holds_for_route_host_or_service():
    for target in ("a.test/", "a.test", "web"):
        made = make(V1, overrides=Overrides(modes={target: TrafficMode.MAINTENANCE}, messages={target: "back soon"}))
        assert made.table.routes["a.test/"].mode is TrafficMode.MAINTENANCE
        assert made.table.routes["a.test/"].message == "back soon"


def test_what_may_be_protected_is_closed_but_maintenance_keeps_its_page():
    for target in ("a.test/", "a.test", "web"):
        closed = Overrides(closed={target: "override settings/x"})
        made = make(V1, instance("d1", "api", routes=["b.test/"]), overrides=closed)
        assert made.table.routes["a.test/"].mode is TrafficMode.CLOSED
        assert "T1313" in made.table.routes["a.test/"].message
        assert made.table.routes["b.test/"].mode is TrafficMode.NORMAL
        held = make(V1, overrides=replace(closed, modes={"a.test": TrafficMode.HOLD}))
        assert held.table.routes["a.test/"].mode is TrafficMode.CLOSED
        page = make(V1, overrides=replace(closed, modes={"web": TrafficMode.MAINTENANCE}, messages={"web": "soon"}))
        assert page.table.routes["a.test/"].mode is TrafficMode.MAINTENANCE
        assert page.table.routes["a.test/"].message == "soon"


def test_a_route_opens_again_when_what_closed_it_is_gone():
    first = make(V1, overrides=Overrides(closed={"web": "override settings/web"}))
    second = build(first, first.memo.inventories, {}, Overrides(), OPTIONS)
    assert second.delta.routes["a.test/"].mode is TrafficMode.NORMAL


def test_a_drain_reaches_only_the_services_it_names():
    first = make(V1, instance("d1", "api"))
    second = build(first, first.memo.inventories, {}, Overrides(drained=frozenset({"c1"})), OPTIONS)
    assert set(second.delta.services) == {"web"}
    assert second.table.services["web"].endpoints[0].state is HealthState.DRAINING
