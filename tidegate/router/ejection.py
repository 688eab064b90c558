r"""Passive health: who fails again and again gets nothing for a while, in this worker. Pure.

    IN -> `failures` in a row -> OUT for `seconds` -> TRIAL: one request -> good: IN
                                  ^                            \-> bad: OUT again, twice as long (ten times at most)

A trial is for a request that can be sent again elsewhere (SAFE), so that no client sees it fail; only where none has come for ten
times `seconds` may any request make it (ANYBODY), or an endpoint of POSTs alone would never come back (docs/decisions/0098).
A trial without an outcome (a client that left) is offered again. Impossible: more than `max_percent` of a service's ready
endpoints OUT, or the last one. Control hears of each failure too and probes at once: what it finds UNHEALTHY leaves the table,
and comes back as a new endpoint without a past, so nobody is punished twice. Who stays in service for as long as it was out is forgiven.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tidegate.policy import Ejection

LONGEST = 10  # times the first ejection

#: Who may make the trial (`upstream.trial`, an integer because picks compare it); 0 is nobody.
SAFE = 1
ANYBODY = 2


class _Record:
    """What is remembered of one endpoint: `until` when it is out, the length of that, when it came back, and
    since when a trial is offered that nobody takes."""

    __slots__ = ("back_at", "offered", "policy", "seconds", "trying", "until")

    def __init__(self, policy: Ejection) -> None:
        self.policy = policy
        self.seconds = 0.0
        self.until = 0.0
        self.back_at = 0.0
        self.offered = 0.0
        self.trying = False


class Ejector:
    """The failures of one worker's upstreams (anything with `failures`, `ejected`, `trial` and `draining`)."""

    __slots__ = ("_records",)

    def __init__(self) -> None:
        self._records: dict[Any, _Record] = {}

    def failed(self, upstream: Any, policy: Ejection, siblings: Collection[Any], now: float) -> bool:
        """A request failed at it. True if it is out from now on, or again. `siblings` are the service's ready ones."""
        upstream.failures += 1
        record = self._records.get(upstream)
        if upstream.ejected:
            if record is None or not record.trying:
                return False  # sent there before it was out
        elif not policy.failures or upstream.failures < policy.failures or not _spare(siblings, policy):
            return False
        if record is None:
            record = self._records[upstream] = _Record(policy)
        self._eject(upstream, record, policy, now)
        return True

    def answered(self, upstream: Any, now: float) -> bool:
        """A request was answered well. True if it comes back by that."""
        upstream.failures = 0
        record = self._records.get(upstream)
        if record is None or not upstream.ejected or not record.trying:
            return False
        upstream.ejected = record.trying = False
        upstream.trial = 0
        record.back_at = now
        return True

    def due(self, now: float) -> list[Any]:
        """Who is to get one request to show itself; forgets whom the table has dropped."""
        found = []
        for upstream, record in list(self._records.items()):
            if upstream.draining or not (upstream.ejected or now < record.back_at + record.seconds):
                del self._records[upstream]
            elif upstream.ejected and now >= record.until:
                if not (record.trying and upstream.trial):  # offered for the first time, or taken by a client that left
                    record.offered = now
                patience = LONGEST * record.policy.seconds
                record.trying = True
                record.until = now + record.policy.seconds
                upstream.trial = SAFE if now < record.offered + patience else ANYBODY
                found.append(upstream)
        return found

    def out(self, now: float) -> list[tuple[Any, float]]:
        """Who is out, and for how many seconds more; 0 for one that only waits for its trial."""
        return [
            (upstream, 0.0 if record.trying else max(0.0, record.until - now))
            for upstream, record in self._records.items()
            if upstream.ejected and not upstream.draining
        ]

    def _eject(self, upstream: Any, record: _Record, policy: Ejection, now: float) -> None:
        record.policy = policy
        record.seconds = min(max(2 * record.seconds, policy.seconds), LONGEST * policy.seconds)
        record.until = now + record.seconds
        record.trying = False
        upstream.trial = 0
        upstream.ejected = True


def _spare(siblings: Collection[Any], policy: Ejection) -> bool:
    """Whether one more of them may be out."""
    out = 1 + sum(one.ejected for one in siblings)
    return bool(out < len(siblings) and out * 100 <= policy.max_percent * len(siblings))
