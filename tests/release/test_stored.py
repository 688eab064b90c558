from __future__ import annotations

from msgspec import json
from msgspec.structs import replace

from tests.support.releases import release
from tidegate.errors import Problem
from tidegate.release.gates import DEFAULT_GATES, HookGate, Outcome, Verdict
from tidegate.release.record import Cause, Fate, Pause, Release, State, Wish
from tidegate.release.stored import read, written

FULL = replace(
    release(gates=(*DEFAULT_GATES, HookGate(label="smoke", url="http://ci.test/smoke"))),
    state=State.SHIFTING,
    fates={"old1": Fate(wish=Wish.DRAIN, since=1.0)},
    paused=Pause(cause=Cause.OPERATOR, text="lunch", since=2.0, who="ann"),
    verdicts=(Verdict(gate="success", outcome=Outcome.PASS, text="100 of 100"),),
)


def test_a_record_is_read_as_it_was_written():
    assert read(written(FULL), "key") == FULL


def test_fields_of_a_later_version_are_passed_over():
    document = json.decode(written(FULL))
    document["mood"] = "good"
    document["spec"]["mirror"] = {"share": 3}

    assert read(json.encode(document), "key") == FULL


def test_what_a_later_version_means_is_not_guessed_at():
    document = json.decode(written(FULL))
    document["spec"]["strategy"] = "shadow"
    problem = read(json.encode(document), "releases/record/shop/web/7")

    assert isinstance(problem, Problem)
    assert (problem.code, problem.place) == ("T2006", "releases/record/shop/web/7")
    assert "shadow" in problem.cause


def test_a_record_without_its_step_or_its_beginning_is_not_understood():
    for broken in (replace(FULL, step=9), replace(FULL, history=()), b"[]", b"\xff"):
        payload = written(broken) if isinstance(broken, Release) else broken
        assert isinstance(read(payload, "key"), Problem)
