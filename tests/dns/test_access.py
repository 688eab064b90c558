from __future__ import annotations

import pytest

from tidegate.dns.access import Access
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
def test_loopback_and_what_containers_live_in_are_trusted(address, is_trusted):
    assert Access().trusts(packed(address)) is is_trusted


def test_networks_that_are_named_replace_those():
    access = Access(("203.0.113.0/24", "2001:db8:1::/48"))
    assert access.trusts(packed("203.0.113.255"))
    assert access.trusts(packed("2001:db8:1::7"))
    assert not access.trusts(packed("10.0.0.1"))
    assert not access.trusts(packed("2001:db8:2::7"))


def test_without_a_network_nobody_is_trusted():
    assert not Access(()).trusts(packed("127.0.0.1"))


def test_what_is_no_network_is_told():
    with pytest.raises(ValueError, match="not appear to be"):
        Access(("all",))
