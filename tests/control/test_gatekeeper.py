from __future__ import annotations

import asyncio

from tests.support.asking_gates import asking
from tidegate.control.gatekeeper import Gatekeeper
from tidegate.control.metrics import Registry
from tidegate.release.gates import DEFAULT_GATES, HookGate, Life, Outcome, QueryGate, Verdict
from tidegate.release.samples import Counts

QUERY = QueryGate(label="q", query="up", operator="<", limit=1.0)
HOOK = HookGate(label="h", url="http://a/")


class Both:
    """Others that answer only when all of them were asked."""

    def __init__(self, number):
        self.barrier = asyncio.Barrier(number)

    async def ask(self, gate, asking):
        await asyncio.wait_for(self.barrier.wait(), 10.0)
        return Verdict(gate=gate.name, outcome=Outcome.ERROR, text=asking.release)


async def test_all_gates_are_asked_at_once_and_answer_in_their_order():
    others = Both(2)
    registry = Registry()
    gates = (QUERY, *DEFAULT_GATES, HOOK)
    candidate = Counts(requests=1000, failures=100)
    asked = asking(*gates, new=candidate, lives=(Life(name="web-1"),))
    verdicts = await Gatekeeper(others, others, registry).ask(asked)
    assert [(each.gate, each.outcome.value) for each in verdicts] == [
        ("query q", "error"),
        ("restarts", "pass"),
        ("success", "fail"),
        ("refusals", "inconclusive"),
        ("latency", "inconclusive"),
        ("hook h", "error"),
    ]
    exposed = b"".join(registry.exposed("")[0])
    assert b'tidegate_release_verdicts_total{gate="query",outcome="error"} 1.0' in exposed
    assert b'tidegate_release_verdicts_total{gate="success",outcome="fail"} 1.0' in exposed


async def test_without_gates_there_is_nothing_to_say():
    assert await Gatekeeper(Both(1), Both(1)).ask(asking()) == ()
