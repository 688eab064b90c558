from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.releases import container, ended, release, seen
from tidegate.release.fates import followed, wished, with_wish, without
from tidegate.release.record import Fate, State, Wish
from tidegate.release.spec import Retire

OLD = container("old1", 1)
NOT_READY = replace(OLD, ready_since=0.0)


def following(wish, there, *, live=True, now=1001.0, **fields):
    """What is wished of `there` after one look; "" when nothing is."""
    given = replace(release(retire=Retire.REMOVE), fates={"old1": Fate(wish=wish, since=1000.0)}, **fields)
    fates = followed(given, seen(stable=there, live=live), now).fates
    return fates["old1"].wish.value if fates else ""


@pytest.mark.parametrize(
    ("there", "live", "now", "wish"),
    [
        ((OLD,), True, 1001.0, "drain"),
        ((replace(OLD, idle=True),), True, 1001.0, "stop"),
        ((replace(OLD, idle=True),), False, 1001.0, "drain"),
        ((OLD,), True, 1030.0, "stop"),
        ((OLD,), False, 1030.0, "drain"),
        ((ended(OLD),), False, 1001.0, "stop"),
        ((), True, 1001.0, ""),
    ],
)
def test_a_container_is_stopped_when_no_worker_sends_it_anything_and_it_is_idle_or_its_time_is_over(
    there, live, now, wish
):
    assert following(Wish.DRAIN, there, live=live, now=now) == wish


@pytest.mark.parametrize(
    ("there", "fields", "wish"),
    [
        ((OLD,), {"state": State.COMPLETE, "retire_at": 1000.0}, "stop"),
        ((ended(OLD),), {"state": State.COMPLETE, "retire_at": 1000.0}, "remove"),
        ((ended(OLD),), {"state": State.COMPLETE, "retire_at": 1002.0}, "stop"),
        ((ended(OLD),), {"state": State.COMPLETE, "retire_at": 0.0}, "stop"),
        ((ended(OLD),), {"state": State.SHIFTING, "retire_at": 1000.0}, "stop"),
    ],
)
def test_a_container_is_removed_when_it_has_ended_and_its_side_has_lost_for_good(there, fields, wish):
    assert following(Wish.STOP, there, **fields) == wish


@pytest.mark.parametrize(
    ("there", "wish"), [((OLD,), ""), ((NOT_READY,), "return"), ((ended(OLD),), "return"), ((), "")]
)
def test_a_container_that_returned_is_one_like_any_other(there, wish):
    assert following(Wish.RETURN, there) == wish


def test_what_does_not_move_is_the_same_record():
    given = replace(release(), fates={"old1": Fate(wish=Wish.DRAIN, since=1000.0)})

    assert followed(given, seen(), 1001.0) is given
    assert followed(release(), seen(), 1001.0).fates == {}


def test_since_is_when_the_wish_began():
    given = replace(release(), fates={"old1": Fate(wish=Wish.DRAIN, since=1000.0)})
    idle = seen(stable=(replace(OLD, idle=True),))

    assert followed(given, idle, 1007.0).fates["old1"].since == 1007.0


def test_wishes_are_for_one_container_each():
    told = replace(release(), fates=wished(release(), [OLD], Wish.DRAIN, 1000.0))

    assert told.fates == {"old1": Fate(wish=Wish.DRAIN, since=1000.0, name="old1")}
    assert with_wish(told, [OLD], Wish.DRAIN) == [OLD]
    assert with_wish(told, [OLD], Wish.STOP) == []
    assert without(told, [OLD]) == {}
