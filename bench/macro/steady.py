"""Good traffic while something else happens: requests leave on a fixed schedule, and each is a success or a failure.

In process, for some hundred requests a second; connections are kept and as many as the answers need. Latency counts from the
scheduled time, so that a proxy that holds a request shows it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection

from bench.macro.asker import Asker
from bench.macro.summary import percentile

RATE = 100.0


class Steady:
    """`rate` requests a second for `host` through `port`. An answer is good if it is 200 and, where `owners` are named, has
    one of them as its body (endpoints answer with their own address)."""

    def __init__(self, port: int, host: str, *, rate: float = RATE, owners: Collection[str] = ()) -> None:
        self.faults: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.cut = 0  # kept connections that the proxy closed under us; the request went out again
        self._port = port
        self._host = host
        self._rate = rate
        self._owners = frozenset(owner.encode() for owner in owners)
        self._idle: list[Asker] = []
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`; returns when every request that left has its outcome."""
        began, sent = time.monotonic(), 0
        async with asyncio.TaskGroup() as group:
            while not self._stop.is_set():
                due = began + sent / self._rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                group.create_task(self._one(due))
                sent += 1
        for asker in self._idle:
            asker.close()

    def stop(self) -> None:
        self._stop.set()

    def figures(self) -> dict[str, float]:
        """Requests, failures among them, kept connections cut, and milliseconds from scheduled to answered, failed ones included."""
        return {
            "requests": float(len(self.latencies)),
            "failed": float(self.faults.total()),
            "cut": float(self.cut),
            "p99_ms": percentile(self.latencies, 0.99) * 1e3,
            "worst_ms": max(self.latencies) * 1e3,
        }

    async def _one(self, due: float) -> None:
        asker = self._idle.pop() if self._idle else Asker(self._port, self._host)
        status = await asker.ask()
        self.latencies.append(time.monotonic() - due)
        self.cut += asker.cut
        asker.cut = 0
        self._idle.append(asker)
        if status != 200:
            self.faults[str(status) if status else "broken or silent"] += 1
        elif self._owners and asker.body not in self._owners:
            self.faults["wrong owner"] += 1
