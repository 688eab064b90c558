from __future__ import annotations

from tests.support.asks import ask
from tidegate.policy import HeaderEdits
from tidegate.router.filters.headers import HeaderStep


def test_fields_are_removed_then_set_then_added():
    edits = HeaderEdits(add=(("X-A", "2"),), set=(("X-B", "new"),), remove=("x-c",))
    asked = ask("/", "X-A: 1", "x-b: old", "X-B: older", "X-C: gone")
    HeaderStep(edits).on_request(asked)
    assert asked.head.fields == b"Host: a.test\r\nX-A: 1\r\nX-B: new\r\nX-A: 2\r\n"


def test_an_edit_that_only_adds_leaves_the_rest_untouched():
    lines = b"A: 1\r\n"
    assert HeaderStep(HeaderEdits(add=(("B", "2"),))).edited(lines) == b"A: 1\r\nB: 2\r\n"
