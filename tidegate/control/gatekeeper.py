"""All gates of a step asked at once: those that only count here, and those that ask others, each within its own time."""

from __future__ import annotations

from typing import Protocol

from tidegate.control.asking import Asking
from tidegate.release.gates import Gate, HookGate, QueryGate, Verdict
from tidegate.release.judge import judge
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics, NullMetrics


class QueryPort(Protocol):
    """Who answers queries; `promql.Prometheus` is one."""

    async def ask(self, gate: QueryGate, asking: Asking) -> Verdict: ...


class HookPort(Protocol):
    """Who asks web hooks; `hooks.Hooks` is one."""

    async def ask(self, gate: HookGate, asking: Asking) -> Verdict: ...


class Gatekeeper:
    """Asks, and counts what was said. Keeps nothing: the same step may be asked again and again."""

    def __init__(self, queries: QueryPort, hooks: HookPort, metrics: Metrics | None = None) -> None:
        self._queries = queries
        self._hooks = hooks
        self._metrics = metrics or NullMetrics()

    async def ask(self, asking: Asking) -> tuple[Verdict, ...]:
        """One verdict per gate, in the gates' order; at the latest after the longest time for a query or a hook."""
        async with Tasks("gates") as tasks:
            asked = [tasks.spawn(gate.name, self._ask(gate, asking)) for gate in asking.gates]
        verdicts = tuple(each.result() for each in asked)
        for gate, verdict in zip(asking.gates, verdicts, strict=True):
            kind = gate.name.partition(" ")[0]
            self._metrics.count("tidegate_release_verdicts_total", gate=kind, outcome=verdict.outcome.value)
        return verdicts

    async def _ask(self, gate: Gate, asking: Asking) -> Verdict:
        if isinstance(gate, QueryGate):
            return await self._queries.ask(gate, asking)
        if isinstance(gate, HookGate):
            return await self._hooks.ask(gate, asking)
        verdict = judge(gate, asking.window, asking.lives)
        assert verdict is not None, "only queries and hooks ask others"
        return verdict
