from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.releases import container, ended, news, olds, release, seen
from tidegate.release.failures import failed, first_look, found, stuck
from tidegate.release.gates import RestartGate
from tidegate.release.record import Cause, Fate, Phase, State, Wish
from tidegate.release.seen import Fault
from tidegate.release.spec import OnFailure

STARTING = replace(release(), state=State.STARTING, phase_since=1000.0, progress_at=1000.0, candidates=3)
SERVING = replace(STARTING, state=State.SHIFTING, phase=Phase.HOLD, weights={"v1": 50, "v2": 50})


def text(*args):
    finding = found(*args)
    return finding.text if finding else ""


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (ended(container("new1"), 3), "new1 ended with exit code 3"),
        (container("new1", restarts=1), "new1 restarted once"),
        (container("new1", restarts=2), "new1 restarted 2 times"),
        (container("new1", out_of_memory=True), "new1 was killed for want of memory"),
        (container("new1"), ""),
    ],
)
def test_a_container_that_crashes_speaks_against_its_version(broken, said):
    assert text(STARTING, seen(candidate=(broken, *news(3)[1:])), 1001.0) == said


def test_restarts_from_before_the_release_are_not_its_fault():
    nervous = (container("new1", restarts=4),)

    assert first_look(seen(candidate=nervous)) == {"new1": 4}
    assert not text(replace(STARTING, restarted={"new1": 4}), seen(candidate=nervous), 1001.0)


def test_restarts_may_be_allowed():
    patient = replace(STARTING, spec=replace(STARTING.spec, gates=(RestartGate(allowed=2),)))

    assert not text(patient, seen(candidate=(container("new1", restarts=2),)), 1001.0)
    assert text(patient, seen(candidate=(container("new1", restarts=3),)), 1001.0)


def test_what_leaves_or_returns_speaks_for_nobody():
    gone = (ended(container("new1"), 1),)
    for wish in Wish:
        leaving = replace(STARTING, fates={"new1": Fate(wish=wish, since=1.0)})
        assert not text(leaving, seen(candidate=gone), 1001.0)


def test_an_act_that_can_never_succeed_ends_the_start_at_once():
    missing = seen(faults=(Fault(text="slow engine"), Fault(text="there is no image web:2 on docker", lasting=True)))

    assert text(STARTING, missing, 1001.0) == "there is no image web:2 on docker"


def test_replicas_that_do_not_get_ready_are_named_after_their_time():
    half = (container("new1", 1), container("new2", 2, ready_since=0.0))

    assert not text(STARTING, seen(candidate=half), 1299.0)
    assert text(STARTING, seen(candidate=half), 1300.0) == (
        "1 of 3 replicas ready, none more for 300 s: new2 is not ready"
    )
    assert not text(replace(STARTING, progress_at=1200.0), seen(candidate=half), 1300.0)


def test_a_shortage_counts_when_it_lasts_and_at_once_when_nobody_is_left():
    assert not text(replace(SERVING, short_since=1000.0), seen(candidate=news(1)), 1009.0)
    assert text(replace(SERVING, short_since=1000.0), seen(candidate=news(1)), 1010.0) == (
        "1 of 2 replicas that a share of 50% needs are ready"
    )
    assert not text(SERVING, seen(candidate=()), 1000.0)
    assert text(replace(SERVING, weights={"v1": 0, "v2": 100}), seen(candidate=()), 1000.0)


def failing(given, look):
    return failed(given, look, 1001.0, found(given, look, 1001.0))


CRASHED = seen(candidate=(ended(container("new1"), 1), *news(3)[1:]))


def test_a_failure_leads_back_to_the_old_side():
    back = failing(SERVING, CRASHED)

    assert (back.state, back.reason, back.candidates) == (State.ROLLING_BACK, "new1 ended with exit code 1", 0)


def test_or_to_a_person_where_that_was_asked_or_nobody_is_there_to_go_back_to():
    waiting = replace(SERVING, spec=replace(SERVING.spec, on_failure=OnFailure.PAUSE))

    assert failing(waiting, CRASHED).paused.cause is Cause.FAILURE
    alone = failing(SERVING, replace(CRASHED, stable=tuple(replace(each, ready_since=0.0) for each in olds())))
    assert alone.paused.text == "new1 ended with exit code 1; nobody of v1 is left to go back to"


def test_a_rollback_that_moved_nothing_yet_is_taken_back_and_one_that_did_is_not():
    rollback = replace(SERVING, spec=replace(SERVING.spec, rollback_of=1))

    assert failing(replace(rollback, weights={"v1": 100, "v2": 0}), CRASHED).state is State.ROLLING_BACK
    assert failing(rollback, CRASHED).paused.cause is Cause.FAILURE


def test_what_takes_too_long_asks_a_person():
    assert stuck(SERVING, seen(), 1599.0, "old1 does not end") is SERVING
    assert stuck(SERVING, seen(), 1600.0, "old1 does not end").paused.text == "old1 does not end for 600 s"


def test_while_requests_are_held_nobody_is_waited_for():
    held = replace(SERVING, held=True, spec=replace(SERVING.spec, on_failure=OnFailure.PAUSE))

    assert failing(held, CRASHED).state is State.ROLLING_BACK
    assert stuck(held, seen(), 1600.0, "old1 does not end").state is State.ROLLING_BACK
