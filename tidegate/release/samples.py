"""What requests of both sides said over the same time, and what can be concluded from counts and histograms.

Durations are known only to their bucket, and their sum exactly. So a quantile is compared at the bounds of buckets, and a
mean by the largest variance that the buckets allow: neither needs a guess of how durations lie within a bucket.

Requests that are slow together are not as many witnesses: a host that is busy for a second slows all that it has. So a window
is known in slices of some seconds, and what is to be sure has to be so slice by slice, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from math import inf, sqrt

from tidegate.value import Value

Z = 2.576  # standard deviations; both sides of 99 %: whoever is asked every second errs more often than whoever is asked once
LIKELY = 1.96  # of 95 %: for what is only to be gone on with, and where more than one interval has to hold


class Counts(Value):
    """One side's requests. `failures` are answers 5xx, broken answers and tries that had to be saved elsewhere; `refusals`
    answers 4xx; `answered_us` the sum of the container's time over all that are in `buckets`, its histogram."""

    requests: int = 0
    failures: int = 0
    refusals: int = 0
    answered_us: int = 0
    buckets: tuple[int, ...] = ()

    @property
    def answered(self) -> int:
        """Requests that got the head of a response: those whose time is known."""
        return sum(self.buckets)

    @property
    def good(self) -> tuple[int, int]:
        """Requests that did not fail, of all."""
        return self.requests - self.failures, self.requests

    @property
    def success(self) -> float:
        """Share of requests that did not fail; 1 of none."""
        return 1.0 - self.failures / self.requests if self.requests else 1.0


class Slice(Value):
    """Both sides over one of the parts of a window."""

    candidate: Counts = Counts()
    stable: Counts = Counts()


class Window(Value):
    """Both sides over the same `seconds`. `bounds` are the upper bounds of the buckets in seconds, without the last one's.
    `slices` are its parts one after the other, without the first seconds, in which replicas that have just begun to serve get warm;
    `stables` what each of the stable side's containers did in them.

    `reference` is what the stable side did before the candidate took its traffic; it stands in where the stable side has
    too few requests of its own to compare with."""

    bounds: tuple[float, ...]
    seconds: float = 0.0
    candidate: Counts = Counts()
    stable: Counts = Counts()
    reference: Counts | None = None
    slices: tuple[Slice, ...] = ()
    stables: tuple[Counts, ...] = ()

    @property
    def settled(self) -> Window:
        """The window as if it were its slices and no more."""
        return Window(
            bounds=self.bounds,
            seconds=self.seconds,
            candidate=summed(each.candidate for each in self.slices),
            stable=summed(each.stable for each in self.slices),
            reference=self.reference,
            slices=self.slices,
            stables=self.stables,
        )

    def compared(self, samples: int) -> tuple[Counts | None, str]:
        """The side to compare with and what to call it; None where neither has enough requests."""
        if self.stable.requests >= samples:
            return self.stable, "stable"
        if self.reference is not None and self.reference.requests >= samples:
            return self.reference, "stable before"
        return None, ""


def summed(parts: Iterable[Counts]) -> Counts:
    """All of them together."""
    requests = failures = refusals = answered_us = 0
    buckets: list[int] = []
    for each in parts:
        requests += each.requests
        failures += each.failures
        refusals += each.refusals
        answered_us += each.answered_us
        buckets = [a + b for a, b in zip_longest(buckets, each.buckets, fillvalue=0)]
    return Counts(
        requests=requests,
        failures=failures,
        refusals=refusals,
        answered_us=answered_us,
        buckets=tuple(buckets),
    )


def wilson(hits: int, total: int, z: float = Z) -> tuple[float, float]:
    """The 99 % interval of a share by Wilson's score (1927); (0, 1) of nothing."""
    if total == 0:
        return 0.0, 1.0
    share = hits / total
    around = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    centre = share + z * z / (2 * total)
    scale = 1 + z * z / total
    return max(0.0, (centre - around) / scale), min(1.0, (centre + around) / scale)


def at_most_more(candidate: tuple[int, int], stable: tuple[int, int], z: float = Z) -> float:
    """The upper end of the 99 % interval of the difference of two shares, each `(hits, total)` (Newcombe 1998, method 10)."""
    (hits, total), (others, of) = candidate, stable
    share, usual = hits / total, others / of
    return share - usual + sqrt((wilson(hits, total, z)[1] - share) ** 2 + (usual - wilson(others, of, z)[0]) ** 2)


def mean(counts: Counts) -> float:
    """Mean of the container's time in seconds; 0 of none."""
    return counts.answered_us / counts.answered / 1e6 if counts.answered else 0.0


def quantile_bound(counts: Counts, bounds: tuple[float, ...], share: float) -> float:
    """The upper bound in seconds of the bucket in which this quantile lies; infinite in the last."""
    wanted = share * counts.answered
    seen = 0
    for number, bound in zip(counts.buckets, bounds, strict=False):
        seen += number
        if seen >= wanted:
            return bound
    return inf


def above(counts: Counts, bounds: tuple[float, ...], bound: float) -> int:
    """How many took longer than `bound`, one of `bounds`."""
    return sum(counts.buckets[bounds.index(bound) + 1 :])


def variance(counts: Counts, bounds: tuple[float, ...]) -> float:
    """The largest variance in square seconds that durations in these buckets with this sum can have.

    Between a and b no square lies above the chord (a + b) x - ab. What the sum has beyond all lower bounds does most in the
    highest buckets, so it is given to them first."""
    total = counts.answered
    if total == 0:
        return 0.0
    edges = [0.0, *bounds, inf]
    left = max(0.0, counts.answered_us / 1e6 - sum(n * low for n, low in zip(counts.buckets, edges, strict=False)))
    squares = 0.0
    for at in reversed(range(len(counts.buckets))):
        number, low = counts.buckets[at], edges[at]
        given = min(left, number * (edges[at + 1] - low)) if number else 0.0
        left -= given
        high = min(edges[at + 1], low + given)  # of the last bucket: as if one had it all
        squares += number * low * low + (low + high) * given
    return max(0.0, squares / total - mean(counts) ** 2)


def surely_slower(candidate: Counts, stable: Counts, bounds: tuple[float, ...], ratio: float) -> bool:
    """Whether the candidate's mean lies above `ratio` times the stable's, with 97.5 % confidence (Welch's interval)."""
    if not candidate.answered or not stable.answered:
        return False
    error = sqrt(
        variance(candidate, bounds) / candidate.answered + ratio * ratio * variance(stable, bounds) / stable.answered
    )
    return mean(candidate) - ratio * mean(stable) > LIKELY * error


def deviations(parts: Sequence[tuple[float, int]]) -> list[float]:
    """How much each part, `(sum, number)`, moves the ratio of all sums to all numbers: they add up to nothing."""
    number = sum(of for _, of in parts)
    if not number:
        return [0.0] * len(parts)
    ratio = sum(total for total, _ in parts) / number
    return [(total - ratio * of) / number for total, of in parts]


def spread(moves: Sequence[float]) -> float:
    """Half the 95 % interval of what these deviations are of, each part being one witness (linearised, Cochran 1977, 6.4)."""
    parts = len(moves)
    return student(parts - 1) * sqrt(parts / (parts - 1) * sum(each * each for each in moves))


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's distribution (Abramowitz and Stegun 26.7.5; 3 % too little at 2 degrees)."""
    z = LIKELY
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
