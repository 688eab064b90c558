"""What one node asks another of its containers and its routers, and what it is told. Pure.

Times travel as the teller's clock has them, with what that clock shows now, and are moved to the asker's. Counters travel as they
stand: who asks subtracts what it was told before, so that nobody has to remember who asked when.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from tidegate.control.loads import Host, Load
from tidegate.control.traffic import Traffic, histograms
from tidegate.value import Value


class Question(Value):
    """Of one version of a service: `instances` are to be read now. `everything`: also what was last read of all other containers."""

    service: str = ""
    version: str = ""
    instances: tuple[str, ...] = ()
    everything: bool = False


class Counted(Value):
    """What the routers of one node counted for one version of a service since its control started; `at` is when, on the node's
    own monotonic clock. `buckets` count requests by the container's time (`metrics.BUCKETS`); `flying` are those in flight by endpoint,
    where there are any, and `lasting` those of them that do not end soon."""

    at: float
    requests: int = 0
    buckets: tuple[int, ...] = ()
    in_flight: int = 0
    flying: dict[str, int] = {}
    lasting: dict[str, int] = {}


class Figures(Value):
    """An answer. `now` is the teller's clock in seconds since the epoch, `loads` are by instance; None where nothing was asked or is known."""

    now: float
    loads: dict[str, Load] = {}
    counted: Counted | None = None
    host: Host | None = None


def counted(traffic: Traffic, service: str, version: str) -> Counted:
    """What the routers of this node counted."""
    key = (service, version)
    columns = traffic.columns("service", key)
    in_flight = traffic.in_flight()
    by_kind: dict[str, dict[str, int]] = {"endpoint": {}, "lasting": {}}
    for (kind, each), number in in_flight.items():
        if kind in by_kind and each[:2] == key:
            by_kind[kind][each[2]] = number
    now = Counted(
        at=traffic.measured_at(),
        in_flight=in_flight.get(("service", key), 0),
        flying=by_kind["endpoint"],
        lasting=by_kind["lasting"],
    )
    if columns is None:
        return now
    return replace(now, requests=columns[0], buckets=tuple(histograms(columns)[1]))


def moved(figures: Figures, now: float) -> Figures:
    """With the times of loads on a clock that shows `now`. What the answer's way took is within their precision."""
    shift = now - figures.now
    return replace(figures, now=now, loads=_moved(figures.loads, shift))


def _moved(loads: Mapping[str, Load], shift: float) -> dict[str, Load]:
    return {id_: replace(each, since=each.since + shift, until=each.until + shift) for id_, each in loads.items()}
