from __future__ import annotations

import pytest
from msgspec import structs

from tests.support import dns
from tidegate.app.resolve import Resolver
from tidegate.dns import wire
from tidegate.errors import ConfigError
from tidegate.model import DnsMode, Endpoint, HealthState, Service


@pytest.fixture
def resolver():
    return Resolver(dns.zone_of(dns.name("web", dns.target("web-1", "10.0.0.5"))))


async def test_a_name_is_answered_as_the_dns_server_would(resolver):
    found = await resolver.explain("web", "a", "")
    assert found["rcode"] == "NOERROR"
    assert [answer["data"] for answer in found["answers"]] == ["10.0.0.5"]


@pytest.mark.parametrize(
    ("name", "kind", "asker"),
    [("web", "NOTHING", ""), ("web", "TYPE65536", ""), ("web", "A", "not-there"), ("a..b", "A", "")],
)
async def test_a_bad_question_is_the_askers_fault(resolver, name, kind, asker):
    with pytest.raises(ConfigError, match="T1705"):
        await resolver.explain(name, kind, asker)


async def test_a_type_may_be_a_number(resolver):
    assert (await resolver.explain("web", "type28", ""))["type"] == "AAAA"


def endpoint(name, state, reason=""):
    return Endpoint(
        id=f"{name}:80", instance=name, name=name, service="web", port=80, address=None, state=state, reason=reason
    )


async def test_a_container_asks_from_its_networks_and_is_told_why_others_are_left_out():
    names = [
        dns.name(
            "web",
            dns.target("web-1", dns.place("n1", "10.1.0.5")),
            dns.target("web-2", dns.place("n2", "10.2.0.5")),
            dns.target("web-3", dns.place("n1", "10.1.0.6"), ready=False),
        ),
        dns.name("api", dns.target("api", dns.place("n1", "10.1.0.9"))),
    ]
    states = [("web-1", HealthState.HEALTHY), ("Web-3", HealthState.DRAINING)]
    service = Service(
        key="web", name="web", endpoints=tuple(endpoint(name, state, "told to") for name, state in states)
    )
    table = structs.replace(dns.table(*names), services={"web": service})
    resolver = Resolver(
        dns.zone_of(*names),
        lambda: table,
        lambda name: ("192.0.2.53:53",) if name == wire.encode("www.example.org") else (),
    )
    found = await resolver.explain("web", "A", "API")
    assert (found["container"], found["networks"]) == ("api", ("n1",))
    assert [(each["addresses"], each["reason"]) for each in found["targets"]] == [
        (("10.1.0.5",), ""),
        ((), "no network shared with the asker"),
        ((), "draining: told to"),
    ]
    assert (await resolver.explain("www.example.org", "A", "api"))["upstreams"] == ("192.0.2.53:53",)
    assert (await resolver.explain("wep.mesh.test", "A", ""))["nearest"] == ("web",)


async def test_a_name_that_the_router_answers_for_has_the_address_we_are_reached_at():
    resolver = Resolver(dns.zone_of(dns.name("shop.test", absolute=True, mode=DnsMode.PROXY)))
    found = await resolver.explain("shop.test", "A", "127.0.0.9")
    assert [answer["data"] for answer in found["answers"]] == ["127.0.0.1"]
