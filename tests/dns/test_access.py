from __future__ import annotations

import pytest

from tidegate.dns.access import Access, elsewhere
from tidegate.dns.record import packed


@pytest.mark.parametrize(
    ("address", "is_trusted"),
    [
        ("127.0.0.1", True),
        ("10.255.255.255", True),
        ("11.0.0.0", False),
        ("172.15.255.255", False),
        ("172.16.0.0", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.168.7.9", True),
        ("192.169.0.0", False),
        ("169.254.1.1", True),
        ("100.64.0.1", True),
        ("100.128.0.0", False),
        ("8.8.8.8", False),
        ("::1", True),
        ("::2", False),
        ("fd00::5", True),
        ("fe80::1", True),
        ("fec0::1", False),
        ("2001:db8::1", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_before_an_engine_has_told_its_networks_loopback_and_private_ranges_are_trusted(address, is_trusted):
    assert Access().trusts(packed(address)) is is_trusted


def test_once_the_engines_have_told_their_subnets_those_and_loopback_are_trusted_and_other_private_ranges_not():
    access = Access()
    access.learn(("172.17.0.0/16", "2001:db8:7::/64", "10.0.9.1/24"))
    for address in ("127.0.0.53", "::1", "172.17.0.9", "2001:db8:7::2", "10.0.9.200"):
        assert access.trusts(packed(address))
    for address in ("172.18.0.9", "192.168.1.20", "10.0.8.1", "fd00::5", "2001:db8:8::2"):
        assert not access.trusts(packed(address))
    access.learn(())
    assert access.trusts(packed("192.168.1.20"))


def test_who_asks_at_its_own_address_is_this_host():
    access = Access()
    access.learn(("172.17.0.0/16",))
    assert access.trusts(packed("192.168.1.20"), packed("192.168.1.20"))
    assert not access.trusts(packed("192.168.1.21"), packed("192.168.1.20"))


def test_who_asks_from_any_address_of_this_host_is_this_host():
    access = Access()
    access.learn(("172.17.0.0/16",))
    own = frozenset((packed("203.0.113.5"), packed("172.17.0.1")))
    assert [access.stand_at(own), access.stand_at(own)] == [True, False]
    assert access.trusts(packed("203.0.113.5"), packed("172.17.0.1"))
    assert not access.trusts(packed("203.0.113.6"), packed("172.17.0.1"))
    named = Access(("10.0.0.0/8",))
    assert not named.stand_at(own)
    assert not named.trusts(packed("203.0.113.5"))


def test_containers_of_engines_elsewhere_come_from_the_addresses_of_their_hosts():
    urls = (
        "unix:///var/run/docker.sock",
        "tcp://192.168.1.30:2376",
        "tcp://[2001:db8::30]:2376",
        "tcp://far.example:2376",
    )
    assert elsewhere(urls, "192.168.1.29") == ("192.168.1.30", "2001:db8::30", "192.168.1.29")
    access = Access(also=elsewhere(urls))
    access.learn(("172.17.0.0/16",))
    assert access.trusts(packed("192.168.1.30"))
    assert not access.trusts(packed("192.168.1.31"))


def test_networks_that_are_named_replace_those():
    access = Access(("203.0.113.0/24", "2001:db8:1::/48"))
    assert access.trusts(packed("203.0.113.255"))
    assert access.trusts(packed("2001:db8:1::7"))
    assert not access.trusts(packed("10.0.0.1"))
    assert not access.trusts(packed("2001:db8:2::7"))


def test_what_is_named_stays_whatever_engines_tell():
    access = Access(("203.0.113.0/24",))
    access.learn(("172.17.0.0/16",))
    assert not access.trusts(packed("172.17.0.9"))
    assert not access.trusts(packed("172.17.0.1"), packed("172.17.0.1"))


def test_without_a_network_nobody_is_trusted():
    assert not Access(()).trusts(packed("127.0.0.1"))


def test_what_is_no_network_is_told():
    with pytest.raises(ValueError, match="not appear to be"):
        Access(("all",))
