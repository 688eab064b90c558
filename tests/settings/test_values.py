import pytest

from tidegate.settings.fault import Fault
from tidegate.settings.values import as_text, read_flag, read_name, read_seconds, read_text, read_whole


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (2, "2"), (2.0, "2"), (0.5, "0.5"), (None, ""), ("x", "x")]
)
def test_bare_values_become_their_usual_text(value, text):
    assert as_text(value) == text


def test_text_is_stripped_and_control_characters_are_refused():
    assert read_text("  a b ") == "a b"
    for text in ("a\nb", "\x00", "\x7f", "x" * 4097):
        assert isinstance(read_text(text), Fault)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("True", True), ("FALSE", False)])
def test_flags_are_true_or_false(text, value):
    assert read_flag(text) is value


@pytest.mark.parametrize("text", ["yes", "1", "", "truee"])
def test_other_words_are_no_flags(text):
    assert isinstance(read_flag(text), Fault)


@pytest.mark.parametrize("text", ["", "-1", "11", "1.0", "1e1", " 1", "\u0661", "9" * 5000])
def test_whole_numbers_are_plain_and_in_range(text):
    assert isinstance(read_whole(text, 0, 10), Fault)
    assert read_whole("10", 0, 10) == 10


@pytest.mark.parametrize("text", ["", "-1", "11", "1e1", "nan", "inf", "1s", ".5"])
def test_seconds_are_plain_decimals_in_range(text):
    assert isinstance(read_seconds(text, 0, 10), Fault)
    assert read_seconds("0.5", 0, 10) == 0.5


@pytest.mark.parametrize(
    ("text", "good"),
    [("web", True), ("Web_1.a-b", True), ("-a", False), ("", False), ("a/b", False), ("a" * 64, False)],
)
def test_names_start_with_a_letter_or_digit(text, good):
    assert (read_name(text) == text) is good
