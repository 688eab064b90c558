"""What the leader remembers between two rounds of placing, in the store: `standing/<node>` how a node stood, `failing/<service>` where a
service fails, `placing/ledger` the rest. Only the leader reads it, when it begins to lead, and only it writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidegate.errors import Problem
from tidegate.placement.failures import Failures
from tidegate.placement.memory import Ledger, Memory
from tidegate.placement.planning import Plan
from tidegate.placement.standing import Standing
from tidegate.store import ledger
from tidegate.store.port import Compare, Store

KEY = "ledger"


class Remembering:
    """`fence` is what each write compares."""

    def __init__(self, store: Store, fence: Callable[[], Compare | None] | None = None) -> None:
        self._standings = ledger.Ledger(store, "standing/", Standing, _nobody, fence)
        self._failures = ledger.Ledger(store, "failing/", Failures, _nobody, fence)
        self._ledger = ledger.Ledger(store, "placing/", Ledger, _nobody, fence)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What cannot be read; it is as if it had not been remembered."""
        return (*self._standings.problems, *self._failures.problems, *self._ledger.problems)

    @property
    def memory(self) -> Memory:
        """All of it, as last read or written."""
        return Memory(
            ledger=self._ledger.entries.get(KEY, Ledger()),
            standings=dict(self._standings.entries),
            failures=dict(self._failures.entries),
        )

    async def load(self) -> None:
        """Read all. Raises StoreError."""
        for each in (self._standings, self._failures, self._ledger):
            await each.load()

    async def commit(self, plan: Plan) -> None:
        """Write what is to be remembered of a plan. Raises Conflict, StoreError."""
        standings = {each.node: each for each in plan.standings} | dict.fromkeys(plan.forget)
        failures = {each.service: each for each in plan.failures} | dict.fromkeys(plan.mended)
        await _write(self._standings, standings)
        await _write(self._failures, failures)
        await _write(self._ledger, {} if plan.ledger is None else {KEY: plan.ledger})


async def _write(book: ledger.Ledger[Any], changes: Mapping[str, Any]) -> None:
    """All but what is there and not understood: another version wrote that, and may come back."""
    await book.commit({key: value for key, value in changes.items() if not book.unreadable(key)})


def _nobody() -> None:
    """Nobody waits for it."""
