"""What both sides of a release did over the same time, from the routers' own counters.

A window opens when it is first asked for and stays open until another one of the same release is, so that a step that is held
goes on collecting; in it, slices follow each other. Health probes do not pass the router and are in none of it. Counters that restarted with us, or were
forgotten, begin the window anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.control.metrics import BUCKETS
from tidegate.control.traffic import Traffic, classes, histograms
from tidegate.errors import Reason
from tidegate.release.gates import SAMPLES
from tidegate.release.samples import Counts, Slice, Window
from tidegate.value import Value

Side = tuple[str, str]  # service and version, as `Traffic` knows them

#: Replicas that have just begun to serve open connections, fill caches, compile: what they do meanwhile says little of how they will do.
WARM_SECONDS = 5.0
SLICE_SECONDS = 2.0  # at least: reports come about every second
MOST_SLICES = 64

_NONE: tuple[int, ...] = (0,) * (len(BUCKETS) + 1)
_OURS = frozenset((Reason.OVERLOADED.token,))  # says nothing of the container
_CUT = Reason.RESPONSE_ABORTED.token  # its status went out as a good one
_ANSWERED = Reason.BAD_RESPONSE.token  # ends the request with a 5xx, always


class Totals(Value):
    """One side's counters at one time."""

    requests: int = 0
    refusals: int = 0
    errors: int = 0  # answers 5xx
    cut: int = 0  # responses broken off after their head
    answered: int = 0  # tries that ended in a 5xx of ours for certain
    lost: int = 0  # all other failed tries: some were saved elsewhere, some ended in a 5xx
    answered_us: int = 0
    buckets: tuple[int, ...] = _NONE

    def since(self, before: Totals) -> Totals | None:
        """What was added; None if these counters did not begin where those stood."""
        if self.requests < before.requests or any(
            now < then for now, then in zip(self.buckets, before.buckets, strict=True)
        ):
            return None
        return Totals(
            requests=self.requests - before.requests,
            refusals=self.refusals - before.refusals,
            errors=self.errors - before.errors,
            cut=self.cut - before.cut,
            answered=self.answered - before.answered,
            lost=self.lost - before.lost,
            answered_us=self.answered_us - before.answered_us,
            buckets=tuple(now - then for now, then in zip(self.buckets, before.buckets, strict=True)),
        )

    def plus(self, later: Totals) -> Totals:
        """Both together."""
        return Totals(
            requests=self.requests + later.requests,
            refusals=self.refusals + later.refusals,
            errors=self.errors + later.errors,
            cut=self.cut + later.cut,
            answered=self.answered + later.answered,
            lost=self.lost + later.lost,
            answered_us=self.answered_us + later.answered_us,
            buckets=tuple(a + b for a, b in zip(self.buckets, later.buckets, strict=True)),
        )

    def counts(self) -> Counts:
        """As requests and failures. A try that failed here counts though another container saved its request: without it a
        version that answers nobody would look as if it had no traffic. Where counters do not tell a saved try from
        one that ended in a 5xx, the least is taken, so no failure counts twice."""
        saved = max(0, self.lost - max(0, self.errors - self.answered))
        return Counts(
            requests=self.requests + saved,
            failures=min(self.requests, self.errors + self.cut) + saved,
            refusals=self.refusals,
            answered_us=self.answered_us,
            buckets=self.buckets,
        )


class _Open:
    """The window of one release."""

    def __init__(self, mark: str, sides: tuple[Side, Side], reference: Counts | None) -> None:
        self.mark = mark
        self.sides = sides
        self.reference = reference
        self.at = 0.0  # when it opened, on the clock of the reports
        self.before: tuple[Totals, Totals] = (Totals(), Totals())
        self.sliced_at = 0.0  # when the last slice ended; 0 until all is warm
        self.sliced: tuple[Totals, Totals] = (Totals(), Totals())  # as they stood then
        self.slices: list[tuple[Totals, Totals]] = []
        self.stables: dict[
            str, Totals
        ] = {}  # each container of the stable side, as it stood when the first slice began
        self.slice_seconds = SLICE_SECONDS


class Windows:
    """The windows of the releases that run, by a key of the caller's."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._open: dict[str, _Open] = {}

    def of(self, key: str, mark: str, candidate: Side, stable: Side, reference: Counts | None = None) -> Window:
        """What both sides did since this mark (a step and its phase, say) was first given; another opens the next window.

        What the stable side did in a window with enough requests is the `reference` of later ones; the argument stands in
        where there is none, after a restart."""
        sides = (candidate, stable)
        open_ = self._open.get(key)
        if open_ is None or open_.mark != mark or open_.sides != sides:
            kept = self._passed_on(open_) if open_ is not None and open_.sides == sides else None
            open_ = self._open[key] = self._begin(_Open(mark, sides, kept or reference))
        window = self._measured(open_)
        return window if window is not None else self._measured(self._begin(open_)) or Window(bounds=BUCKETS)

    def reference(self, key: str) -> Counts | None:
        """What a next window would compare with; None where nothing is known."""
        open_ = self._open.get(key)
        return None if open_ is None else self._passed_on(open_)

    def forget(self, key: str) -> None:
        """The release is over."""
        self._open.pop(key, None)

    def _begin(self, open_: _Open) -> _Open:
        """Count from here."""
        open_.at = self._traffic.measured_at()
        open_.before = self._now(open_)
        open_.sliced_at, open_.slices, open_.slice_seconds = 0.0, [], SLICE_SECONDS
        return open_

    def _slice(self, open_: _Open, now: tuple[Totals, Totals]) -> None:
        """End a slice where it is time to; the first begins when all is warm."""
        at = self._traffic.measured_at()
        if not open_.sliced_at and at >= open_.at + WARM_SECONDS:
            open_.sliced_at, open_.sliced, open_.stables = at, now, self._stables(open_)
        elif open_.sliced_at and at >= open_.sliced_at + open_.slice_seconds:
            candidate, stable = _added(now, open_.sliced)
            if candidate is not None and stable is not None:
                open_.slices.append((candidate, stable))
            open_.sliced_at, open_.sliced = at, now
            _halve(open_)

    def _stables(self, open_: _Open) -> dict[str, Totals]:
        return {id_: _totals(columns) for id_, columns in self._traffic.endpoints(*open_.sides[1]).items()}

    def _each(self, open_: _Open) -> tuple[Counts, ...]:
        """What each container of the stable side did since the first slice began; without those that began to count since."""
        if not open_.slices:
            return ()
        now = self._stables(open_)
        added = [now[id_].since(before) for id_, before in open_.stables.items() if id_ in now]
        return tuple(each.counts() for each in added if each is not None)

    def _now(self, open_: _Open) -> tuple[Totals, Totals]:
        return self._totals(open_.sides[0]), self._totals(open_.sides[1])

    def _measured(self, open_: _Open) -> Window | None:
        """What was added on both sides; None if counters restarted."""
        now = self._now(open_)
        candidate, stable = _added(now, open_.before)
        if candidate is None or stable is None:
            return None
        self._slice(open_, now)
        return Window(
            bounds=BUCKETS,
            seconds=max(0.0, self._traffic.measured_at() - open_.at),
            candidate=candidate.counts(),
            stable=stable.counts(),
            reference=open_.reference,
            slices=tuple(Slice(candidate=one.counts(), stable=other.counts()) for one, other in open_.slices),
            stables=self._each(open_),
        )

    def _passed_on(self, open_: _Open) -> Counts | None:
        """What the next window compares with where the stable side gets no traffic any more."""
        _, stable = _added(self._now(open_), open_.before)
        if stable is not None and stable.requests >= SAMPLES:
            return stable.counts()
        return open_.reference

    def _totals(self, side: Side) -> Totals:
        columns = self._traffic.columns("service", side)
        failed = self._traffic.failures("service", side)
        return _tries(Totals() if columns is None else _totals(columns), failed)


def _added(now: tuple[Totals, Totals], before: tuple[Totals, Totals]) -> tuple[Totals | None, Totals | None]:
    return now[0].since(before[0]), now[1].since(before[1])


def _halve(open_: _Open) -> None:
    """Of too many slices, each two become one."""
    if len(open_.slices) >= MOST_SLICES:
        pairs = zip(open_.slices[::2], open_.slices[1::2], strict=True)
        open_.slices = [(one[0].plus(two[0]), one[1].plus(two[1])) for one, two in pairs]
        open_.slice_seconds *= 2


def _totals(columns: Sequence[int]) -> Totals:
    """Without the tries that failed."""
    by_class: Sequence[int] = classes(columns)
    return Totals(
        requests=columns[0],
        refusals=by_class[4],
        errors=by_class[5],
        answered_us=columns[4],
        buckets=tuple(histograms(columns)[1]),
    )


def _tries(totals: Totals, failed: dict[str, int]) -> Totals:
    """With the tries that failed, by what became of their requests."""
    lost = sum(number for reason, number in failed.items() if reason not in {*_OURS, _CUT, _ANSWERED})
    return Totals(
        requests=totals.requests,
        refusals=totals.refusals,
        errors=totals.errors,
        cut=failed.get(_CUT, 0),
        answered=failed.get(_ANSWERED, 0),
        lost=lost,
        answered_us=totals.answered_us,
        buckets=totals.buckets,
    )
