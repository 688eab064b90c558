"""One thing that goes wrong with hosts under load: what clients met meanwhile, and what became of the places. No input or output."""

from __future__ import annotations

import time

from bench.macro import shop
from bench.macro.placed import Placed
from tests.support.load import Load

FIRST_SECONDS = 2.0  # after a disturbance: what fails in them is counted apart


class Phase:
    """One disturbance under load, and what was seen of it."""

    def __init__(self, name: str, before: Placed, without: str) -> None:
        self.name = name
        self.without = without  # the node that is to lose what it has; empty: none
        self.before = self.now = before
        self.looks: list[tuple[float, Placed]] = []
        self.loads: list[Load] = []
        self.struck = time.monotonic()
        self.more: dict[str, float] = {}

    def strike(self) -> None:
        """It happens now."""
        self.struck = time.monotonic()

    def see(self, now: Placed) -> None:
        self.now = now
        self.looks.append((time.monotonic(), now))

    def figures(self) -> dict[str, float]:
        """What the clients met, and what became of the places."""
        answers = [each for load in self.loads for each in load.answers]
        failures = [each for load in self.loads for each in load.failures]
        first = self.struck + FIRST_SECONDS
        keys = {each.key for each in self.before.puts}
        found = {
            "requests": float(len(answers)),
            "failed": float(len(failures)),
            "failed_later": float(sum(each.began >= first for each in failures)),
            "worst_ms": max((each.ended - each.began for each in answers), default=0.0) * 1e3,
            "moved": float(len({each.key for _, look in self.looks for each in look.puts} - keys)),
            "places_before": float(sum(each.stays for each in self.before.puts)),
            "places_after": float(sum(each.stays for each in self.now.puts)),
        }
        if self.without:
            found |= {
                "there_before": float(self.before.on(self.without)),
                "there_after": float(self.now.on(self.without)),
            }
            found |= self._times()
        return found | self.more

    def _times(self) -> dict[str, float]:
        """Seconds until everything that may be elsewhere had a place there, and until it served."""
        since = [(at - self.struck, look) for at, look in self.looks if at >= self.struck]
        assigned = next((at for at, look in since if look.has(shop.ROAMING, self.without)), None)
        ready = next((at for at, look in since if look.has(shop.ROAMING, self.without, ready=True)), None)
        named = {"assigned_s": assigned, "ready_s": ready}
        return {name: at for name, at in named.items() if at is not None}
