import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.policy import FieldMatch, Match
from tidegate.settings.conditions import MAX_CONDITIONS, apart, conditions_of, read_conditions

FULL = Match(
    methods=("GET", "POST"),
    headers=(FieldMatch(name="x-beta", value="1"), FieldMatch(name="x-user")),
    cookies=(FieldMatch(name="Canary"),),
    query=(FieldMatch(name="v[0]", value="a b=c"),),
)
SAID = {
    "match.method": "post, GET",
    "match.header.X-User": "*",
    "match.header.X-Beta": "1",
    "match.cookie.Canary": "*",
    "match.query.v[0]": "a b=c",
}


def test_conditions_are_read_in_one_order():
    assert read_conditions(SAID).match == FULL
    assert read_conditions(dict(reversed(SAID.items()))).match == FULL


def test_conditions_written_and_read_again_are_the_same():
    assert read_conditions(conditions_of(FULL)).match == FULL
    assert conditions_of(None) == {}
    assert read_conditions({}).match is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("match.header.X-Beta", ""),
        ("match.header.X-Beta", "a&b"),
        ("match.header.X-Beta", "a\r\nb"),
        ("match.header.", "1"),
        ("match.header", "1"),
        ("match.headers.X-Beta", "1"),
        ("match.cookie.a b", "1"),
        ("match.query.a=b", "1"),
        ("match.cookies", "GET,"),
        ("match", "1"),
    ],
)
def test_a_wrong_condition_leaves_none(name, text):
    found = read_conditions({"match.method": "GET", name: text})
    assert found.match is None
    assert [each for each, _ in found.wrong] == [name]


def test_an_unknown_condition_is_told_with_the_nearest():
    ((_, fault),) = read_conditions({"match.headers.X-Beta": "1"}).wrong
    assert fault.mend == "did you mean match.header.X-Beta?"


def test_one_header_in_two_spellings_and_too_many_conditions_are_wrong():
    assert read_conditions({"match.header.A": "1", "match.header.a": "2"}).wrong
    assert read_conditions({f"match.query.q{n}": "1" for n in range(MAX_CONDITIONS + 1)}).wrong


def test_conditions_and_settings_are_told_apart():
    assert apart({"match.method": "GET", "retry.tries": "1"}) == ({"match.method": "GET"}, {"retry.tries": "1"})


NAMES = st.sampled_from(("header", "cookie", "query")).flatmap(lambda k: st.text(max_size=8).map(f"match.{k}.".__add__))


@given(st.dictionaries(NAMES | st.just("match.method") | st.text(max_size=9).map("match".__add__), st.text(max_size=9)))
def test_any_text_is_read_and_what_is_understood_has_one_name(given_):
    match = read_conditions(given_).match
    if match is not None:
        assert read_conditions(conditions_of(match)).match == match
        assert len(str(match).split("&")) == match.conditions()
