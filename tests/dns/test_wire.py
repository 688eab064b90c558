from __future__ import annotations

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.dns import wire

WEB = bytes.fromhex("12340100000100000000000003776562046d65736804746573740000010001")
OPT = bytes.fromhex("00002904d0000000000000")


def with_additional(*records, count=None):
    number = len(records) if count is None else count
    return WEB[:10] + number.to_bytes(2) + WEB[12:] + b"".join(records)


@pytest.mark.parametrize(
    ("data", "rcode"),
    [
        (WEB[:2] + b"\x28\0" + WEB[4:], wire.NOTIMP),
        (WEB[:12], wire.FORMERR),
        (WEB[:4] + b"\0\0" + WEB[6:], wire.FORMERR),
        (WEB[:4] + b"\0\2" + WEB[6:], wire.FORMERR),
        (WEB[:6] + b"\0\1" + WEB[8:], wire.FORMERR),
        (WEB[:8] + b"\0\1" + WEB[10:], wire.FORMERR),
        (WEB[:20], wire.FORMERR),
        (WEB[:-3], wire.FORMERR),
        (WEB[:12] + b"\xc0\x0c\0\1\0\1", wire.FORMERR),
        (WEB[:12] + b"\x41" + b"a" * 65 + b"\0\0\1\0\1", wire.FORMERR),
        (with_additional(OPT, OPT), wire.FORMERR),
        (with_additional(b"\1a" + OPT), wire.FORMERR),
        (with_additional(OPT, count=3), wire.FORMERR),
        (with_additional(OPT, count=2), wire.FORMERR),
        (with_additional(OPT[:-2] + b"\0\6\0\x0a\0\xffab"), wire.FORMERR),
        (with_additional(OPT[:6] + b"\1" + OPT[7:]), wire.BADVERS),
        (WEB[:-1] + b"\3", wire.REFUSED),
        (WEB[:-4] + b"\0\xfc\0\1", wire.REFUSED),
        (WEB[:-4] + b"\0\x29\0\1", wire.FORMERR),
        (WEB + b"garbage!", wire.NOERROR),
        (with_additional(OPT), wire.NOERROR),
        (with_additional(OPT[:-2] + b"\0\x0c\0\x0a\0\x08abcdefgh"), wire.NOERROR),
    ],
)
def test_a_query_gets_the_code_its_form_deserves(data, rcode):
    query = wire.parse(data)
    assert query is not None
    assert query.rcode == rcode
    reply = dns.message.from_wire(wire.reply(query, query.rcode), ignore_trailing=False)
    assert reply.rcode() == rcode


def with_cookie(*cookies):
    options = b"".join(b"\0\x0a" + len(cookie).to_bytes(2) + cookie for cookie in cookies)
    return with_additional(OPT[:-2] + len(options).to_bytes(2) + options)


@pytest.mark.parametrize(
    ("pointer", "rcode"), [(12, wire.NOERROR), (11, wire.FORMERR), (31, wire.FORMERR), (400, wire.FORMERR)]
)
def test_an_owner_may_only_point_at_what_stands_before_it(pointer, rcode):
    record = (0xC000 | pointer).to_bytes(2) + b"\0\1\0\1\0\0\0\0\0\0"
    assert wire.parse(with_additional(record)).rcode == rcode


@pytest.mark.parametrize("size", [0, 7, 9, 15, 41])
def test_a_cookie_of_a_size_no_cookie_has_is_malformed(size):
    assert wire.parse(with_cookie(b"a" * size)).rcode == wire.FORMERR


@pytest.mark.parametrize("size", [8, 16, 24, 40])
def test_a_cookie_is_read_and_of_several_the_first(size):
    query = wire.parse(with_cookie(b"a" * size, b"bad"))
    assert (query.rcode, query.cookie) == (wire.NOERROR, b"a" * size)


@pytest.mark.parametrize(
    ("options", "fit"),
    [(b"", True), (b"\0\x64\0\1a", True), (b"\0\x64\0\2a", False), (b"\0\x0a\0\x08abcdefgh", False), (b"\0", False)],
)
def test_options_that_need_no_answer_are_known(options, fit):
    assert wire.options_fit(options, 0, len(options)) is fit


@pytest.mark.parametrize(("count", "rcode"), [(128, wire.NOERROR), (129, wire.FORMERR), (16000, wire.FORMERR)])
def test_more_options_than_anybody_needs_are_malformed(count, rcode):
    options = b"\0\x64\0\0" * count
    assert wire.parse(with_additional(OPT[:-2] + len(options).to_bytes(2) + options)).rcode == rcode


def test_without_a_question_only_a_cookie_makes_sense():
    def alone(data):
        return wire.parse(data[:4] + b"\0\0" + data[6:12] + data[len(WEB) :])

    asked = alone(with_cookie(b"a" * 8))
    assert (asked.rcode, asked.question, asked.cookie) == (wire.NOERROR, b"", b"a" * 8)
    assert alone(with_additional(OPT)).rcode == wire.FORMERR


@pytest.mark.parametrize(
    ("rcode", "ede"), [(wire.NOTIMP, 21), (wire.REFUSED, 21), (wire.FORMERR, None), (wire.BADVERS, None)]
)
def test_what_is_refused_by_its_form_is_said_to_be_not_supported(rcode, ede):
    query = wire.parse(WEB)
    query.rcode = rcode
    assert wire.reason(query) == ede


@pytest.mark.parametrize("data", [b"", b"\0", WEB[:11], WEB[:2] + b"\x81" + WEB[3:]])
def test_what_must_not_be_answered_is_none(data):
    assert wire.parse(data) is None


@pytest.mark.parametrize(("size", "room"), [(0, 512), (100, 512), (512, 512), (1000, 1000), (65535, 1232)])
def test_the_udp_room_is_between_512_and_1232(size, room):
    query = wire.parse(with_additional(OPT[:3] + size.to_bytes(2) + OPT[5:]))
    assert wire.limit(query, stream=False) == room


def test_without_edns_the_room_is_512():
    assert wire.limit(wire.parse(WEB), stream=False) == 512


def test_a_name_of_255_octets_is_taken_and_one_of_256_is_not():
    longest = b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\x3d" + b"a" * 61 + b"\0"
    assert wire.parse(WEB[:12] + longest + b"\0\1\0\1").rcode == wire.NOERROR
    longer = b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\x3e" + b"a" * 62 + b"\0"
    assert wire.parse(WEB[:12] + longer + b"\0\1\0\1").rcode == wire.FORMERR


def test_the_reply_repeats_id_rd_cd_do_and_the_question_as_asked():
    data = with_additional(OPT[:7] + b"\x80" + OPT[8:]).replace(b"web", b"wEb")
    query = wire.parse(data[:3] + b"\x70" + data[4:])
    reply = wire.reply(query, wire.REFUSED)
    assert reply[:4] == b"\x12\x34\x81\x15"
    assert b"\3wEb\4mesh" in reply
    assert reply.endswith(bytes.fromhex("00002904d0000080000000"))


def test_records_are_cut_whole_and_the_cut_is_told():
    query = wire.parse(WEB)
    records = [bytes((n,)) * 16 for n in range(40)]
    reply = wire.assemble(query, 0, 0, 512, records, [b"authority"], [b"additional"])
    kept = int.from_bytes(reply[6:8])
    assert reply[2] & 0x02
    assert len(reply) <= 512 < len(reply) + 16
    assert reply[31:] == b"".join(records[:kept])


def test_additional_records_go_without_telling():
    reply = wire.assemble(wire.parse(WEB), 0, 0, 512, [b"a" * 400], (), [b"b" * 100])
    assert not reply[2] & 0x02
    assert reply[6:12] == b"\0\1\0\0\0\0"


def test_a_wire_name_reads_like_text_with_odd_octets_escaped():
    assert wire.decode(b"\3a.b\2\xff\x20\0") == r"a\046b.\255\032"
    assert wire.decode(b"\0") == "."


@pytest.mark.parametrize("text", ["a..b", "x" * 64, ".".join(["a" * 60] * 5)])
def test_what_cannot_be_a_name_is_refused(text):
    with pytest.raises(ValueError, match="octets"):
        wire.encode(text)


@given(st.binary(max_size=600))
def test_no_bytes_make_the_parser_raise(data):
    query = wire.parse(data)
    if query is not None and not query.rcode:
        assert query.question == data[12 : 12 + len(query.question)]


@given(st.lists(st.tuples(st.integers(0, len(WEB) + 11), st.integers(0, 255)), max_size=6), st.integers(0, 42))
def test_a_mutated_query_is_dropped_or_gets_a_well_formed_reply(changes, cut):
    data = bytearray(with_additional(OPT))
    for position, value in changes:
        if position < len(data):
            data[position] = value
    query = wire.parse(bytes(data[: len(data) - cut]))
    if query is None:
        assert len(data) - cut < 12 or data[2] & 0x80
        return
    reply = wire.reply(query, query.rcode or wire.REFUSED)
    assert reply[:2] == data[:2]
    assert reply[2] & 0x80
