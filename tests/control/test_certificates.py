from __future__ import annotations

import time

import pytest
import trustme

from tests.support.router import difference, route, table_of
from tests.support.secure import House
from tidegate.control.certificates import Certificates
from tidegate.control.helps import HELPS
from tidegate.control.journal import Journal
from tidegate.control.metrics import Registry
from tidegate.policy import ClientCertificates, TlsPolicy, UpstreamTls


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


class Seen:
    """Control's eye with its journal and metrics."""

    def __init__(self, house, serving=True, **values):
        self.journal = Journal(time.time)
        self.registry = Registry(HELPS)
        self.certificates = Certificates(house.shelf(**values), self.journal, self.registry, serving=serving)

    def follow(self, *routes):
        table = table_of(1, routes, [])
        self.certificates.apply(table, difference(table_of(0, [], []), table))

    @property
    def codes(self):
        return [problem.code for problem in self.certificates.problems]


async def test_certificates_are_listed_measured_and_told(house):
    house.pair("shop", "shop.test", "*.shop.test")
    seen = Seen(house, default="shop")
    await seen.certificates.look()
    (listed,) = seen.certificates.listed
    assert (listed["name"], listed["hosts"], listed["default"]) == ("shop", ["shop.test", "*.shop.test"], True)
    assert listed["file"] == str(house.certs / "shop.crt")
    assert "key" not in listed
    gauge = "tidegate_tls_certificate_not_after_seconds"
    assert seen.registry.value(gauge, certificate="shop", file=listed["file"]) == listed["not_after"]
    assert seen.registry.value("tidegate_tls_problems") == 0
    assert [happening.text for happening in seen.journal.happenings()] == [
        "certificate shop for shop.test, *.shop.test"
    ]
    for name in ("shop.crt", "shop.key"):
        (house.certs / name).unlink()
    for _ in range(2):
        await seen.certificates.look()
    assert seen.registry.value(gauge, certificate="shop", file=listed["file"]) is None


async def test_a_bad_pair_is_a_problem(house):
    house.write("bad", b"nothing", b"nothing")
    seen = Seen(house)
    await seen.certificates.look()
    assert seen.codes == ["T1902"]
    assert seen.registry.value("tidegate_tls_problems") == 1


@pytest.mark.parametrize("demand", [TlsPolicy(only=True), TlsPolicy(clients=ClientCertificates(authority="staff"))])
async def test_a_route_for_https_without_a_certificate_is_told_until_there_is_one(house, demand):
    house.authority("staff", trustme.CA())
    house.pair("other", "other.test")
    seen = Seen(house)
    seen.follow(route("shop.test", tls=demand), route("plain.test"))
    await seen.certificates.look()
    assert seen.codes == ["T1910"]
    house.pair("shop", "shop.test")
    await seen.certificates.look()
    assert seen.codes == []


async def test_where_tls_ends_before_us_nobody_misses_a_certificate(house):
    seen = Seen(house, serving=False)
    seen.follow(route("shop.test", tls=TlsPolicy(only=True)))
    assert seen.codes == []


async def test_a_missing_authority_and_a_container_that_is_not_verified_are_told(house):
    house.pair("a", "a.test", "b.test", "c.test")
    seen = Seen(house)
    await seen.certificates.look()
    known = TlsPolicy(clients=ClientCertificates(authority="staff"))
    seen.follow(
        route("a.test", tls=known),
        route("b.test", upstream_tls=UpstreamTls(authority="inside")),
        route("c.test", upstream_tls=UpstreamTls(verify=False)),
    )
    assert sorted(seen.codes) == ["T1906", "T1906", "T1908"]
    seen.certificates.apply(table_of(2, [], []), difference(table_of(1, [route("a.test")], []), table_of(2, [], [])))
    assert sorted(seen.codes) == ["T1906", "T1908"]
