"""What stands behind a route now: who may be picked, with which share, and what more the route wants. Pure; runs when a
table comes, when an endpoint is ejected or comes back, and while one warms up; never per request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tidegate.model import Backend
from tidegate.policy import NO_SPLIT, Algorithm, Limits
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
        ready = [(backend, list(_usable(backend, upstreams_of(backend.service)))) for backend in live.route.backends]
        usable = _without_ejected(ready) if live.route.policy.ejection.failures else ready
        seconds = balance.slow_start_seconds
        live.warm_at = _next_step([one for _, members in usable for one in members], seconds, now)
        weigh = _weigher(seconds, now) if live.warm_at else _plainly
        shares = [
            Share(backend.weight, [(one, weigh(one)) for one in members], _name(backend), _side(backend))
            for backend, members in usable
        ]
        balancer = build_balancer(shares, self._worker, balance.algorithm, _id, by_key=balance.split != NO_SPLIT)
        balancer.resume(live.balancer)
        live.balance(balancer)
        trials = [one for backend, members in ready if backend.weight for one in members if one.trial and weigh(one)]
        live.selection = self._selection(live, shares, trials)
        if live.selection is not None and live.selection.bounds.requests:
            for _, members in ready:
                for one in members:
                    one.watched_by(live.id)

    def _selection(self, live: LiveRoute, shares: Sequence[Share], trials: list[Any]) -> Selection | None:
        balance = live.route.policy.balance
        bounds = self._bounds(live.route.policy.limits)
        sticky = None
        if balance.sticky:
            ready = [(self._mark(one), one, weight) for each in shares if each.weight for one, weight in each.endpoints]
            sticky = Stickiness(balance, live.route.path, ready, self._worker)
        live.max_requests = share(live.route.policy.limits.requests, self._worker, self._workers)
        plain = sticky is None and not bounds.requests and not live.max_requests and not trials
        if plain and balance.algorithm is not Algorithm.HASH and balance.split == NO_SPLIT:
            return None
        selection = Selection(live.balancer, balance, bounds, sticky)
        selection.trials = trials
        return selection

    def _bounds(self, limits: Limits) -> Bounds:
        """HTTP/1.1 has one request per connection at a time, so the smaller of both limits counts."""
        given = [limit for limit in (limits.endpoint_requests, limits.endpoint_connections) if limit > 0]
        return Bounds(share(min(given, default=0), self._worker, self._workers))

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


def _without_ejected(ready: Sequence[tuple[Backend, list[Any]]]) -> Sequence[tuple[Backend, list[Any]]]:
    """Those in service; all of them if that is nobody: a doubtful answer is better than none."""
    left = [(backend, [one for one in members if not one.ejected]) for backend, members in ready]
    return left if any(backend.weight and members for backend, members in left) else ready


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


def _side(backend: Backend) -> str:
    return f"{backend.service}\0{backend.version or ''}"


def _name(backend: Backend) -> str:
    return f"{backend.service}\0{backend.version or ''}\0{backend.port}"
