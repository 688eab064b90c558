"""From two answers of `/v1/traffic` to what happened between them: rates, error share, percentiles. Pure.

A percentile is interpolated within its bucket, so it is as fine as the buckets are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Document = Mapping[str, Any]
KINDS = {"route": "route", "service": "service", "version": "service", "endpoint": "endpoint"}
_NAMES = {
    "route": ("route",),
    "service": ("service",),
    "version": ("service", "version"),
    "endpoint": ("service", "version", "endpoint"),
}


class Rate(NamedTuple):
    """One row. `name` has one part per name; milliseconds are None where no request ended; `weight` may be None."""

    name: tuple[str, ...]
    per_second: float
    errors_percent: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    in_flight: int
    weight: int | None
    state: str

    def plain(self) -> dict[str, Any]:
        """As data; the names joined by blanks."""
        return {**self._asdict(), "name": " ".join(self.name)}


def names(by: str) -> tuple[str, ...]:
    """What identifies a row of this view."""
    return _NAMES[by]


def rates(before: Document, after: Document, by: str) -> list[Rate]:
    """What each row of `after` did since `before`, joined by service where `by` is `service`."""
    seconds = max(after["at"] - before["at"], 1e-9)
    old = _summed(before["rows"], by)
    bounds = after["bounds_seconds"]
    found = []
    for name, row in _summed(after["rows"], by).items():
        grown = _grown(old.get(name), row)
        buckets = grown["duration_buckets"]
        done = grown["requests"]
        found.append(
            Rate(
                name,
                done / seconds,
                100 * grown["errors"] / done if done else 0.0,
                percentile(buckets, bounds, 0.5),
                percentile(buckets, bounds, 0.95),
                percentile(buckets, bounds, 0.99),
                row["in_flight"],
                row["weight"],
                row["state"],
            )
        )
    return found


def ordered(found: Sequence[Rate], sort: str) -> list[Rate]:
    """The rows by one column: the busiest, slowest or worst first; by name from A on."""
    if sort == "name":
        return sorted(found, key=lambda row: row.name)
    columns = {"rate": "per_second", "errors": "errors_percent", "in-flight": "in_flight"}
    column = columns.get(sort, f"{sort}_ms")
    return sorted(found, key=lambda row: (-(getattr(row, column) or 0.0), row.name))


def percentile(buckets: Sequence[int], bounds: Sequence[float], share: float) -> float | None:
    """Milliseconds that this share of what the buckets count did not exceed; None for no counts."""
    total = sum(buckets)
    if total == 0:
        return None
    wanted = share * total
    running = 0
    low = 0.0
    for count, high in zip(buckets, bounds, strict=False):
        if count and running + count >= wanted:
            return 1000 * (low + (high - low) * (wanted - running) / count)
        running += count
        low = high
    return 1000 * float(bounds[-1])  # above all bounds: at least that


def _summed(rows: Sequence[Document], by: str) -> dict[tuple[str, ...], dict[str, Any]]:
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        if row["kind"] != KINDS[by]:
            continue
        name = tuple(str(row[part] or ("default" if part == "version" else "")) for part in _NAMES[by])
        part = {
            **{column: row[column] for column in ("requests", "in_flight", "weight")},
            "state": f"{row['state']}, ejected {row['ejected']}" if row.get("ejected") else row["state"],
            "duration_buckets": list(row["duration_buckets"]),
            "errors": row["statuses"].get("5xx", 0),
        }
        found[name] = _joined(found[name], part) if name in found else part
    return found


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two versions of a service as one."""
    return {
        "requests": one["requests"] + other["requests"],
        "in_flight": one["in_flight"] + other["in_flight"],
        "errors": one["errors"] + other["errors"],
        "duration_buckets": _added(one["duration_buckets"], other["duration_buckets"], 1),
        "weight": None,
        "state": _ready(one["state"], other["state"]),
    }


def _ready(one: str, other: str) -> str:
    """`1/2` and `2/2` are `3/4`."""
    parts = [state.split("/") for state in (one, other) if "/" in state]
    if not parts:
        return one
    return "/".join(str(sum(int(part[at]) for part in parts)) for at in (0, 1))


def _grown(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """What was added; all of it where the sums began anew."""
    if old is None or old["requests"] > new["requests"]:
        return new
    return {
        "requests": new["requests"] - old["requests"],
        "errors": max(0, new["errors"] - old["errors"]),
        "duration_buckets": _added(new["duration_buckets"], old["duration_buckets"], -1),
    }


def _added(one: Sequence[int], other: Sequence[int], sign: int) -> list[int]:
    if not other:
        return list(one)
    if not one:
        return [sign * count for count in other]
    return [max(0, left + sign * right) for left, right in zip(one, other, strict=True)]
