from __future__ import annotations

from msgspec.structs import replace

from tests.support.releases import WEB, release
from tidegate.model import Overrides, Preview, TrafficMode
from tidegate.policy import FieldMatch, Match
from tidegate.release.overlay import overlay
from tidegate.release.record import Fate, State, Wish

OPERATOR = Overrides(weights={WEB: {"v0": 100}, "other": {"a": 1}}, drained=frozenset({"node9"}))
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
