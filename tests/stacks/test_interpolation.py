import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.stacks.interpolation import REQUIRED, SYNTAX, UNSET, fill, interpolate

VARIABLES = {"A": "one", "EMPTY": "", "HOME_2": "two"}


def filled(text):
    reports = []
    return fill(text, VARIABLES, lambda code, _: reports.append(code)), reports


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("$A and ${A}", "one and one"),
        ("${HOME_2}$A", "twoone"),
        ("$$A $${A}", "$A ${A}"),
        ("${EMPTY:-x}${EMPTY-x}", "x"),
        ("${NO:-x}${NO-y}${A:-z}", "xyone"),
        ("${NO:-}", ""),
        ("${A:+x}${EMPTY:+y}${EMPTY+z}${NO+w}", "xz"),
        ("${NO:-${A}}", "one"),
        ("${NO:-a ${NO:-b} c}", "a b c"),
        ("${NO:-{}}", "{}"),
        ("${A:?must}", "one"),
    ],
)
def test_variables_are_filled_in_as_compose_does(text, value):
    assert filled(text) == (value, [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("$NO", UNSET),
        ("${NO}", UNSET),
        ("${NO:?say why}", REQUIRED),
        ("${EMPTY:?say why}", REQUIRED),
        ("100 $", SYNTAX),
        ("$5", SYNTAX),
        ("${A", SYNTAX),
        ("${A!b}", SYNTAX),
        ("${}", SYNTAX),
        ("${NO:-" * 2000 + "}" * 2000, SYNTAX),
    ],
)
def test_what_is_wrong_is_reported(text, code):
    assert filled(text)[1] == [code]


def test_values_are_filled_at_every_depth_and_reported_where_they_stand():
    reports = []
    data = {"$A": ["$A", {"k": "$NO"}], "n": 1}
    result = interpolate(data, VARIABLES, lambda code, _, path: reports.append((code, path)))
    assert result == {"$A": ["one", {"k": ""}], "n": 1}
    assert reports == [(UNSET, ("$A", 1, "k"))]


@given(st.text(alphabet="${}:-?+AB "))
def test_any_text_gives_text(text):
    assert isinstance(filled(text)[0], str)
