from __future__ import annotations

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.dns import LOCAL, STRANGER, name, place, publish, target, zone_of
from tidegate.dns import answer, wire
from tidegate.dns.sheet import Sheet
from tidegate.dns.tally import Meter, Tally
from tidegate.dns.view import Asker

ASKER = Asker(STRANGER, LOCAL, frozenset(), 7, recursion=False, stream=False)
TALLY = Tally("A", wire.NOERROR)


def question(text, qtype=wire.A):
    return wire.encode(text) + qtype.to_bytes(2) + b"\0\1"


def query(asked, *, opt=b"", flags=b"\1\0"):
    return b"\x12\x34" + flags + b"\0\1\0\0\0\0\0" + bytes((bool(opt),)) + asked + opt


def made(*records, tally=TALLY):
    return answer.positive(tally, answer.Orders([list(records)]))


@pytest.fixture
def sheet():
    return Sheet(Meter())


def test_what_is_not_there_is_missing_and_what_does_not_fit_is_for_others(sheet):
    asked = question("web.mesh.test")
    assert sheet.answer(query(asked), ASKER) == b""
    sheet.put(asked, 0, made(b"record"))
    for odd in (
        b"",
        query(asked)[:-1],
        query(asked, flags=b"\x81\0"),
        query(asked, flags=b"\x09\0"),
        query(asked, opt=wire.option_record(do=False))[:-1],
        query(asked, opt=b"\0\0\x10\x04\xd0\0\0\0\0\0\0"),
        query(asked, opt=b"\0\0\x29\x04\xd0\0\1\0\0\0\0"),
        query(b"\x3f" * 300),
    ):
        assert sheet.answer(odd, ASKER) is None


def test_the_reply_keeps_id_case_and_flags_of_the_query(sheet):
    asked = question("web.mesh.test")
    sheet.put(asked, 0, made(b"record"))
    spelt = question("WeB.mEsh.TEST")
    assert sheet.answer(query(spelt, flags=b"\1\x10"), ASKER) == b"\x12\x34\x85\x10\0\1\0\1\0\0\0\0" + spelt + b"record"
    with_opt = sheet.answer(query(asked, opt=wire.option_record(do=True)), ASKER)
    assert with_opt.endswith(b"record" + wire.option_record(do=True))
    assert with_opt[4:12] == b"\0\1\0\1\0\0\0\1"


COOKIE = b"\0\x0a\0\x08abcdefgh"
PADDING = b"\0\x0c\0\x03\0\0\0"


@pytest.mark.parametrize(
    ("options", "plain", "with_cookies"),
    [
        (PADDING, True, True),
        (COOKIE, True, False),
        (b"\0\x0a\0\x18" + b"x" * 24, True, False),
        (b"\0\x0a\0\x07abcdefg", False, False),
        (b"\0\x0a\0\x0f" + b"x" * 15, False, False),
        (b"\0\x0a\0\x29" + b"x" * 41, False, False),
        (PADDING + COOKIE, False, False),
        (PADDING[:-1], False, False),
        (b"\0\x0c\0", False, False),
    ],
)
def test_an_option_that_gets_no_answer_is_ignored_and_any_other_is_for_others(options, plain, with_cookies):
    asked = question("web.mesh.test")
    for cookies, expected in ((False, plain), (True, with_cookies)):
        sheet = Sheet(Meter(), cookies=cookies)
        sheet.put(asked, 0, made(b"record"))
        found = sheet.answer(query(asked, opt=wire.option_record(do=False, options=options)), ASKER)
        assert bool(found) is expected
        if expected:
            assert found == sheet.answer(query(asked, opt=wire.option_record(do=False)), ASKER)
            assert sheet.answer(query(asked, opt=wire.option_record(do=False, options=options))[:-1], ASKER) is None


def test_every_reply_is_counted():
    meter, tally = Meter(), Tally("A", wire.NOERROR)
    sheet = Sheet(meter)
    sheet.put(question("web"), 0, made(b"record", tally=tally))
    for opt in (b"", wire.option_record(do=True)):
        sheet.answer(query(question("web"), opt=opt), ASKER)
    sheet.answer(query(question("other")), ASKER)
    assert (tally.lanes(), meter.do, sum(meter.replies.counts())) == ((2, 0, 0, 0), 1, 2)


def test_variants_are_given_in_turn(sheet):
    asked = question("web")
    sheet.put(asked, 0, answer.positive(TALLY, answer.Orders([[b"one", b"two", b"three"]])))
    replies = [sheet.answer(query(asked), ASKER)[12 + len(asked) :] for _ in range(4)]
    assert replies == [b"onetwothree", b"twothreeone", b"threeonetwo", b"onetwothree"]


def test_each_view_has_its_own_answer_and_forgetting_a_question_drops_all_of_them(sheet):
    asked, other = question("web"), question("api")
    sheet.put(asked, 6, made(b"six"))
    assert sheet.answer(query(asked), ASKER) == b""
    sheet.put(asked, 7, made(b"seven"))
    sheet.put(other, 0, made(b"all"))
    assert sheet.answer(query(asked), ASKER).endswith(b"seven")
    sheet.forget(asked)
    views = [Asker(STRANGER, LOCAL, frozenset(), view, recursion=False, stream=False) for view in (6, 7)]
    assert [sheet.answer(query(asked), asker) for asker in views] == [b"", b""]
    assert sheet.answer(query(other), ASKER).endswith(b"all")


def test_a_reply_too_long_for_the_asker_is_for_others(sheet):
    asked = question("web")
    sheet.put(asked, 0, made(b"x" * 600))
    assert sheet.answer(query(asked), ASKER) is None
    assert len(sheet.answer(query(asked, opt=wire.option_record(do=False)), ASKER)) == 12 + len(asked) + 600 + 11


def test_what_is_too_large_is_not_written(sheet):
    sheet.put(question("web"), 0, made(b"x" * 3000))
    assert sheet.answer(query(question("web")), ASKER) == b""


@pytest.mark.parametrize(("size", "buckets"), [(4096, 64), (1 << 20, 1)])
def test_a_full_sheet_forgets_something_and_never_says_anything_wrong(size, buckets):
    sheet = Sheet(Meter(), size, buckets)
    for number in range(200):
        asked = question(f"s{number}")
        sheet.put(asked, 0, made(b"record %d" % number))
        assert sheet.answer(query(asked), ASKER).endswith(b"record %d" % number)
    for number in range(200):
        assert sheet.answer(query(question(f"s{number}")), ASKER)[-3:] in (b"", (b"record %d" % number)[-3:])


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 11), st.integers(0, 3)), max_size=60))
def test_it_never_says_what_was_forgotten_or_replaced(steps):
    sheet = Sheet(Meter(), 2048, 1)
    known = {}
    for turn, (is_put, number, view) in enumerate(steps):
        asked = question(f"s{number}")
        sheet.forget(asked)
        known = {key: value for key, value in known.items() if key[0] != number}
        if is_put:
            known[number, view] = b"record %d" % turn
            sheet.put(asked, view, made(known[number, view]))
        for n, v in [(n, v) for n in range(12) for v in (1, 2, 3)]:
            asker = Asker(STRANGER, LOCAL, frozenset(), v, recursion=False, stream=False)
            found = sheet.answer(query(question(f"s{n}")), asker)[12 + len(question(f"s{n}")) :]
            assert found in {b"", known.get((n, v), b""), known.get((n, 0), b"")}


def test_a_change_of_the_table_takes_the_old_answer_off_the_sheet():
    zone = zone_of(name("web", target("1.web", place("a", "10.1.0.1"))))
    data = dns.message.make_query("web.mesh.test", "A", use_edns=False).to_wire()
    asker = zone.asker(STRANGER, LOCAL)
    zone.resolve(wire.parse(data), asker)
    zone.write(data, asker)
    assert zone.sheet.answer(data, asker) == zone.answer(data, asker)
    publish(zone, name("web", target("1.web", place("a", "10.1.0.2"))))
    assert zone.sheet.answer(data, zone.asker(STRANGER, LOCAL)) == b""


@pytest.mark.parametrize("soa", [b"new", b"longer than the old one by far"])
def test_a_renewed_denial_is_said_as_it_is_now_or_not_at_all(sheet, soa):
    denial = answer.negative(Tally("A", wire.NXDOMAIN), b"old")
    for asked in (question("a"), question("b")):
        sheet.put(asked, 0, denial)
    fresh = answer.negative(denial.tally, soa)
    denial.variants, denial.authority = fresh.variants, fresh.authority
    sheet.renew()
    for asked in (question("a"), question("b")):
        found = sheet.answer(query(asked), ASKER)
        assert found[12 + len(asked) :] == soa if len(soa) == 3 else found == b""
