from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.seen import claim, following, healthy, instance, inventory, report
from tidegate.building import Build, BuildOptions, build, resumed
from tidegate.building.build import Memo
from tidegate.building.routes import FILE_OWNER
from tidegate.errors import Problem
from tidegate.model import (
    Backend,
    DnsMode,
    EngineHealth,
    HealthState,
    InstanceState,
    Inventory,
    NetworkAddress,
    Overrides,
    RouteSpec,
    TrafficMode,
)
from tidegate.routing import RoutingTable, with_delta

NONE = Overrides()
OPTIONS = BuildOptions(linger_seconds=30.0)


def make(*instances, previous=None, overrides=NONE, health=None, now=0.0, routes=()):
    seen = {"docker": inventory(*instances, routes=routes)}
    return build(previous, seen, health or {}, overrides, OPTIONS, changed_health=health or (), now=now)


def codes(made: Build) -> list[str]:
    return [problem.code for problem in made.problems]


def weights(made: Build, route: str) -> dict[str, int]:
    return {f"{b.service} {b.version or 'default'}": b.weight for b in made.table.routes[route].backends}


# ------------------------------------------------------------------------------------------------------------- names


def test_a_replica_is_called_by_name_alias_hostname_and_number():
    front = NetworkAddress(network="n1", name="front", ipv4="10.0.0.2", aliases=("Alias",))
    made = make(instance("a" * 64, project="shop", name="Shop-web-2", number=2, hostname="Web-Host", networks=(front,)))
    assert set(made.table.names) == {
        "shop-web-2", "a" * 12, "alias", "web-host", "web", "web.shop", "2.web.shop", "tasks.web"
    }  # fmt: skip
    assert made.table.names["web.shop"].targets[0].name == "shop-web-2"


def test_a_bare_service_name_stands_for_all_projects_and_a_scoped_one_for_its_own():
    made = make(instance("a1", project="a"), instance("b1", project="b"))
    assert [target.name for target in made.table.names["web"].targets] == ["a1", "b1"]
    assert [target.name for target in made.table.names["web.b"].targets] == ["b1"]


def test_only_what_is_ready_is_marked_so_but_tasks_are_all_that_run():
    made = make(instance("c1"), instance("c2"), health=healthy("c2:80"))
    assert [target.ready for target in made.table.names["web"].targets] == [False, True]
    assert [target.ready for target in made.table.names["tasks.web"].targets] == [True, True]


def test_an_instance_without_ports_is_ready_as_its_engine_says():
    for engine_health, ready in (("none", True), ("healthy", True), ("starting", False), ("unhealthy", False)):
        made = make(instance("c1", ports=(), engine_health=EngineHealth(engine_health)))
        assert made.table.names["web"].targets[0].ready is ready


def test_a_service_may_be_answered_with_the_router_while_its_replicas_stay_direct():
    first = make(instance("c1"))
    second = make(instance("c1", dns=DnsMode.PROXY), previous=first)
    assert second.table.names["web"].mode is DnsMode.PROXY
    assert second.table.names["c1"].mode is DnsMode.DIRECT


def test_a_route_host_and_a_service_of_the_same_spelling_do_not_collide():
    made = make(instance("c1", project="test", routes=["web.test/"]))
    assert made.table.names["web.test"].mode is DnsMode.DIRECT
    assert made.table.names["web.test."].absolute
    assert made.table.names["web.test."].name == "web.test"


def test_a_host_is_named_until_its_last_route_goes():
    both = instance("c1", routes=["a.test/", "a.test/api"])
    first = make(both)
    second = make(instance("c1", routes=["a.test/"]), previous=first)
    third = make(instance("c1", routes=["a.test/"]), previous=second, now=31.0)
    assert set(third.table.routes) == {"a.test/"}
    assert "a.test." in third.table.names
    last = make(previous=make(previous=third, now=32.0), now=62.0)
    assert not last.table.names


# ------------------------------------------------------------------------------------------------- tables and deltas


def test_nothing_seen_is_an_empty_table_with_nothing_to_publish():
    made = build(None, {}, {}, NONE)
    assert made.table == RoutingTable()
    assert made.delta.empty


def test_a_claim_becomes_a_route_a_service_and_names():
    made = make(instance("c1", project="shop", routes=["a.test/"]))
    assert made.table.version == 1
    assert made.table.routes["a.test/"].owner == "shop"
    assert made.table.routes["a.test/"].backends == (Backend(service="shop/web", version="", port=80),)
    assert set(made.table.services) == {"shop/web"}
    assert {"c1", "web", "web.shop", "tasks.web", "a.test."} == set(made.table.names)
    assert with_delta(RoutingTable(), made.delta) == made.table


def test_the_same_again_changes_nothing():
    first = make(instance("c1", routes=["a.test/"]))
    second = make(instance("c1", routes=["a.test/"]), previous=first)
    assert second.delta.empty
    assert second.table is first.table
    assert second.checks_changed == ()


def test_a_change_of_one_service_shares_all_others():
    one, two = instance("c1", routes=["a.test/"]), instance("c2", "api", routes=["b.test/"])
    seen = inventory(one, two)
    first = build(None, {"docker": seen}, {}, NONE, OPTIONS)
    moved = instance("c1", routes=["a.test/"], state=InstanceState.DRAINING)
    second = build(first, {"docker": following(seen, moved, two)}, {}, NONE, OPTIONS)
    assert set(second.delta.services) == {"web"}
    assert not second.delta.routes
    assert second.table.services["api"] is first.table.services["api"]
    assert second.table.routes is first.table.routes


def test_a_change_of_health_touches_its_service_and_names_only():
    seen = {"docker": inventory(instance("c1", routes=["a.test/"]))}
    first = build(None, seen, {}, NONE, OPTIONS)
    second = build(first, seen, healthy("c1:80"), NONE, OPTIONS, changed_health=["c1:80"])
    assert set(second.delta.services) == {"web"}
    assert set(second.delta.names) == {"c1", "web"}
    assert not second.delta.routes
    assert second.table.names["web"].targets[0].ready
    assert second.checks is first.checks


def test_the_checker_is_told_what_to_watch_and_what_to_forget():
    first = make(instance("c1"), instance("c2"))
    assert {check.endpoint for check in first.checks_changed} == {"c1:80", "c2:80"}
    second = make(instance("c2"), previous=first)
    assert second.checks_changed == ()
    assert second.checks_removed == ("c1:80",)
    assert set(second.checks) == {"c2:80"}


def test_instances_of_one_service_from_two_providers_stand_together():
    seen = {
        "docker": inventory(instance("c1", created_at=2.0)),
        "file": inventory(instance("f1", created_at=1.0), provider="file"),
    }
    made = build(None, seen, {}, NONE)
    assert [each.id for each in made.table.services["web"].endpoints] == ["f1:80", "c1:80"]


def test_a_provider_that_went_takes_its_instances_along():
    seen = {"docker": inventory(instance("c1")), "file": inventory(instance("f1"), provider="file")}
    first = build(None, seen, {}, NONE)
    second = build(first, {"docker": seen["docker"]}, {}, NONE)
    assert [each.id for each in second.table.services["web"].endpoints] == ["c1:80"]


def test_problems_of_providers_and_instances_are_kept_and_shown_once():
    wrong = Problem(code="T1203", text="unknown label")
    made = build(None, {"docker": replace(inventory(instance("c1", problems=(wrong,))), problems=(wrong,))}, {}, NONE)
    assert made.problems == (wrong,)


# ----------------------------------------------------------------------------------------------------- who holds what


def test_the_first_claim_wins_and_another_project_is_quarantined():
    made = make(
        instance("late", project="b", routes=["a.test/"], created_at=2.0),
        instance("early", project="a", routes=["a.test/"], created_at=1.0),
    )
    assert made.table.routes["a.test/"].owner == "a"
    assert {b.service for b in made.table.routes["a.test/"].backends} == {"a/web"}
    (problem,) = made.problems
    assert problem.code == "T1301"
    assert "late" in problem.text
    assert "early" in problem.text
    assert problem.mend


def test_a_holder_stays_even_if_an_older_container_claims_later():
    first = make(instance("held", project="a", routes=["a.test/"], created_at=5.0))
    second = make(
        instance("held", project="a", routes=["a.test/"], created_at=5.0),
        instance("older", project="b", routes=["a.test/"], created_at=1.0),
        previous=first,
    )
    assert second.table.routes is first.table.routes
    assert codes(second) == ["T1301"]


def test_when_the_holder_is_gone_for_good_the_next_claim_gets_the_route():
    a = instance("a1", project="a", routes=["a.test/"], created_at=1.0)
    b = instance("b1", project="b", routes=["a.test/"], created_at=2.0)
    first = make(a, b)
    held = make(b, previous=first, now=100.0)
    assert held.table.routes["a.test/"].owner == "a"
    assert held.wake_at == 130.0
    after = make(b, previous=held, now=130.0)
    assert after.table.routes["a.test/"].owner == "b"
    assert after.problems == ()
    assert after.wake_at is None


def test_services_of_one_project_share_a_route_by_weight():
    made = make(
        instance("v1", "web-v1", project="a", routes=["a.test/"], weight=100),
        instance("v2", "web-v2", project="a", routes=["a.test/"], weight=0),
    )
    assert weights(made, "a.test/") == {"a/web-v1 default": 100, "a/web-v2 default": 0}


def test_versions_of_one_service_have_weights_of_their_own_and_the_earliest_wins_a_conflict():
    made = make(
        instance("c1", version="v1", weight=90, routes=["a.test/"], created_at=1.0),
        instance("c2", version="v1", weight=50, routes=["a.test/"], created_at=2.0),
        instance("c3", version="v2", weight=10, routes=["a.test/"], created_at=3.0),
    )
    assert weights(made, "a.test/") == {"web v1": 90, "web v2": 10}
    assert codes(made) == ["T1306"]


def test_different_stickiness_within_a_service_is_reported_and_the_earliest_holds():
    made = make(
        instance("c1", routes=["a.test/"], sticky=False, created_at=1.0),
        instance("c2", routes=["a.test/"], sticky=True, created_at=2.0),
    )
    assert made.table.routes["a.test/"].sticky is False
    assert codes(made) == ["T1307"]


def test_a_claim_that_cannot_be_served_harms_only_itself():
    broken = replace(instance("c1"), claims=(claim("a.test/", 99999), claim("b.test/")))
    made = make(broken)
    assert set(made.table.routes) == {"b.test/"}
    assert codes(made) == ["T1308"]


# --------------------------------------------------------------------------------------------------------- lingering


def test_a_route_outlives_its_last_instance_for_a_while():
    first = make(instance("c1", routes=["a.test/"]))
    gone = make(previous=first, now=10.0)
    assert gone.table.routes is first.table.routes
    assert gone.table.services["web"].endpoints == ()
    assert gone.wake_at == 40.0
    after = build(gone, gone.memo.inventories, {}, NONE, OPTIONS, now=40.0)
    assert not after.table.routes
    assert not after.table.services
    assert not after.table.names


def test_a_restart_within_the_while_changes_no_route():
    first = make(instance("c1", routes=["a.test/"]))
    stopped = make(instance("c1", routes=["a.test/"], state=InstanceState.STOPPED), previous=first, now=10.0)
    again = make(instance("c1", routes=["a.test/"]), previous=stopped, now=12.0)
    assert again.table.routes is first.table.routes
    assert again.wake_at is None


def test_a_new_container_with_a_bad_label_gets_the_last_good_route_for_as_long_as_it_lives():
    first = make(instance("c1", routes=["a.test/"]))
    wrong = Problem(code="T1203", text="bad label")
    second = make(instance("c2", problems=(wrong,)), previous=first, now=10.0)
    third = make(instance("c2", problems=(wrong,)), previous=second, now=1000.0)
    assert third.table.routes is first.table.routes
    fixed = make(instance("c3", routes=["b.test/"]), previous=third, now=1001.0)
    assert set(fixed.table.routes) == {"b.test/"}


# --------------------------------------------------------------------------------------------------------- overrides

V1 = instance("c1", version="v1", routes=["a.test/"], created_at=1.0)
V2 = instance("c2", version="v2", routes=["a.test/"], created_at=2.0)
V3 = instance("c3", version="v3", routes=["a.test/"], created_at=3.0)


def shifted(target="web", **named):
    return Overrides(weights={target: named})


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


def test_a_mode_holds_for_route_host_or_service():
    for target in ("a.test/", "a.test", "web"):
        made = make(V1, overrides=Overrides(modes={target: TrafficMode.MAINTENANCE}, messages={target: "back soon"}))
        assert made.table.routes["a.test/"].mode is TrafficMode.MAINTENANCE
        assert made.table.routes["a.test/"].message == "back soon"


def test_a_drain_reaches_only_the_services_it_names():
    first = make(V1, instance("d1", "api"))
    second = build(first, first.memo.inventories, {}, Overrides(drained=frozenset({"c1"})), OPTIONS)
    assert set(second.delta.services) == {"web"}
    assert second.table.services["web"].endpoints[0].state is HealthState.DRAINING


# ------------------------------------------------------------------------------------------------------------- files


def spec(route, *backends, origin="tidegate.yaml:3"):
    host, _, path = route.partition("/")
    return RouteSpec(host=host, path="/" + path, backends=backends, origin=origin)


def test_a_route_in_a_file_names_its_backends():
    made = make(instance("c1"), routes=(spec("a.test/", Backend(service="web")),))
    assert made.table.routes["a.test/"].owner == FILE_OWNER
    assert made.table.routes["a.test/"].backends == (Backend(service="web"),)


def test_a_file_route_over_a_service_with_versions_can_be_shifted():
    v1, v2 = instance("c1", version="v1", weight=100), instance("c2", version="v2", weight=0)
    routes = (spec("a.test/", Backend(service="web")),)
    assert weights(make(v1, v2, routes=routes), "a.test/") == {"web v1": 100, "web v2": 0}
    made = make(v1, v2, routes=routes, overrides=shifted(v1=1, v2=3))
    assert weights(made, "a.test/") == {"web v1": 1, "web v2": 3}


def test_a_file_route_follows_the_versions_of_its_service():
    routes = (spec("a.test/", Backend(service="web")),)
    first = make(instance("c1", version="v1"), routes=routes)
    second = make(instance("c1", version="v1"), instance("c2", version="v2"), routes=routes, previous=first)
    assert weights(second, "a.test/") == {"web v1": 100, "web v2": 100}


def test_a_share_among_services_is_divided_by_the_versions():
    routes = (spec("a.test/", Backend(service="web", weight=50), Backend(service="api", weight=50)),)
    made = make(
        instance("c1", version="v1", weight=90),
        instance("c2", version="v2", weight=10),
        instance("c3", "api"),
        routes=routes,
    )
    assert weights(made, "a.test/") == {"web v1": 45, "web v2": 5, "api default": 50}


def test_a_file_route_that_names_nobody_is_reported_and_heals():
    routes = (spec("a.test/", Backend(service="web")),)
    first = make(routes=routes)
    assert codes(first) == ["T1303"]
    second = make(instance("c1"), routes=routes, previous=first)
    assert second.problems == ()


def test_a_file_route_removed_from_the_file_goes_at_once():
    first = make(instance("c1"), routes=(spec("a.test/", Backend(service="web")),))
    assert not make(instance("c1"), previous=first).table.routes


def test_the_same_route_twice_in_files_is_reported():
    one, two = spec("a.test/", Backend(service="web")), spec("a.test/", Backend(service="api"), origin="b.yaml:9")
    made = make(instance("c1"), instance("c2", "api"), routes=(one, two))
    assert made.table.routes["a.test/"].backends[0].service == "web"
    assert codes(made) == ["T1302"]


def test_files_and_containers_do_not_share_a_route():
    routes = (spec("a.test/", Backend(service="web")),)
    made = make(instance("c1"), instance("x", "api", routes=["a.test/"]), routes=routes)
    assert made.table.routes["a.test/"].owner == FILE_OWNER
    assert codes(made) == ["T1301"]
    first = make(instance("x", "api", routes=["a.test/"]))
    second = make(instance("x", "api", routes=["a.test/"]), instance("c1"), routes=routes, previous=first)
    assert second.table.routes["a.test/"].owner == ""
    assert codes(second) == ["T1301"]


# ------------------------------------------------------------------------------------------------------ earlier lives


def test_a_remembered_table_goes_on_until_it_is_seen_again_and_keeps_its_owners():
    first = make(
        instance("a1", project="a", routes=["a.test/"], created_at=9.0), instance("g", "gone", routes=["g.test/"])
    )
    again = resumed(first.table, now=100.0)
    a = instance("a1", project="a", routes=["a.test/"], created_at=9.0)
    b = instance("b1", project="b", routes=["a.test/"], created_at=1.0)
    second = make(a, b, previous=again, now=101.0)
    assert second.table.routes["a.test/"].owner == "a"
    assert "g.test/" in second.table.routes
    assert "g" not in second.table.names
    assert second.table.version > first.table.version
    third = make(a, b, previous=second, now=131.0)
    assert "g.test/" not in third.table.routes
    assert "gone" not in third.table.services


# -------------------------------------------------------------------------------------- incremental equals from scratch

IDS = ("c1", "c2", "c3", "c4", "c5")
ROUTES = ("a.test/", "a.test/api", "*.b.test/")


@st.composite
def instances(draw, id_: str, own_routes: bool):
    project = draw(st.sampled_from(("", "p")))
    service = draw(st.sampled_from(("web", "api")))
    routes = [f"{project or 'x'}-{each}" if own_routes else each for each in draw(st.sets(st.sampled_from(ROUTES)))]
    return instance(
        id_,
        service,
        project=project,
        routes=sorted(routes),
        created_at=float(draw(st.integers(1, 3))),
        version=draw(st.sampled_from(("", "v1", "v2"))),
        weight=draw(st.sampled_from((100, 0, 10))),
        state=draw(st.sampled_from(InstanceState)),
        number=draw(st.integers(0, 2)),
        sticky=draw(st.booleans()),
        problems=draw(st.sampled_from(((), (Problem(code="T1203", text="bad"),)))),
    )


@st.composite
def overridden(draw, prefix: str = ""):
    targets = st.sampled_from(("web", "p/web", f"{prefix}a.test", f"{prefix}a.test/api"))
    names = st.dictionaries(st.sampled_from(("v1", "v2", "default", "api")), st.integers(0, 3), max_size=2)
    return Overrides(
        weights=draw(st.dictionaries(targets, names, max_size=2)),
        modes=draw(st.dictionaries(targets, st.sampled_from(TrafficMode), max_size=2)),
        drained=frozenset(draw(st.sets(st.sampled_from((*IDS, "c1:80")), max_size=2))),
    )


@st.composite
def stories(draw, own_routes: bool):
    """Steps of (seconds passed, instances by id, healthy ids, overrides, file routes)."""
    steps = []
    world = {}
    for _ in range(draw(st.integers(1, 7))):
        for id_ in draw(st.sets(st.sampled_from(IDS), max_size=2)):
            if draw(st.booleans()):
                world[id_] = draw(instances(id_, own_routes))
            else:
                world.pop(id_, None)
        prefix = "p-" if own_routes else ""
        routes = draw(
            st.sampled_from(((), (spec("f.test/", Backend(service="web")), spec("a.test/", Backend(service="p/web")))))
        )
        steps.append(
            (
                draw(st.integers(0, 40)),
                dict(world),
                draw(st.sets(st.sampled_from(IDS))),
                draw(overridden(prefix)),
                routes,
            )
        )
    return steps


def told(steps, options):
    """Play a story; yields (incremental build, previous build, what the builder was given) of each step."""
    made, seen, now, health = None, inventory(), 0.0, {}
    for passed, world, fit, overrides, routes in steps:
        now += passed
        seen = following(seen, *world.values(), routes=routes)
        fresh = healthy(*(f"{id_}:80" for id_ in sorted(fit)))
        changed = {id_ for id_ in fresh.keys() | health.keys() if fresh.get(id_) != health.get(id_)}
        health, previous = fresh, made
        given_ = ({"docker": seen}, health, overrides, options)
        made = build(made, *given_, changed_health=changed, now=now)
        yield made, previous, given_, now


def forgetting(previous: Build) -> Build:
    """`previous` with nothing to reuse but memory of owners and departures: everything must be looked at again."""
    memo = previous.memo
    parts = {key: replace(part, seen=NEVER, live=(), checks={}, names={}) for key, part in memo.parts.items()}
    left = Memo(
        resumed=True,
        parts=parts,
        claimants=memo.claimants,
        hosts=memo.hosts,
        lingering=memo.lingering,
        overrides=memo.overrides,
    )
    return Build(table=previous.table, memo=left)


NEVER = (instance("never"),)


def outcome(made: Build):
    table = made.table
    return table.routes, table.services, table.names, made.checks, set(made.problems), made.wake_at


@settings(max_examples=100, deadline=None)
@given(stories(own_routes=True))
def test_a_build_upon_another_equals_a_build_from_scratch(steps):
    for made, previous, given_, now in told(steps, BuildOptions(linger_seconds=0.0)):
        faulty = any(i.problems for members in given_[0]["docker"].services.values() for i in members)
        if not faulty:  # else the last good routes stay, which a build from scratch cannot know
            assert outcome(made) == outcome(build(None, *given_, now=now))
        if previous is not None:
            assert with_delta(previous.table, made.delta) == made.table


@settings(max_examples=100, deadline=None)
@given(stories(own_routes=False))
def test_a_build_upon_another_equals_one_that_looks_at_everything_again(steps):
    for made, previous, given_, now in told(steps, OPTIONS):
        if previous is not None:
            assert outcome(made) == outcome(build(forgetting(previous), *given_, now=now))


@settings(max_examples=100, deadline=None)
@given(stories(own_routes=False))
def test_a_story_never_breaks_the_promises_of_a_build(steps):
    version, checks = 0, {}
    for made, _previous, _given, now in told(steps, OPTIONS):
        assert made.table.version == version + (not made.delta.empty)
        version = made.table.version
        for check in made.checks_changed:
            checks[check.endpoint] = check
        for id_ in made.checks_removed:
            del checks[id_]
        assert checks == made.checks
        for route in made.table.routes.values():
            assert len({b.service.rpartition("/")[0] for b in route.backends if route.owner != FILE_OWNER} | set()) <= 1
            assert f"{route.host}." in made.table.names
        assert made.wake_at is None or made.wake_at > now


def test_an_unknown_endpoint_in_the_changed_health_is_ignored():
    first = make(instance("c1"))
    second = build(first, first.memo.inventories, {"x:1": report("x:1")}, NONE, changed_health=["x:1"])
    assert second.delta.empty


def test_an_inventory_without_services_leaves_other_providers_alone():
    first = make(instance("c1"))
    second = build(first, {**first.memo.inventories, "file": Inventory(provider="file", version=1)}, {}, NONE)
    assert second.delta.empty
