from __future__ import annotations

import pytest

from tests.support.asks import head
from tidegate.policy import FieldMatch, Match
from tidegate.router.filters.match import Choice, Conditions

BETA = Match(headers=(FieldMatch(name="x-beta", value="1"),))


@pytest.mark.parametrize(
    ("match", "asked", "holds"),
    [
        (Match(methods=("GET", "HEAD")), head("/"), True),
        (Match(methods=("POST",)), head("/"), False),
        (BETA, head("/", "X-Beta: 1"), True),
        (BETA, head("/", "X-Beta: 0", "X-Beta: 1"), True),
        (BETA, head("/", "X-Beta: 11"), False),
        (BETA, head("/"), False),
        (Match(headers=(FieldMatch(name="x-beta"),)), head("/", "X-Beta: any"), True),
        (Match(cookies=(FieldMatch(name="c", value="1"),)), head("/", "Cookie: b=2; c=1"), True),
        (Match(cookies=(FieldMatch(name="c"),)), head("/"), False),
        (Match(query=(FieldMatch(name="v", value="2"),)), head("/?v=2"), True),
        (Match(query=(FieldMatch(name="v", value="2"),)), head("/v=2"), False),
        (Match(methods=("GET",), query=(FieldMatch(name="v"),)), head("/?v", method="POST"), False),
        (Match(), head("/"), True),
    ],
)
def test_all_conditions_must_hold(match, asked, holds):
    assert Conditions(match).hold(asked) == holds


@pytest.mark.parametrize(
    ("match", "words"),
    [
        (Match(methods=("PUT", "POST")), "method PUT or POST"),
        (BETA, "header x-beta = 1"),
        (Match(cookies=(FieldMatch(name="c"),)), "cookie c"),
        (Match(query=(FieldMatch(name="v", value="2"),)), "query parameter v = 2"),
        (Match(), ""),
    ],
)
def test_the_first_condition_that_does_not_hold_is_named(match, words):
    assert Conditions(match).lacking(head("/")) == words


class Live:
    def __init__(self, name, choice=None):
        self.name = name
        self.choice = choice


def test_most_conditions_come_first_and_the_fallback_last():
    both = Match(methods=("GET",), headers=BETA.headers)
    choice = Choice([(BETA, Live("beta")), (both, Live("both"))], Live("plain"))
    assert choice.choose(head("/", "X-Beta: 1")).name == "both"
    assert choice.choose(head("/", "X-Beta: 1", method="PUT")).name == "beta"
    assert choice.choose(head("/")).name == "plain"


def test_a_fallback_with_a_choice_of_its_own_is_asked_on():
    shorter = Live("stand-in", Choice([(Match(methods=("GET",)), Live("get"))], None))
    choice = Choice([(BETA, Live("beta"))], shorter)
    assert choice.choose(head("/")).name == "get"
    assert choice.choose(head("/", method="POST")) is None
