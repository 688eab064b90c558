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


def test_what_was_asked_is_stored_with_every_field():
    assert msgspec.json.decode(msgspec.json.encode(DEFAULT_GATES[1])) == {
        "type": "success",
        "floor": 0.99,
        "margin": 0.01,
        "samples": 50,
    }


@pytest.mark.parametrize(
    "document",
    [
        {"type": "success", "floor": 99},
        {"type": "success", "samples": 0},
        {"type": "refusals", "margin": -0.1},
        {"type": "latency", "ratio": 0.5},
        {"type": "latency", "limit_seconds": 1e9},
        {"type": "restarts", "allowed": -1},
        {"type": "query", "label": "q", "query": "up", "operator": "=~", "limit": 1},
        {"type": "query", "label": "q", "query": "up", "operator": "<", "limit": 1, "stale_seconds": 0},
        {"type": "nonsense"},
    ],
    ids=str,
)
def test_a_gate_that_makes_no_sense_is_not_even_made(document):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document, Gate)
