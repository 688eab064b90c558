"""The live side of one route in a worker: its balancer, counters and held requests. HOT: read once per request."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from tidegate.model import Route, TrafficMode
from tidegate.policy import ClientCertificates, Timeouts
from tidegate.router.balancer import Balancer, Group, Rotation
from tidegate.router.budget import Budget
from tidegate.router.counters import Counters
from tidegate.router.filters.chain import build_chain
from tidegate.router.selection import Selection

#: `LiveRoute.mode`, a plain integer because it is compared per request.
NORMAL = 0
HOLD = 1
MAINTENANCE = 2
CLOSED = 3
_MODES = {
    TrafficMode.NORMAL: NORMAL,
    TrafficMode.HOLD: HOLD,
    TrafficMode.MAINTENANCE: MAINTENANCE,
    TrafficMode.CLOSED: CLOSED,
}

#: A request waits for longer where somebody ordered it (`tidegate hold`, a release that replaces) than where everybody just failed: it
#: is known that they come back, and a client that does not want to wait goes by itself.
ORDERED_HOLD_SECONDS = 30.0
_HOLD_SECONDS = Timeouts().hold

#: So long after a request was sent it is looked whether its endpoint's host takes packets at all: what is sent on a connection that was
#: kept is lost in silence where a host has lost its power.
LOOK_SECONDS = 2.0

_NO_LIMIT = (1 << 62) - 1
#: `LiveRoute.guard`, a set of bits: 0 takes whoever comes.
ONLY_SECURE = 1  # plain HTTP is sent to HTTPS
ONLY_KNOWN = 2  # clients show a certificate as `clients` says


class LiveRoute:
    """One route as requests meet it. `waiting` are held requests, oldest first; each has a `wake()` (`waiting.py`)."""

    __slots__ = (
        "_filtered",
        "_secret",
        "_share",
        "answer_timeout",
        "balancer",
        "body_limit",
        "budget",
        "chain",
        "choice",
        "clients",
        "connect_timeout",
        "counters",
        "failing",
        "first_look",
        "guard",
        "hold_seconds",
        "hsts",
        "id",
        "in_flight",
        "log_part",
        "logged",
        "max_requests",
        "message",
        "mode",
        "prefixed",
        "queue_seconds",
        "queue_size",
        "request_timeout",
        "requests",
        "response_timeout",
        "route",
        "selection",
        "server_errors",
        "tries",
        "try_timeout",
        "tunnel_idle",
        "turns",
        "upstream_tls",
        "waiting",
        "warm_at",
    )

    def __init__(
        self, route: Route, ledger: list[Counters] | None = None, share: int = 1, secret: bytes = b"tidegate"
    ) -> None:
        self.counters = Counters("route", (route.id,), ledger)
        self.waiting: Any = deque()
        self.choice: Any = None  # a `Choice` where conditions decide between routes of one path
        self._share = share
        self._secret = secret
        self._filter(route)
        self.balance(Balancer(Rotation((), ())))
        self.selection: Selection | None = None  # only where requests want more than their turn
        self.budget = Budget(0, 0.0)
        self.requests = 0  # routed to it so far: what the budget is a share of
        self.in_flight = 0  # where `max_requests` bounds it
        self.max_requests = 0
        self.failing = False  # requests wait because all their tries failed
        self.warm_at = 0.0  # when an endpoint in its slow start is to grow; 0: none is
        self.update(route)

    def balance(self, balancer: Balancer) -> None:
        """Pick endpoints by this one from now on."""
        self.balancer = balancer
        self.turns: Group | None = (
            balancer.only()
        )  # asked straight for the first try of a request: two steps less in memory

    def demand(self, clients: ClientCertificates | None) -> None:
        """Take over what clients of this route's host must show."""
        self.clients = clients
        self.guard = (ONLY_SECURE if self.route.policy.tls.only else 0) | (ONLY_KNOWN if clients is not None else 0)

    def update(self, route: Route) -> None:
        """Take over the values of a (new) route. Filters that did not change keep what they know."""
        if (route.policy.filters, route.policy.limits.body_bytes) != self._filtered:
            self._filter(route)
        self.route = route
        self.id = route.id
        self.mode = _MODES[route.mode]
        self.message = route.message.encode()
        self.prefixed = route.path != "/"
        timeouts = route.policy.timeouts
        self.hold_seconds = _patience(timeouts.hold, self.mode)
        self.connect_timeout = timeouts.connect
        self.response_timeout = timeouts.response
        self.answer_timeout = min(timeouts.try_, timeouts.response) if timeouts.try_ > 0 else timeouts.response
        self.first_look = min(self.answer_timeout, LOOK_SECONDS)
        self.try_timeout = timeouts.try_
        self.request_timeout = timeouts.request
        self.tunnel_idle = timeouts.idle
        limits = route.policy.limits
        self.queue_size = limits.queue
        self.queue_seconds = limits.queue_seconds
        self.tries = route.policy.retry.tries
        self.server_errors = route.policy.ejection.server_errors and route.policy.ejection.failures > 0
        retry = (route.policy.retry.budget_percent, route.policy.retry.budget_per_second / self._share)
        if (self.budget.percent, self.budget.per_second) != retry:
            told = self.budget.exhausted
            self.budget = Budget(*retry)
            self.budget.exhausted = told
        self.logged = route.policy.access_log
        self.upstream_tls = route.policy.upstream_tls
        tls = route.policy.tls
        self.hsts: bytes | None = None  # the field line, for answers over HTTPS
        if tls.hsts_seconds > 0:
            subdomains = b"; includeSubDomains" if tls.hsts_subdomains else b""
            self.hsts = b"Strict-Transport-Security: max-age=%d%b\r\n" % (tls.hsts_seconds, subdomains)
        self.demand(tls.clients)
        self.log_part = b'","route":%b' % msgspec.json.encode(route.id)[:-1]

    def _filter(self, route: Route) -> None:
        self.chain: Any = build_chain(route.policy, route.path, self._share, self._secret)
        self.body_limit = route.policy.limits.body_bytes or _NO_LIMIT
        self._filtered = (route.policy.filters, route.policy.limits.body_bytes)


def _patience(seconds: float, mode: int) -> float:
    """How long requests wait; what a route says itself stays."""
    return ORDERED_HOLD_SECONDS if mode == HOLD and seconds == _HOLD_SECONDS else seconds
