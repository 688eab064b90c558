"""Counts of requests that took so long, and windows of them."""

from __future__ import annotations

from bisect import bisect_left

from tidegate.control.metrics import BUCKETS
from tidegate.release.samples import Counts, Slice, Window

NOTHING = Counts()


def side_of(seconds):
    """Counts of requests that took so long, each."""
    buckets = [0] * (len(BUCKETS) + 1)
    for each in seconds:
        buckets[bisect_left(BUCKETS, each)] += 1
    return Counts(requests=len(seconds), answered_us=round(sum(seconds) * 1e6), buckets=tuple(buckets))


def timed(*runs):
    """Counts of `(number, seconds)` each."""
    return side_of([seconds for number, seconds in runs for _ in range(number)])


def parted(counts, number):
    """The same requests in so many parts, as alike as can be."""
    return [
        Counts(
            requests=_share(counts.requests, part, number),
            answered_us=round(
                counts.answered_us * sum(_share(each, part, number) for each in counts.buckets) / counts.answered
            )
            if counts.answered
            else 0,
            buckets=tuple(_share(each, part, number) for each in counts.buckets),
        )
        for part in range(number)
    ]


def _share(whole, part, number):
    return whole * (part + 1) // number - whole * part // number


def slices_of(candidate, stable, number):
    """Slices in which both sides did evenly what they did."""
    pairs = zip(parted(candidate, number), parted(stable, number), strict=True)
    return tuple(Slice(candidate=one, stable=other) for one, other in pairs)


def watched(candidate, stable=NOTHING, reference=None, slices=8, stables=()):
    """A window that was long enough, and even."""
    return Window(
        bounds=BUCKETS,
        seconds=60.0,
        candidate=candidate,
        stable=stable,
        reference=reference,
        slices=slices_of(candidate, stable, slices),
        stables=stables,
    )
