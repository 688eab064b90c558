"""The machine as tables, then as a hypothesis state machine against its own laws."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tidegate.healthcheck.state import (
    HURRY_SECONDS,
    QUICK_SECONDS,
    STARTING_SECONDS,
    UNPROBED,
    Outcome,
    Standing,
    Verdict,
    after,
    assumed,
    next_check,
    suspected,
    with_engine,
)
from tidegate.model import EngineHealth, HealthSource, HealthState, ProbeKind, ProbeSpec

S, H, U = HealthState.STARTING, HealthState.HEALTHY, HealthState.UNHEALTHY
OK = Outcome(verdict=Verdict.OK)
REFUSED = Outcome(verdict=Verdict.REFUSED, reason="connection refused")
FAILED = Outcome(verdict=Verdict.FAILED, reason="status 503")
UNKNOWN = Outcome(verdict=Verdict.UNKNOWN, reason="too many open files")
LETTERS = {"+": OK, "-": FAILED, "r": REFUSED, "?": UNKNOWN}
HTTP = ProbeSpec(kind=ProbeKind.HTTP, interval_seconds=2.0)


def play(script: str, *, rise: int = 1, fall: int = 3, start: Standing | None = None, step: float = 2.0) -> str:
    """States after each letter of `script`, `step` seconds apart, as their first letters."""
    standing, states = start or Standing(waiting_since=0.0), ""
    spec = ProbeSpec(kind=ProbeKind.HTTP, rise=rise, fall=fall, interval_seconds=2.0)
    for number, letter in enumerate(script, 1):
        standing = after(standing, LETTERS[letter], spec, number * step)
        states += standing.state.value[0]
    return states


@pytest.mark.parametrize(
    ("script", "rise", "fall", "states"),
    [
        ("+", 1, 3, "h"),
        ("+++", 3, 3, "ssh"),
        ("++-+++", 3, 9, "sssssh"),
        ("+--+", 1, 3, "hhhh"),
        ("+---", 1, 3, "hhhu"),
        ("+--+--+---", 1, 3, "hhhhhhhhhu"),
        ("+---+", 1, 3, "hhhuh"),
        ("+---+-+", 2, 3, "sssuuuu"),
        ("++---+-++", 2, 3, "shhhuuuuh"),
        ("+-", 1, 1, "hu"),
        ("---", 1, 3, "ssu"),
        ("rrr", 1, 3, "ssu"),
        ("--+", 1, 3, "ssh"),
        ("+--?-", 1, 3, "hhhhu"),
        ("???", 1, 1, "sss"),
        ("+???", 1, 1, "hhhh"),
    ],
)
def test_states_follow_outcomes(script, rise, fall, states):
    assert play(script, rise=rise, fall=fall) == states


def test_quick_retries_while_starting_do_not_shorten_its_patience():
    assert play("r" * 30, step=0.1) == "s" * 30
    assert play("r" * 70, step=0.1).index("u") == 59  # three intervals of 2 s


@pytest.mark.parametrize(
    ("probe", "engine", "state"),
    [
        (S, EngineHealth.NONE, S),
        (S, EngineHealth.HEALTHY, S),
        (S, EngineHealth.STARTING, S),
        (S, EngineHealth.UNHEALTHY, U),
        (H, EngineHealth.NONE, H),
        (H, EngineHealth.HEALTHY, H),
        (H, EngineHealth.STARTING, S),
        (H, EngineHealth.UNHEALTHY, U),
        (U, EngineHealth.NONE, U),
        (U, EngineHealth.HEALTHY, U),
        (U, EngineHealth.STARTING, U),
        (U, EngineHealth.UNHEALTHY, U),
    ],
)
def test_both_witnesses_must_agree(probe, engine, state):
    assert with_engine(Standing(waiting_since=0.0, probe=probe), engine).state is state


def test_an_assumed_endpoint_is_confirmed_by_a_success():
    standing = after(assumed(Standing(waiting_since=0.0)), OK, HTTP, 1.0)
    assert (standing.state, standing.source) == (H, HealthSource.PROBE)


def test_an_assumed_endpoint_is_refuted_by_fall_failures():
    assert play("---", start=assumed(Standing(waiting_since=0.0))) == "hhu"


def test_a_success_that_changes_nothing_is_the_same_object():
    standing = after(Standing(waiting_since=0.0), OK, HTTP, 1.0)
    assert after(standing, OK, HTTP, 3.0) is standing


def test_a_fall_in_a_hurry_is_blamed_on_the_passive_fact():
    standing = suspected(after(Standing(waiting_since=0.0), OK, HTTP, 1.0))
    for now in (1.1, 1.2, 1.3):
        standing = after(standing, REFUSED, HTTP, now)
    assert (standing.state, standing.source, standing.hurry) == (U, HealthSource.PASSIVE, False)


@pytest.mark.parametrize("probe", [S, U])
def test_what_is_not_healthy_cannot_be_suspected(probe):
    standing = Standing(waiting_since=0.0, probe=probe)
    assert suspected(standing) is standing


healthy = Standing(waiting_since=0.0, probe=H)
starting = Standing(waiting_since=0.0)
fallen = Standing(waiting_since=100.0, probe=U)
COMMAND = ProbeSpec(kind=ProbeKind.COMMAND, command=("x",))


@pytest.mark.parametrize(
    ("standing", "outcome", "spec", "probed", "now", "seconds"),
    [
        (healthy, OK, HTTP, True, 50.0, 2.0),
        (healthy, OK, UNPROBED, False, 50.0, None),
        (Standing(waiting_since=0.0, probe=H, failures=1), FAILED, UNPROBED, False, 50.0, 2.0),
        (assumed(starting), UNKNOWN, UNPROBED, False, 50.0, 2.0),
        (suspected(healthy), REFUSED, UNPROBED, False, 50.0, HURRY_SECONDS),
        (suspected(healthy), REFUSED, HTTP, True, 50.0, HURRY_SECONDS),
        (starting, REFUSED, HTTP, True, 0.0, QUICK_SECONDS),
        (starting, REFUSED, HTTP, True, 2.0, 0.25),
        (starting, REFUSED, HTTP, True, 10.0, 0.5),
        (starting, REFUSED, HTTP, True, 120.0, 1.0),
        (starting, REFUSED, HTTP, True, 3600.0, 2.0),
        (starting, FAILED, HTTP, True, 0.0, STARTING_SECONDS),
        (starting, FAILED, COMMAND, True, 0.0, 2.0),
        (fallen, REFUSED, HTTP, True, 100.0, QUICK_SECONDS),
        (fallen, FAILED, HTTP, True, 100.0, 2.0),
    ],
)
def test_when_the_next_check_is(standing, outcome, spec, probed, now, seconds):
    assert next_check(standing, outcome, spec, probed, now) == seconds


class Laws(RuleBasedStateMachine):
    """Any mix of outcomes, engine news and suspicions keeps the laws of the module's theory."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = ProbeSpec(kind=ProbeKind.HTTP, rise=2, fall=3, interval_seconds=2.0)
        self.standing = Standing(waiting_since=0.0)
        self.now = 0.0
        self.row = ""  # outcomes that count, this life
        self.succeeded = False

    @precondition(lambda self: not self.row)
    @rule()
    def assume(self):
        self.standing = assumed(self.standing)
        self.succeeded = True

    @rule(letter=st.sampled_from("++--r?"), wait=st.floats(0.01, 3.0))
    def check(self, letter, wait):
        self.now += wait
        before = self.standing
        self.standing = after(before, LETTERS[letter], self.spec, self.now)
        if letter == "?":
            assert self.standing is before
            return
        self.row += "+" if letter == "+" else "-"
        self.succeeded |= letter == "+"
        if self.standing.probe is not before.probe:
            needed = "++" if self.standing.probe is H else "---"
            assert self.row.endswith(needed)
        delay = next_check(self.standing, LETTERS[letter], self.spec, True, self.now)
        assert delay is not None
        assert QUICK_SECONDS <= delay <= self.spec.interval_seconds

    @rule(health=st.sampled_from(EngineHealth))
    def engine(self, health):
        before = self.standing.probe
        self.standing = with_engine(self.standing, health)
        assert self.standing.probe is before

    @rule()
    def suspect(self):
        before = self.standing.state
        self.standing = suspected(self.standing)
        assert self.standing.state is before

    @invariant()
    def healthy_only_with_both_witnesses(self):
        if self.standing.state is H:
            assert self.succeeded
            assert self.standing.engine in {EngineHealth.NONE, EngineHealth.HEALTHY}

    @invariant()
    def three_failures_in_a_row_are_never_healthy(self):
        if self.row.endswith("---"):
            assert self.standing.state is not H

    @invariant()
    def only_the_healthy_are_in_a_hurry(self):
        assert not self.standing.hurry or self.standing.probe is H

    @invariant()
    def draining_is_not_ours(self):
        assert self.standing.state in {S, H, U}


TestLaws = Laws.TestCase
TestLaws.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
