from __future__ import annotations

import dns.rdata
import dns.reversename
import pytest

from tidegate.dns import record, wire


def test_a_record_is_owner_type_class_ttl_length_and_data():
    assert record.address(record.HERE, 5, b"\x0a\0\0\1").hex() == "c00c0001000100000005" + "0004" + "0a000001"


@pytest.mark.parametrize("address", ["10.1.2.3", "fd00::1:2"])
def test_reverse_names_are_those_of_the_rfcs(address):
    expected = dns.reversename.from_address(address).to_wire()
    assert record.reverse_name(record.packed(address)) == expected


def test_soa_and_srv_read_back():
    apex = wire.encode("mesh.test")
    soa = record.start_of_authority(apex, 5, apex, 7, 5)
    assert read(soa, len(apex)).to_text() == "ns.mesh.test. hostmaster.mesh.test. 7 3600 600 86400 5"
    assert read(record.service(apex, 5, 3, 80, apex), len(apex)).to_text() == "0 3 80 mesh.test."


@pytest.mark.parametrize(("weight", "sent"), [(-1, 0), (70000, 65535)])
def test_srv_weights_stay_in_their_sixteen_bits(weight, sent):
    assert read(record.service(b"\0", 5, weight, 80, b"\0"), 1).weight == sent


@pytest.mark.parametrize("text", ["", "web", "10.0.0", "fe80::x"])
def test_what_is_no_address_is_empty(text):
    assert record.packed(text) == b""


def read(data, owner):
    rtype = int.from_bytes(data[owner : owner + 2])
    return dns.rdata.from_wire("IN", rtype, data, owner + 10, len(data) - owner - 10)
