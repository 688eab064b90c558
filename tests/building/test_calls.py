from __future__ import annotations

from msgspec.structs import replace

from tests.support.built import NONE, OPTIONS, codes, make, shifted, spec, weights
from tests.support.seen import instance, inventory
from tidegate.building import build
from tidegate.building.calls import claims_of
from tidegate.errors import Severity
from tidegate.model import Address, Backend, DnsMode, EngineHealth, RouteClaim


def proxied(id_, project="", *, service="web", routes=(), settings=None, **more):
    """An instance whose service's names are the router's to answer."""
    made = instance(id_, service, project=project, routes=routes, dns=DnsMode.PROXY, **more)
    names = (service, f"{service}.{project}") if project else (service,)
    calls = [
        RouteClaim(host=name, port=made.ports[0], origin="tidegate.dns", settings=settings or {}, relative=True)
        for name in names
    ]
    return replace(made, claims=(*made.claims, *calls))


def test_each_name_that_the_router_answers_for_is_a_route_bare_and_in_full():
    made = make(proxied("c1", "shop"))
    assert set(made.table.routes) == {
        "web/", "web.mesh.internal/", "web.shop/", "web.shop.mesh.internal/",
    }  # fmt: skip
    assert made.table.routes["web/"].backends == (Backend(service="shop/web", version="", port=80),)
    assert made.table.names["web"].mode is made.table.names["web.shop"].mode is DnsMode.PROXY


def test_such_a_route_makes_no_name_of_its_own():
    made = make(proxied("c1", "shop", routes=["www.test/"]))
    assert {key for key in made.table.names if key.endswith(".")} == {"www.test."}


def test_calls_follow_the_weights_of_versions_and_of_the_operator():
    versions = (proxied("c1", version="v1", weight=90), proxied("c2", version="v2", weight=10))
    assert weights(make(*versions), "web/") == {"web v1": 90, "web v2": 10}
    assert weights(make(*versions, overrides=shifted(v1=1, v2=1)), "web.mesh.internal/") == {"web v1": 1, "web v2": 1}


def test_calls_have_the_settings_of_the_container_and_are_for_containers_unless_it_says_otherwise():
    tuned = make(proxied("c1", settings={"retry.tries": "1"})).table.routes["web/"].policy
    assert "172.16.0.0/12" in tuned.filters.allow
    assert tuned.retry.tries == 1
    opened = make(proxied("c1", settings={"filter.allow": "0.0.0.0/0"})).table.routes["web/"].policy
    assert opened.filters.allow == ("0.0.0.0/0",)
    told = replace(OPTIONS, domain="mesh.test", callers=("10.0.0.0/8",))
    routes = build(None, {"docker": inventory(proxied("c1"))}, {}, NONE, told).table.routes
    assert routes["web.mesh.test/"].policy.filters.allow == ("10.0.0.0/8",)


def test_what_a_label_asks_for_goes_before_a_name():
    made = make(proxied("c1", routes=["web.mesh.internal/"], ports=(80, 81)))
    assert made.table.routes["web.mesh.internal/"].policy.filters.allow == ()
    assert "web.mesh.internal." in made.table.names
    (instance_,) = made.memo.inventories["docker"].services["web"]
    assert [claim.host for _, claim in claims_of([instance_], OPTIONS)] == ["web.mesh.internal", "web"]


def test_what_a_file_says_of_a_name_holds():
    made = make(proxied("c1"), instance("c2", "other"), routes=(spec("web/", Backend(service="other")),))
    assert [backend.service for backend in made.table.routes["web/"].backends] == ["other"]
    assert "web." in made.table.names


def test_where_two_services_have_one_name_it_is_told_by_address_and_calls_to_the_router_go_to_the_first():
    first = make(proxied("c1", "shop"))
    both = make(proxied("c1", "shop"), proxied("c2", "back", created_at=1.0), previous=first)
    assert both.table.names["web"].mode is DnsMode.DIRECT
    assert both.table.names["web.shop"].mode is both.table.names["web.back"].mode is DnsMode.PROXY
    assert [backend.service for backend in both.table.routes["web/"].backends] == ["shop/web"]
    assert [backend.service for backend in both.table.routes["web.back/"].backends] == ["back/web"]
    assert codes(both) == ["T1301", "T1301"]
    assert {problem.severity for problem in both.problems} == {Severity.WARNING}
    assert both.problems[0].mend == "call it web.back"


def test_a_name_of_two_services_goes_to_the_other_as_soon_as_the_first_has_gone():
    both = make(proxied("c1", "shop"), proxied("c2", "back", created_at=1.0))
    alone = make(proxied("c2", "back", created_at=1.0), previous=both, now=1.0)
    assert alone.table.names["web"].mode is DnsMode.PROXY
    assert [backend.service for backend in alone.table.routes["web/"].backends] == ["back/web"]
    after = make(proxied("c2", "back", created_at=1.0), previous=alone, now=32.0)
    assert not codes(after)
    assert [backend.service for backend in after.table.routes["web/"].backends] == ["back/web"]


def test_a_name_of_several_services_is_one_record_where_one_of_them_says_so():
    made = make(instance("c1", project="a", dns=DnsMode.ONE), instance("c2", project="b"))
    assert made.table.names["web"].mode is DnsMode.ONE


AFAR = {
    "node": "n7",
    "networks": (),
    "peer": Address(host="192.0.2.7", port=7946),
    "judged": {80: EngineHealth.HEALTHY},
}


def test_what_only_routers_reach_is_called_through_the_router():
    made = make(instance("c1", project="shop", routes=["www.test/"], **AFAR))
    assert {"web/", "web.shop/", "web.shop.mesh.internal/", "www.test/"} <= set(made.table.routes)
    assert made.table.names["web"].mode is made.table.names["web.shop"].mode is DnsMode.PROXY
    assert "172.16.0.0/12" in made.table.routes["web/"].policy.filters.allow


def test_where_some_of_a_service_is_at_hand_its_names_are_addresses():
    made = make(instance("c1", routes=["www.test/"], **AFAR), instance("c2", routes=["www.test/"]))
    assert made.table.names["web"].mode is DnsMode.DIRECT
    assert {target.name: bool(target.addresses) for target in made.table.names["web"].targets} == {
        "c1": False,
        "c2": True,
    }


def test_what_no_router_serves_is_not_called_through_one():
    made = make(instance("c1", **AFAR))
    assert made.table.names["web"].mode is DnsMode.DIRECT and not made.table.routes
