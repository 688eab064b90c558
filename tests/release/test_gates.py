from __future__ import annotations

import msgspec
import pytest

from tidegate.release.gates import (
    DEFAULT_GATES,
    Gate,
    HookGate,
    Outcome,
    QueryGate,
    Verdict,
    worst,
)

ALL = (
    *DEFAULT_GATES,
    QueryGate(label="errors", query="up", operator="<", limit=1.0),
    HookGate(label="load", url="http://ci.test/"),
)


def test_each_gate_is_called_by_its_kind_and_label():
    assert [each.name for each in ALL] == ["restarts", "success", "refusals", "latency", "query errors", "hook load"]


@pytest.mark.parametrize("gate", ALL, ids=lambda gate: gate.name)
def test_a_gate_comes_back_from_the_store_as_what_it_was(gate):
    assert msgspec.json.decode(msgspec.json.encode(gate), type=Gate) == gate


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ((), "pass"),
        (("pass", "pass"), "pass"),
        (("pass", "inconclusive"), "inconclusive"),
        (("inconclusive", "error", "pass"), "error"),
        (("error", "fail", "inconclusive"), "fail"),
    ],
)
def test_one_that_fails_decides_and_only_all_pass(outcomes, together):
    verdicts = tuple(Verdict(gate="g", outcome=Outcome(each), text="") for each in outcomes)
    assert worst(verdicts) is Outcome(together)
