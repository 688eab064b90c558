"""What `sheet` and `copies` have in common, seen through the sheet: `Pages` itself has no answers."""

from __future__ import annotations

import pytest

from tests.support.dns import LOCAL, STRANGER
from tidegate.dns import answer, wire
from tidegate.dns.pages import Pages
from tidegate.dns.sheet import Sheet
from tidegate.dns.tally import Meter, Tally
from tidegate.dns.view import Asker

ASKER = Asker(STRANGER, LOCAL, frozenset(), 7, recursion=False, stream=False)


def question(text):
    return wire.encode(text) + b"\0\1\0\1"


def query(asked):
    return b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + asked


def put(sheet, asked, text, kind="A"):
    sheet.put(asked, 0, answer.positive(Tally(kind, wire.NOERROR), answer.Orders([[text]])))


def test_pages_alone_have_no_answers():
    with pytest.raises(NotImplementedError):
        Pages(Meter(), 4096, 64).answer(query(question("web")), ASKER)


def test_only_so_many_kinds_of_answers_are_told_apart_and_the_rest_is_for_others():
    sheet = Sheet(Meter())
    for number in range(300):
        put(sheet, question(f"s{number}"), b"record", str(number))
    said = [bool(sheet.answer(query(question(f"s{number}")), ASKER)) for number in range(300)]
    assert said == [True] * 256 + [False] * 44


def test_what_is_cleared_is_gone_and_there_is_room_again():
    sheet = Sheet(Meter(), 4096, 64)
    for text in ("web", "api"):
        put(sheet, question(text), b"x" * 2000)
        assert sheet.answer(query(question(text)), ASKER) is None
    put(sheet, question("last"), b"x" * 100)
    assert sheet.answer(query(question("web")), ASKER) == b""
    assert sheet.answer(query(question("last")), ASKER)
    sheet.clear()
    assert sheet.answer(query(question("last")), ASKER) == b""
