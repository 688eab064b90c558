"""What gates of a release find and what they take for a fault that is none. `python -m bench.micro.gates [STEPS]`.

Plays steps of 60 s at 40 requests a second, with seeds of their own, and asks every second, as a release does; the figures of decision
0149. About a minute for 300 steps a row.
"""

import random
import sys
from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

from tidegate.control.metrics import BUCKETS
from tidegate.release.gates import LatencyGate, Outcome, SuccessGate
from tidegate.release.judge import judge
from tidegate.release.samples import Counts, Window

SECONDS, RATE, EVERY = 60, 40, 1
GATES = (SuccessGate(), LatencyGate())
Draw = Callable[[random.Random], float]


class Side:
    """Counts of one side as they come."""

    def __init__(self, draw: Draw, success: float) -> None:
        self.draw, self.success = draw, success
        self.requests = self.failures = self.spent_us = 0
        self.buckets = [0] * (len(BUCKETS) + 1)

    def serve(self, dice: random.Random) -> None:
        seconds = self.draw(dice)
        self.requests += 1
        self.failures += dice.random() > self.success
        self.spent_us += int(seconds * 1e6)
        self.buckets[bisect_left(BUCKETS, seconds)] += 1

    def counts(self) -> Counts:
        buckets = tuple(self.buckets)
        return Counts(requests=self.requests, failures=self.failures, answered_us=self.spent_us, buckets=buckets)


class Row(NamedTuple):
    """Two sides: how long their containers take, and which share of requests succeeds."""

    name: str
    stable: Draw
    candidate: Draw
    succeed: tuple[float, float]


def lognormal(median: float, sigma: float) -> Draw:
    return lambda dice: median * dice.lognormvariate(0, sigma)


def exponential(mean: float) -> Draw:
    return lambda dice: dice.expovariate(1 / mean)


ROWS = (
    Row("the same, 99.9 %, log-normal", lognormal(0.02, 1), lognormal(0.02, 1), (0.999, 0.999)),
    Row("the same, 99.5 %, exponential", exponential(0.02), exponential(0.02), (0.995, 0.995)),
    Row("the same, 99 %, log-normal, sigma 1.5", lognormal(0.1, 1.5), lognormal(0.1, 1.5), (0.99, 0.99)),
    Row("the same, 95 %", exponential(0.1), exponential(0.1), (0.95, 0.95)),
    Row("5 % errors, twice as slow, exponential", exponential(0.02), exponential(0.04), (0.999, 0.95)),
    Row("twice as slow, log-normal", lognormal(0.02, 1), lognormal(0.04, 1), (0.999, 0.999)),
    Row("twice as slow, 11 against 22 ms", lognormal(0.011, 0.05), lognormal(0.022, 0.05), (0.999, 0.999)),
)


def step(row: Row, share: float, seed: int) -> dict[str, int]:
    """For each gate that failed, how many requests the candidate had got by then."""
    dice = random.Random(seed)
    stable, candidate = Side(row.stable, row.succeed[0]), Side(row.candidate, row.succeed[1])
    failed: dict[str, int] = {}
    for second in range(1, SECONDS + 1):
        for _ in range(RATE):
            (candidate if dice.random() < share else stable).serve(dice)
        if second % EVERY:
            continue
        window = Window(bounds=BUCKETS, seconds=second, candidate=candidate.counts(), stable=stable.counts())
        for gate in GATES:
            verdict = judge(gate, window, ())
            if verdict is not None and verdict.outcome is Outcome.FAIL:
                failed.setdefault(gate.name, candidate.requests)
    return failed


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    for share in (0.05, 0.5):
        print(f"share {share:.0%}")
        for row in ROWS:
            played = [step(row, share, seed) for seed in range(steps)]
            said = []
            for gate in GATES:
                after = sorted(failed[gate.name] for failed in played if gate.name in failed)
                half = f" (half by request {after[len(after) // 2]})" if after else ""
                said.append(f"{gate.name} fails {len(after) / steps:.1%}{half}")
            print(f"  {row.name:42} {', '.join(said)}", flush=True)


if __name__ == "__main__":
    main()
