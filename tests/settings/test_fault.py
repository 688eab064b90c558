import pytest

from tidegate.settings.fault import meant, nearest, shown


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
