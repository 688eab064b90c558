from __future__ import annotations

import pytest

from tidegate.dns import special, wire


@pytest.mark.parametrize(
    "text", ["invalid", "a.b.onion", "printer.local", "x.home.arpa", "y.alt", "_dns.resolver.arpa"]
)
def test_reserved_names_have_an_apex_that_does_not_exist(text):
    assert special.apex_above(wire.encode(text), special.ABSENT_APEXES)


@pytest.mark.parametrize("text", ["notlocal", "x.localx", "local.example", "metadata.google.internal", "a.test"])
def test_names_are_matched_by_label_and_not_by_suffix(text):
    assert not special.apex_above(wire.encode(text), special.ABSENT_APEXES)


@pytest.mark.parametrize(
    "text", ["1.0.0.10.in-addr.arpa", "9.17.172.in-addr.arpa", "1.1.168.192.in-addr.arpa", "1.d.f.ip6.arpa"]
)
def test_private_reverse_names_are_ours(text):
    assert special.apex_above(wire.encode(text), special.REVERSE_APEXES)


@pytest.mark.parametrize("text", ["8.8.8.8.in-addr.arpa", "1.32.172.in-addr.arpa", "1.15.172.in-addr.arpa"])
def test_public_reverse_names_are_not(text):
    assert not special.apex_above(wire.encode(text), special.REVERSE_APEXES)


def test_dotless_is_exactly_one_label():
    assert [special.is_dotless(wire.encode(t)) for t in ("web", "web.shop", ".")] == [True, False, False]
