import pytest

from tidegate.discovery.complaints import Complaints, meant, nearest, shown
from tidegate.errors import Severity


def test_problems_are_kept_in_order_with_their_place():
    complaints = Complaints(lambda at: f"here:{at}")
    complaints.error("T1202", "a", "bad", mend="mend it")
    complaints.warning("T1204", "b", "odd")
    assert [(each.code, each.place, each.severity) for each in complaints.problems] == [
        ("T1202", "here:a", Severity.ERROR),
        ("T1204", "here:b", Severity.WARNING),
    ]


@pytest.mark.parametrize(
    ("word", "close"), [("wbe", "web"), ("endpoint", "endpoints"), ("web", "web"), ("zzz", ""), ("", "")]
)
def test_a_slip_finds_its_word_and_a_stranger_none(word, close):
    assert nearest(word, ["web", "endpoints", "api"]) == close


def test_without_a_near_word_all_known_ones_are_named():
    assert meant("xyz", ["b", "a"]) == "known here: a, b"
    assert meant("wbe", ["web"]) == "did you mean web?"


def test_what_is_shown_is_short_and_printable():
    assert shown("a\r\n\x1b[31m") == r"'a\r\n\x1b[31m'"
    assert len(shown("x" * 500)) < 70
