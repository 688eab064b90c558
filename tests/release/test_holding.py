from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.releases import release, seen
from tidegate.release.gates import (
    DEFAULT_GATES,
    LatencyGate,
    Outcome,
    RefusalGate,
    RestartGate,
    SuccessGate,
    Verdict,
)
from tidegate.release.holding import asked_gates, outcome, said, unsure, verdicts_of
from tidegate.release.record import Phase, State

HOLDING = replace(
    release(gates=DEFAULT_GATES),
    state=State.SHIFTING,
    step=1,
    phase=Phase.HOLD,
    phase_since=1000.0,
    until=1060.0,
    weights={"v1": 0, "v2": 100},
)


def judged(*outcomes, at=1060.0):
    verdicts = tuple(
        Verdict(gate=gate.name, outcome=each, text=each.value)
        for gate, each in zip(DEFAULT_GATES, outcomes, strict=False)
    )
    return seen(verdicts=verdicts, judged_at=at)


ALL = [Outcome.PASS] * len(DEFAULT_GATES)


@pytest.mark.parametrize(
    ("look", "now", "expected"),
    [
        (judged(*ALL, at=1030.0), 1030.0, None),
        (judged(*ALL), 1060.0, Outcome.PASS),
        (judged(*ALL, at=1059.0), 1061.0, None),
        (judged(Outcome.FAIL, at=1001.0), 1001.0, Outcome.FAIL),
        (judged(Outcome.INCONCLUSIVE, *ALL[1:]), 1060.0, Outcome.INCONCLUSIVE),
        (judged(Outcome.ERROR, *ALL[1:]), 1060.0, Outcome.INCONCLUSIVE),
        (judged(*ALL[1:]), 1060.0, Outcome.INCONCLUSIVE),
        (judged(Outcome.FAIL, at=999.0), 1001.0, None),
        (seen(), 1660.0, Outcome.INCONCLUSIVE),
    ],
)
def test_a_hold_ends_by_what_its_gates_said_after_the_whole_of_it(look, now, expected):
    assert outcome(HOLDING, look, now) is expected


def test_a_hold_without_gates_ends_with_its_time():
    plain = replace(HOLDING, spec=replace(HOLDING.spec, gates=()))

    assert (outcome(plain, seen(), 1059.9), outcome(plain, seen(), 1060.0)) == (None, Outcome.PASS)


@pytest.mark.parametrize("fields", [{"skip": True}, {"full": True}])
def test_a_hold_that_a_person_skips_is_over(fields):
    assert outcome(replace(HOLDING, **fields), judged(Outcome.FAIL), 1001.0) is Outcome.PASS


def test_gates_of_traffic_are_not_asked_before_there_is_any():
    warm = replace(HOLDING, weights={"v1": 100, "v2": 0})

    assert asked_gates(HOLDING) == DEFAULT_GATES
    assert asked_gates(warm) == (RestartGate(),)
    assert asked_gates(replace(HOLDING, state=State.AWAITING_CONFIRM)) == ()


@pytest.mark.parametrize("phase", [Phase.START, Phase.SHIFT, Phase.REDUCE])
def test_outside_of_holds_only_gates_that_count_requests_are_asked_and_only_once_there_was_a_hold(phase):
    between = replace(HOLDING, phase=phase, window=1000.0)

    assert asked_gates(between) == (SuccessGate(), RefusalGate(), LatencyGate())
    assert asked_gates(replace(between, window=0.0)) == ()
    assert asked_gates(replace(between, weights={"v1": 100, "v2": 0})) == ()
    assert asked_gates(replace(between, full=True)) == ()
    assert asked_gates(replace(between, state=State.DRAINING)) == ()


def brief(**fields):
    first, last = HOLDING.spec.steps
    spec = replace(HOLDING.spec, steps=(first, replace(last, brief=True)))
    return replace(HOLDING, spec=spec, **fields)


def test_a_brief_hold_ends_as_soon_as_all_gates_are_sure():
    passes = judged(*ALL, at=1003.0)
    doubts = replace(passes, verdicts=(*passes.verdicts[:-1], replace(passes.verdicts[-1], sure=False)))

    assert outcome(HOLDING, passes, 1003.0) is None
    assert outcome(brief(), passes, 1003.0) is Outcome.PASS
    assert outcome(brief(), doubts, 1003.0) is None
    assert outcome(brief(), judged(*ALL[1:], at=1003.0), 1003.0) is None
    assert outcome(brief(), judged(Outcome.FAIL, at=1003.0), 1003.0) is Outcome.FAIL


def test_a_brief_hold_that_nobody_is_asked_in_is_none():
    plain = brief()

    assert outcome(replace(plain, spec=replace(plain.spec, gates=())), seen(), 1000.0) is Outcome.PASS


def test_a_window_is_unsure_while_one_gate_knows_too_little():
    assert not unsure(HOLDING, judged(*ALL))
    assert unsure(HOLDING, judged(Outcome.INCONCLUSIVE, *ALL[1:]))
    assert unsure(HOLDING, seen())


def test_verdicts_are_told_with_their_gates():
    verdicts = verdicts_of(HOLDING, judged(Outcome.FAIL, Outcome.PASS, Outcome.PASS))

    assert said(verdicts, Outcome.FAIL) == "restarts: fail"
    assert said(verdicts, Outcome.INCONCLUSIVE) == "latency: not asked yet"
