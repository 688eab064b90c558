from __future__ import annotations

from msgspec.structs import replace

from tests.support.built import codes, make, weights
from tests.support.releases import V2, WEB, release, spec
from tests.support.seen import instance
from tidegate.model import Overrides, Preview, TrafficMode
from tidegate.policy import FieldMatch, Match
from tidegate.release.capacity import shared
from tidegate.release.overlay import overlay
from tidegate.release.record import Fate, State, Wish, begun
from tidegate.release.spec import Side
from tidegate.release.succession import overtaken

OPERATOR = Overrides(weights={WEB: {"v0": 100}, "other": {"a": 1}}, drained=frozenset({"node9"}))
V3 = Side(service=WEB, version="v3")
BETA = Match(headers=(FieldMatch(name="x-beta", value="1"),))


def test_without_a_release_the_operators_word_is_the_same_object():
    assert overlay(OPERATOR, []) is OPERATOR
    assert overlay(OPERATOR, [replace(release(), closed=True)]) is OPERATOR


def test_a_release_governs_its_targets_and_nothing_else():
    laid = overlay(OPERATOR, [replace(release(), weights={"v1": 90, "v2": 10})])

    assert laid.weights == {WEB: {"v1": 90, "v2": 10}, "other": {"a": 1}}
    assert OPERATOR.weights[WEB] == {"v0": 100}


def test_a_finished_release_governs_until_it_is_closed():
    done = replace(release(), state=State.COMPLETE, weights={"v1": 0, "v2": 100})

    assert overlay(OPERATOR, [done]).weights[WEB] == {"v1": 0, "v2": 100}


def test_of_two_releases_the_newer_one_governs_whatever_their_order():
    older, newer = (replace(release(number=n), weights={"v1": n}) for n in (1, 2))

    assert overlay(OPERATOR, [newer, older]).weights[WEB] == {"v1": 2}


def test_numbers_are_each_services_own_so_the_newer_one_is_the_one_asked_for_later():
    older, newer = release(number=7, now=1000.0), replace(release(number=1, now=2000.0), weights={"v1": 1})

    assert overlay(OPERATOR, [newer, older]).weights[WEB] == {"v1": 1}


def test_containers_that_leave_are_drained_and_those_that_return_are_not():
    fates = {wish.value: Fate(wish=wish, since=1.0) for wish in Wish}

    assert overlay(OPERATOR, [replace(release(), fates=fates)]).drained == {"node9", "drain", "stop", "remove"}


def test_while_it_is_held_requests_wait_unless_the_operator_says_otherwise():
    held = replace(release(), held=True)

    assert overlay(OPERATOR, [held]).modes == {WEB: TrafficMode.HOLD}
    closed = replace(OPERATOR, modes={WEB: TrafficMode.MAINTENANCE})
    assert overlay(closed, [held]).modes == {WEB: TrafficMode.MAINTENANCE}


def test_previews_last_until_it_is_decided():
    shown = release(previews=(BETA,))

    assert overlay(OPERATOR, [shown]).previews == {WEB: Preview(backend="v2", matches=(BETA,))}
    assert overlay(OPERATOR, [replace(shown, state=State.ROLLING_BACK)]).previews == {}


# ------------------------------------------------------------------------------------------------ what is built of it


def test_each_step_of_a_release_moves_both_sides_in_one_table():
    old, new = (
        instance(version, "web", version=version, project="shop", routes=["a.test/"]) for version in ("v1", "v2")
    )
    made = None
    for version, percent in enumerate((0, 5, 100), start=1):
        step = replace(release(), weights=shared(release().spec, percent))
        made = make(old, new, previous=made, overrides=overlay(Overrides(), [step]))
        assert weights(made, "a.test/") == {"shop/web v1": 100 - percent, "shop/web v2": percent}
        assert made.table.version == version


def test_a_finished_release_makes_no_problem_where_its_loser_is_left_and_the_next_one_is_over():
    first = replace(release(), state=State.COMPLETE, weights={"v1": 0, "v2": 100})
    left = overtaken(first, begun(spec(stable=V2, candidate=V3), 2, 2000.0, "ann"), 2000.0)
    old, new = (
        instance(version, "web", version=version, project="shop", routes=["a.test/"]) for version in ("v1", "v3")
    )
    made = make(old, new, overrides=overlay(Overrides(), [left]))

    assert weights(made, "a.test/") == {"shop/web v1": 0, "shop/web v3": 100}
    assert codes(made) == []
