from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.cli.address import cidr, dns_zone, forward_zone, is_loopback, listener, literal, nameserver
from tidegate.model import Address, Nameserver

GOOD = [
    ("8080", "0.0.0.0", 8080),
    (":8080", "0.0.0.0", 8080),
    ("*:8080", "0.0.0.0", 8080),
    ("localhost:8080", "127.0.0.1", 8080),
    ("127.0.0.1:0", "127.0.0.1", 0),
    ("[::]:8080", "::", 8080),
    ("[0:0:0:0:0:0:0:1]:53", "::1", 53),
    (" 10.0.0.1:65535 ", "10.0.0.1", 65535),
]
BAD = [
    "",
    ":",
    "x",
    "web:80",
    "1.2.3.4",
    "::1:80",
    "[::1]",
    "[::1]80",
    "[::1:80",
    "1.2.3.4:65536",
    "1.2.3:80",
    "80:",
    "-1",
]


@pytest.mark.parametrize(("text", "host", "port"), GOOD)
def test_an_address_is_read_in_each_form_people_write(text, host, port):
    assert listener(text, "0.0.0.0") == Address(host=host, port=port)


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match=r"port|address"):
        listener(text, "0.0.0.0")


def test_a_missing_host_is_that_of_the_setting():
    assert listener("9900", "127.0.0.1") == Address(host="127.0.0.1", port=9900)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_an_address_reads_back_as_it_is_shown(ip, port):
    if getattr(ip, "scope_id", None):
        return
    shown = str(Address(host=str(ip), port=port))
    assert listener(shown, "0.0.0.0") == Address(host=str(ipaddress.ip_address(str(ip))), port=port)


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_a_value_error(text):
    try:
        found = listener(text, "0.0.0.0")
    except ValueError:
        return
    ipaddress.ip_address(found.host)
    assert 0 <= found.port <= 65535


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("1.1.1.1", "1.1.1.1", 53),
        ("::1", "::1", 53),
        ("[::1]", "::1", 53),
        ("[::1]:54", "::1", 54),
        ("9.9.9.9:5353", "9.9.9.9", 5353),
    ],
)
def test_a_name_server_has_port_53_unless_it_is_given(text, host, port):
    assert nameserver(text) == Nameserver(host=host, port=port)


@pytest.mark.parametrize(
    ("text", "port", "name"),
    [
        ("tls://1.1.1.1", 853, ""),
        ("tls://1.1.1.1:8853#one.one.one.one", 8853, "one.one.one.one"),
        ("tls://[2606:4700::1]:853#one", 853, "one"),
    ],
)
def test_a_name_server_over_tls_has_port_853_and_the_name_of_its_certificate(text, port, name):
    found = nameserver(text)
    assert (found.tls, found.port, found.name) == (True, port, name)
    assert nameserver(str(found)) == found


def test_a_name_without_tls_is_refused():
    with pytest.raises(ValueError, match="over TLS"):
        nameserver("1.1.1.1#one")


def test_a_zone_is_forwarded_to_servers_of_its_own():
    found = forward_zone("Corp.Example.=10.0.0.2,tls://10.0.0.3#ns.corp")
    assert str(found) == "corp.example=10.0.0.2:53,tls://10.0.0.3:853#ns.corp"
    assert forward_zone(str(found)) == found


@pytest.mark.parametrize("text", ["", "corp", "corp=", "=10.0.0.2", "a..b=10.0.0.2", "corp=ten", "x" * 64 + "=::1"])
def test_what_names_no_zone_or_no_server_is_refused(text):
    with pytest.raises(ValueError, match=r"zone|upstream|port|address"):
        forward_zone(text)


def test_the_root_is_a_zone():
    assert dns_zone(".") == "."


def test_a_port_alone_is_no_name_server():
    with pytest.raises(ValueError, match="needs an address"):
        nameserver(":53")


def test_an_address_alone_is_put_in_canonical_form_or_is_nothing():
    assert [literal(text) for text in ("192.0.2.1", "[FD00::0:1]", "")] == ["192.0.2.1", "fd00::1", ""]
    with pytest.raises(ValueError, match="not an IP address"):
        literal("router")


def test_a_network_is_put_in_canonical_form():
    assert cidr("10.1.2.3/8") == "10.0.0.0/8"
    assert cidr("::1") == "::1/128"
    with pytest.raises(ValueError, match="not an address or a network"):
        cidr("ten")


def test_loopback_is_told_from_other_addresses():
    assert is_loopback(Address(host="127.3.2.1", port=1))
    assert not is_loopback(Address(host="0.0.0.0", port=1))
