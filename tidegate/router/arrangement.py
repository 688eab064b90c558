"""What stands behind a route now: who may be picked, with which share, and what more the route wants. Pure; runs when a
table comes, when an endpoint is ejected or comes back, and while one warms up; never per request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tidegate.model import Backend
from tidegate.policy import Algorithm, Limits
from tidegate.router.assembly import Share, build_balancer
from tidegate.router.bounds import Bounds, share
from tidegate.router.live import LiveRoute
from tidegate.router.selection import Selection
from tidegate.router.stickiness import Marker, Stickiness

STEPS = 10  # of a slow start: from a tenth to all


class Arranger:
    """Arranges routes for worker number `worker` of `workers`. `marker` makes the values of sticky cookies."""

    __slots__ = ("_marker", "_worker", "_workers")

    def __init__(self, worker: int, workers: int, marker: Marker) -> None:
        self._worker = worker
        self._workers = max(1, workers)
        self._marker = marker

    def arrange(self, live: LiveRoute, upstreams_of: Callable[[str], Iterable[Any]], now: float) -> None:
        """Give the route its balancer and selection for these upstreams (by service key)."""
        balance = live.route.policy.balance
        usable = [(backend, list(_usable(backend, upstreams_of(backend.service)))) for backend in live.route.backends]
        seconds = balance.slow_start_seconds
        live.warm_at = _next_step([one for _, members in usable for one in members], seconds, now)
        weigh = _weigher(seconds, now) if live.warm_at else _plainly
        shares = [
            Share(backend.weight, [(one, weigh(one)) for one in members], _name(backend)) for backend, members in usable
        ]
        live.balancer = build_balancer(shares, self._worker, balance.algorithm, _id)
        live.selection = self._selection(live, shares)

    def _selection(self, live: LiveRoute, shares: Sequence[Share]) -> Selection | None:
        balance = live.route.policy.balance
        bounds = self._bounds(live.route.policy.limits)
        sticky = None
        if balance.sticky:
            ready = [(self._mark(one), one, weight) for each in shares if each.weight for one, weight in each.endpoints]
            sticky = Stickiness(balance, live.route.path, ready, self._worker)
        if sticky is None and bounds is None and balance.algorithm is not Algorithm.HASH:
            return None
        return Selection(live.balancer, balance, bounds or Bounds(), sticky)

    def _bounds(self, limits: Limits) -> Bounds | None:
        if not limits.endpoint_requests and not limits.endpoint_connections:
            return None
        return Bounds(
            share(limits.endpoint_requests, self._worker, self._workers),
            share(limits.endpoint_connections, self._worker, self._workers),
        )

    def _mark(self, upstream: Any) -> bytes:
        endpoint = upstream.endpoint
        return self._marker.mark(endpoint.service, endpoint.version, endpoint.id)


def _usable(backend: Backend, upstreams: Iterable[Any]) -> Iterable[Any]:
    for upstream in upstreams:
        endpoint = upstream.endpoint
        if upstream.draining or (backend.version is not None and endpoint.version != backend.version):
            continue
        if not backend.port or endpoint.port == backend.port:
            yield upstream


def _weigher(seconds: float, now: float) -> Callable[[Any], int]:
    """How much each endpoint counts while one is warming up."""
    return lambda upstream: upstream.endpoint.weight * step(upstream.since, seconds, now)


def step(since: float, seconds: float, now: float) -> int:
    """Tenths of its share that an endpoint gets which is ready `since` then (0: before we came)."""
    if since == 0.0 or seconds <= 0.0:
        return STEPS
    return min(STEPS, 1 + int((STEPS - 1) * max(0.0, now - since) / seconds))


def _next_step(upstreams: Iterable[Any], seconds: float, now: float) -> float:
    """When the first of them grows; 0 if none is warming up."""
    due = 0.0
    for upstream in upstreams:
        reached = step(upstream.since, seconds, now)
        if reached < STEPS:
            at = upstream.since + seconds * reached / (STEPS - 1)
            due = at if due == 0.0 else min(due, at)
    return due


def _plainly(upstream: Any) -> int:
    weight: int = upstream.endpoint.weight
    return weight


def _id(upstream: Any) -> str:
    identity: str = upstream.endpoint.id
    return identity


def _name(backend: Backend) -> str:
    return f"{backend.service}\0{backend.version or ''}\0{backend.port}"
