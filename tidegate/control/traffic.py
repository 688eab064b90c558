"""What the workers' routers counted, per route, endpoint and service: columns of integers, added as they come, rendered
when asked. Kept apart from the registry because there may be ten thousand of them a second.

A column set is what `router.counters.Counters.take` gives: 64 bits for each column, and none is ever negative. All of them
stand side by side in one integer, so that one addition adds them all. A service's is the sum of its endpoints' and outlives
them. What is gone from the table keeps its series for a while, so that the last scrape sees it, and is then forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from struct import Struct

from tidegate.control.exposition import counter, gauge, histogram, labels
from tidegate.control.gauges import STALE_SECONDS
from tidegate.control.metrics import BUCKETS, MAX_LABEL_SETS

SUMS = ("requests", "received", "sent", "duration_us", "upstream_us", "retries", "held", "held_us", "opened")
CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
_CLASSES_AT = len(SUMS)
_BUCKETS_AT = _CLASSES_AT + len(CLASSES)
COLUMNS = _BUCKETS_AT + 2 * (len(BUCKETS) + 1)
_APART = Struct(f"<{COLUMNS}q")
FORGET_SECONDS = 300.0
_SWEEP_SECONDS = 60.0
LABELS = {"route": ("route",), "service": ("service", "version"), "endpoint": ("service", "version", "endpoint")}

#: name, sentence, column, unit
_COMMON = (
    ("received_bytes", "Request body bytes", 1, 1),
    ("sent_bytes", "Response body bytes", 2, 1),
    ("retries", "Tries beyond the first", 5, 1),
)
_HELD = (("held_requests", "Requests that were held", 6, 1), ("held_seconds", "Time that requests were held", 7, 1e6))
_OPENED = (("opened_connections", "Connections made to containers", 8, 1),)
_COUNTERS = {"route": _COMMON + _HELD, "service": _COMMON + _OPENED, "endpoint": _COMMON + _OPENED}

Key = tuple[str, ...]
#: Which of these keys of one kind are still in the table.
Known = Callable[[str, Iterable[Key]], set[Key]]


class Traffic:
    """Sums over all workers and all their lives. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float], known: Known = lambda _kind, _keys: set()) -> None:
        self._clock = clock
        self._known = known
        self._sums: dict[str, dict[Key, int]] = {kind: {} for kind in LABELS}
        self._failures: dict[str, dict[Key, dict[str, int]]] = {kind: {} for kind in LABELS}
        self._seen: dict[tuple[str, Key], float] = {}
        self._flying: dict[tuple[int, int], tuple[float, dict[tuple[str, Key], int]]] = {}
        self._swept = clock()

    def add(self, kind: str, key: Key, columns: bytes) -> None:
        """Add what one worker counted. More columns than we know (a worker of another version) are left out."""
        if len(columns) > _APART.size or kind not in ("route", "endpoint"):
            return
        now = self._clock()
        together = int.from_bytes(columns, "little")
        self._add(kind, key, together, now)
        if kind == "endpoint":
            self._add("service", key[:2], together, now)
        if now - self._swept > _SWEEP_SECONDS:
            self._swept = now
            self._forget(now - FORGET_SECONDS)

    def fail(self, kind: str, key: Key, reason: str, number: int) -> None:
        """Add failures for one reason: of exchanges (kind `route`) or of a container (`endpoint`)."""
        if kind not in ("route", "endpoint"):
            return
        for each, part in ((kind, key), ("service", key[:2])) if kind == "endpoint" else ((kind, key),):
            if part not in self._sums[each] and len(self._sums[each]) >= MAX_LABEL_SETS:
                continue
            self._sums[each].setdefault(part, 0)
            self._seen[each, part] = self._clock()
            reasons = self._failures[each].setdefault(part, {})
            reasons[reason] = reasons.get(reason, 0) + number

    def fly(self, slot: int, pid: int, in_flight: Iterable[tuple[str, Key, int]]) -> None:
        """What one worker process has in flight now: (`route` or `endpoint`, key, number), and as `lasting` what of an endpoint's does not
        end soon; all else it has not."""
        flying: dict[tuple[str, Key], int] = {}
        for kind, key, number in in_flight:
            flying[kind, key] = number
            if kind == "endpoint":
                flying["service", key[:2]] = flying.get(("service", key[:2]), 0) + number
        self._flying[slot, pid] = (self._clock(), flying)

    def columns(self, kind: str, key: Key) -> Sequence[int] | None:
        """The sums of one route, service or endpoint, or None."""
        together = self._sums[kind].get(key)
        return None if together is None else _apart(together)

    def endpoints(self, service: str, version: str) -> dict[str, Sequence[int]]:
        """The sums of each endpoint of one version of a service."""
        of = (service, version)
        return {key[2]: _apart(together) for key, together in self._sums["endpoint"].items() if key[:2] == of}

    def failures(self, kind: str, key: Key) -> dict[str, int]:
        """How often each reason was counted for one route, service or endpoint."""
        return dict(self._failures[kind].get(key, {}))

    def in_flight(self) -> dict[tuple[str, Key], int]:
        """Requests in flight by kind and key, over the workers that still speak; what is at rest is not there."""
        before = self._clock() - STALE_SECONDS
        self._flying = {worker: told for worker, told in self._flying.items() if told[0] >= before}
        found: dict[tuple[str, Key], int] = {}
        for _, flying in self._flying.values():
            for key, number in flying.items():
                found[key] = found.get(key, 0) + number
        return found

    def quiet(self, endpoints: Iterable[Key], since: float) -> bool:
        """Whether every worker that speaks has said after `since`, on the clock, that it has nothing in flight to these
        endpoints."""
        before = self._clock() - STALE_SECONDS
        told = [each for each in self._flying.values() if each[0] >= before]
        keys = [("endpoint", key) for key in endpoints]
        return bool(told) and all(at > since and not any(map(flying.get, keys)) for at, flying in told)

    def measured_at(self) -> float:
        """The mean of the workers' last reports on the clock: sums taken at two such times differ by what came between."""
        times = [when for when, _ in self._flying.values()]
        return sum(times) / len(times) if times else self._clock()

    def all_of(self, kind: str) -> Iterable[tuple[Key, Sequence[int]]]:
        """Key and sums of everything of one kind."""
        return ((key, _apart(together)) for key, together in self._sums[kind].items())

    def lines(self, openmetrics: bool) -> Iterator[bytes]:
        """Everything as lines for who scrapes, in parts. What changes while they are read may be old or new."""
        in_flight = self.in_flight()
        for kind, sums in self._sums.items():
            items = [(labels(LABELS[kind], key), _apart(together)) for key, together in sums.items()]
            yield from _families(kind, items, openmetrics=openmetrics)
            flying = dict.fromkeys(sums, 0) | {key: number for (one, key), number in in_flight.items() if one == kind}
            numbers = [(labels(LABELS[kind], key), number) for key, number in flying.items()]
            name = f"tidegate_router_{kind}"
            yield from gauge(f"{name}_in_flight", f"Requests in flight, by {kind}.", numbers)
            failed = [
                (labels((*LABELS[kind], "reason"), (*key, reason)), number)
                for key, reasons in self._failures[kind].items()
                for reason, number in reasons.items()
            ]
            yield from counter(f"{name}_failures", f"Failures by reason, by {kind}.", failed, openmetrics=openmetrics)

    def _add(self, kind: str, key: Key, together: int, now: float) -> None:
        sums = self._sums[kind]
        before = sums.get(key)
        if before is None and len(sums) >= MAX_LABEL_SETS:
            return
        sums[key] = together if before is None else before + together
        self._seen[kind, key] = now

    def _forget(self, before: float) -> None:
        for kind, sums in self._sums.items():
            old = [key for key in sums if self._seen[kind, key] < before]
            known = self._known(kind, old) if old else set()
            for key in old:
                if key not in known:
                    del self._seen[kind, key]
                    del sums[key]
                    self._failures[kind].pop(key, None)


def histograms(columns: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Counts per bucket of the whole duration, and of the container's time."""
    return columns[_BUCKETS_AT::2], columns[_BUCKETS_AT + 1 :: 2]


def classes(columns: Sequence[int]) -> Sequence[int]:
    """Requests by class of status, in the order of `CLASSES`."""
    return columns[_CLASSES_AT:_BUCKETS_AT]


def _apart(together: int) -> Sequence[int]:
    """The columns that stand in one integer."""
    return _APART.unpack(together.to_bytes(_APART.size, "little"))


def _families(kind: str, items: Sequence[tuple[str, Sequence[int]]], *, openmetrics: bool) -> Iterator[bytes]:
    name = f"tidegate_router_{kind}"
    by_code = [
        (f'{key},code="{code}"', number)
        for key, columns in items
        for code, number in zip(CLASSES, classes(columns), strict=True)
        if number
    ]
    yield from counter(f"{name}_requests", f"Requests answered, by {kind}.", by_code, openmetrics=openmetrics)
    text = f"Time from a request's head to its last byte, by {kind}."
    whole = [(key, histograms(columns)[0], columns[3] / 1e6) for key, columns in items]
    yield from histogram(f"{name}_request_duration_seconds", text, whole)
    text = f"Time from sending a request to the response's head, by {kind}."
    container = [(key, histograms(columns)[1], columns[4] / 1e6) for key, columns in items]
    yield from histogram(f"{name}_upstream_response_seconds", text, container)
    for what, text, column, unit in _COUNTERS[kind]:
        numbers = [(key, columns[column] / unit) for key, columns in items]
        yield from counter(f"{name}_{what}", f"{text}, by {kind}.", numbers, openmetrics=openmetrics)
