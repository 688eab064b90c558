"""What gates of a release find and what they take for a fault that is none. `python -m bench.micro.gates [STEPS]`.

Plays steps of 60 s at 100 requests a second with four old containers, with seeds of their own, and asks every second, as a release does; the
figures of decisions 0149 and 0200. Some minutes for 300 steps a row.
"""

import random
import sys
from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

from tidegate.control.metrics import BUCKETS
from tidegate.control.windows import SLICE_SECONDS, WARM_SECONDS
from tidegate.release.gates import LatencyGate, Outcome, SuccessGate
from tidegate.release.judge import judge
from tidegate.release.samples import Counts, Slice, Window, summed

SECONDS, RATE, STABLES = 60, 100, 4
GATES = (SuccessGate(), LatencyGate())
Draw = Callable[[random.Random], float]
SHARES = ((0.05, 1), (0.25, 1), (0.5, 4))  # with so many new containers


class Noise(NamedTuple):
    """What is not the version's: by how much containers differ for good (log-normal), and how often each of them (`own`) or all of them
    (`host`) are slow for how long: mean seconds between, mean seconds of it, how many times as slow."""

    odd: float = 0.0
    own: tuple[float, float, float] | None = None
    host: tuple[float, float, float] | None = None
    cold: tuple[float, float] = (0.0, 1.0)  # so many seconds of a new container are so many times as slow


class Row(NamedTuple):
    """Two sides: how long their containers take, and which share of requests succeeds."""

    name: str
    stable: Draw
    candidate: Draw
    succeed: tuple[float, float] = (0.999, 0.999)
    noise: Noise = Noise()


def lognormal(median: float, sigma: float) -> Draw:
    return lambda dice: median * dice.lognormvariate(0, sigma)


def exponential(mean: float) -> Draw:
    return lambda dice: dice.expovariate(1 / mean)


USUAL, TWICE = lognormal(0.015, 0.8), lognormal(0.03, 0.8)
NOISES = (
    ("containers that differ, sigma 0.15", Noise(odd=0.15)),
    ("containers that differ, sigma 0.3", Noise(odd=0.3)),
    ("each 3 times as slow for 5 s of 30", Noise(own=(25, 5, 3))),
    ("each 8 times as slow for 2 s of 20", Noise(own=(18, 2, 8))),
    ("the host 4 times as slow for 4 s of 24", Noise(host=(20, 4, 4))),
    ("containers differ and are slow for 5 s of 30", Noise(odd=0.3, own=(25, 5, 3))),
    ("new ones 4 times as slow for 10 s", Noise(cold=(10, 4))),
)
ROWS = (
    Row("the same, 99.9 %, log-normal", lognormal(0.02, 1), lognormal(0.02, 1)),
    Row("the same, 99.5 %, exponential", exponential(0.02), exponential(0.02), (0.995, 0.995)),
    Row("the same, 99 %, log-normal, sigma 1.5", lognormal(0.1, 1.5), lognormal(0.1, 1.5), (0.99, 0.99)),
    Row("the same, 95 %", exponential(0.1), exponential(0.1), (0.95, 0.95)),
    Row("5 % errors, twice as slow, exponential", exponential(0.02), exponential(0.04), (0.999, 0.95)),
    Row("twice as slow, log-normal", lognormal(0.02, 1), lognormal(0.04, 1)),
    Row("twice as slow, 11 against 22 ms", lognormal(0.011, 0.05), lognormal(0.022, 0.05)),
    *(Row(f"the same: {name}", USUAL, USUAL, noise=noise) for name, noise in NOISES),
    *(Row(f"twice as slow: {name}", USUAL, TWICE, noise=noise) for name, noise in NOISES),
)


class Spell:
    """Something that is slow for a while, again and again."""

    def __init__(self, spell: tuple[float, float, float] | None) -> None:
        self.spell, self.slow = spell, False

    def factor(self, dice: random.Random) -> float:
        """Of the next second."""
        if self.spell is None:
            return 1.0
        apart, lasts, times = self.spell
        self.slow = dice.random() >= 1 / lasts if self.slow else dice.random() < 1 / apart
        return times if self.slow else 1.0


class Tally:
    """Requests as they come."""

    def __init__(self) -> None:
        self.requests = self.failures = self.spent_us = 0
        self.buckets = [0] * (len(BUCKETS) + 1)

    def add(self, seconds: float, *, failed: bool) -> None:
        self.requests += 1
        self.failures += failed
        self.spent_us += int(seconds * 1e6)
        self.buckets[bisect_left(BUCKETS, seconds)] += 1

    def counts(self) -> Counts:
        buckets = tuple(self.buckets)
        return Counts(requests=self.requests, failures=self.failures, answered_us=self.spent_us, buckets=buckets)


class Containers:
    """Those of one side."""

    def __init__(self, dice: random.Random, draw: Draw, success: float, number: int, noise: Noise) -> None:
        self.dice, self.draw, self.success = dice, draw, success
        self.odd = [dice.lognormvariate(0, noise.odd) for _ in range(number)]
        self.spells = [Spell(noise.own) for _ in range(number)]

    def serve(self, requests: int, factor: float) -> list[Counts]:
        """One second's requests, by container."""
        tallies = [Tally() for _ in self.odd]
        factors = [factor * odd * spell.factor(self.dice) for odd, spell in zip(self.odd, self.spells, strict=True)]
        for _ in range(requests):
            at = self.dice.randrange(len(tallies))
            tallies[at].add(self.draw(self.dice) * factors[at], failed=self.dice.random() > self.success)
        return [each.counts() for each in tallies]


class Watch:
    """A window as `control.windows` keeps it."""

    def __init__(self) -> None:
        self.all, self.part = Slice(), Slice()
        self.stables: list[Counts] = [Counts()] * STABLES
        self.slices: list[Slice] = []

    def add(self, second: int, candidate: list[Counts], stable: list[Counts]) -> Window:
        more = Slice(candidate=summed(candidate), stable=summed(stable))
        self.all = _both(self.all, more)
        if second > WARM_SECONDS:
            self.part = _both(self.part, more)
            self.stables = [summed((one, other)) for one, other in zip(self.stables, stable, strict=True)]
            if not (second - WARM_SECONDS) % SLICE_SECONDS:
                self.slices.append(self.part)
                self.part = Slice()
        return Window(
            bounds=BUCKETS,
            seconds=second,
            candidate=self.all.candidate,
            stable=self.all.stable,
            slices=tuple(self.slices),
            stables=tuple(self.stables),
        )


def _both(one: Slice, other: Slice) -> Slice:
    return Slice(candidate=summed((one.candidate, other.candidate)), stable=summed((one.stable, other.stable)))


def step(row: Row, share: float, number: int, seed: int) -> dict[str, tuple[int, int]]:
    """For each gate that failed, after how many seconds, and how many requests the candidate had got by then."""
    dice = random.Random(seed)
    stable = Containers(dice, row.stable, row.succeed[0], STABLES, row.noise)
    candidate = Containers(dice, row.candidate, row.succeed[1], number, row.noise)
    host, watch = Spell(row.noise.host), Watch()
    failed: dict[str, tuple[int, int]] = {}
    for second in range(1, SECONDS + 1):
        slow = host.factor(dice)
        cold = row.noise.cold[1] if second <= row.noise.cold[0] else 1.0
        new = sum(dice.random() < share for _ in range(RATE))
        window = watch.add(second, candidate.serve(new, slow * cold), stable.serve(RATE - new, slow))
        for gate in GATES:
            verdict = judge(gate, window, ())
            if verdict is not None and verdict.outcome is Outcome.FAIL:
                failed.setdefault(gate.name, (second, window.candidate.requests))
    return failed


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    for share, number in SHARES:
        print(f"share {share:.0%}, {number} new containers")
        for row in ROWS:
            played = [step(row, share, number, seed) for seed in range(steps)]
            said = []
            for gate in GATES:
                after = sorted(failed[gate.name] for failed in played if gate.name in failed)
                half = " (half by {} s, {} requests)".format(*after[len(after) // 2]) if after else ""
                said.append(f"{gate.name} fails {len(after) / steps:.1%}{half}")
            print(f"  {row.name:64} {', '.join(said)}", flush=True)


if __name__ == "__main__":
    main()
