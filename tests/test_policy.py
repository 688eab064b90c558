from __future__ import annotations

from msgspec import msgpack

from tidegate.model import Route
from tidegate.policy import Balance, FieldMatch, Filters, Match, Policy, Redirect, Timeouts


def test_a_match_is_written_the_same_way_whoever_made_it():
    match = Match(
        methods=("GET", "POST"),
        headers=(FieldMatch(name="x-beta", value="1"),),
        cookies=(FieldMatch(name="canary"),),
        query=(FieldMatch(name="v", value="2"),),
    )

    assert str(match) == "method=GET+POST&header.x-beta=1&cookie.canary&query.v=2"
    assert match.conditions() == 4
    assert (str(Match()), Match().conditions()) == ("", 0)


def test_the_default_policy_takes_no_room_on_the_wire():
    plain = Route(id="a.test/", host="a.test", path="/", backends=())

    assert b"policy" not in msgpack.encode(plain)


def test_a_policy_comes_back_from_the_wire_as_it_was():
    policy = Policy(
        balance=Balance(sticky=True),
        timeouts=Timeouts(try_=1.5),
        filters=Filters(redirect=Redirect(scheme="https"), pages=((503, "later"),)),
    )

    assert msgpack.decode(msgpack.encode(policy), type=Policy) == policy
