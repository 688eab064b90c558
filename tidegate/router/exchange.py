r"""One request/response pair as a state machine: which route, which upstream, may it be tried again, how did it end.

Pure (no sockets, no clock, no HTTP/1 words), so that HTTP/2 fits beside. HOT: one object per request.

States, moved only by the methods here:
    NEW -> (route found) -> ROUTED -> choose() -> CLAIMED -> responding() -> RESPONDING -> finish() -> DONE
                                   \-> HELD (nobody is ready) -> choose() again when the table changes or time passes
    CLAIMED -> give_up() -> ROUTED (try another) or refused with a reason
Impossible: a second claim while one is held; a retry after the first response byte; a claim after DONE.
"""

from __future__ import annotations

from typing import Any

from tidegate.errors import Reason

NEW = 0
ROUTED = 1
HELD = 2
CLAIMED = 3
RESPONDING = 4
DONE = 5

MAX_REACHED = 2  # a request that ends containers must not reach more of them

#: RFC 9110 section 9.2.2
IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"))


class Exchange:
    """See the module's theory. Times are seconds on the caller's monotonic clock, sizes are body bytes."""

    __slots__ = (
        "agent",
        "client",
        "counted",
        "ends",
        "first_byte",
        "held_at",
        "hold_until",
        "host",
        "key",
        "mark",
        "method",
        "moved",
        "notes",
        "reached",
        "reason",
        "received",
        "referer",
        "route",
        "safe",
        "secure",
        "sent",
        "sent_at",
        "started",
        "state",
        "status",
        "target",
        "tried",
        "tries",
        "upstream",
    )

    def __init__(self, method: bytes, host: bytes, target: bytes, client: bytes, now: float) -> None:
        self.begin(method, host, target, client, now)

    def begin(self, method: bytes, host: bytes, target: bytes, client: bytes, now: float) -> None:
        """What `__init__` does; called apart where each call counts."""
        self.method = method
        self.host = host
        self.target = target
        self.client = client
        self.agent: bytes = b""
        self.referer: bytes = b""
        self.started = now
        self.first_byte = 0.0  # when the response head came
        self.held_at = 0.0  # when first held
        self.hold_until = 0.0  # set when first held
        self.sent_at = 0.0  # when the request's head was last written to an upstream
        self.notes: Any = None  # Notes: request id, trace, headers to be logged; where the settings ask for any
        self.secure = False  # it came over TLS
        self.state = NEW
        self.route: Any = None  # LiveRoute
        self.upstream: Any = None  # Upstream, while claimed and after
        self.tried: list[Any] | None = None
        self.ends = 0.0  # when the route gives it up altogether; 0: never
        self.counted = False  # among the requests in flight that the route bounds
        self.key = 0  # where the route hashes; 0: none
        self.mark: bytes | None = None  # which endpoint the client says it was at, on sticky routes
        self.moved = False  # the client is to be told where it is now
        self.safe = False  # it can be sent again elsewhere; known where the route has a selection
        self.tries = 0
        self.reached = 0  # fresh connections that took the request and closed without an answer
        self.status = 0
        self.reason: Reason | None = None  # of the latest failure; of the end, once DONE
        self.received = 0
        self.sent = 0

    def routed(self, route: Any) -> None:
        """The table has a route for it."""
        self.route = route
        route.requests += 1
        if route.request_timeout != 0.0:
            self.ends = self.started + route.request_timeout
        self.state = ROUTED

    def count(self) -> bool:
        """Among the requests in flight on a route that bounds them; False if they are as many as they may be."""
        route = self.route
        if not self.counted and route.max_requests:
            if route.in_flight >= route.max_requests:
                return False
            route.in_flight += 1
            self.counted = True
        return True

    def moved_to(self, route: Any) -> None:
        """The table has another live side of its route."""
        if self.counted and route is not self.route:
            self.route.in_flight -= 1
            route.in_flight += 1
        self.route = route

    def choose(self) -> Any:
        """Pick and claim an upstream; None if nobody is ready or all were tried."""
        assert self.state == ROUTED or self.state == HELD, "one claim at a time"
        route = self.route
        if route.selection is not None:
            upstream = route.selection.pick(self.tried, self.key, self.mark, self.safe)
            self.moved = route.selection.moved
        elif route.turns is not None and self.tried is None:
            upstream = route.turns.pick()
        else:
            upstream = route.balancer.pick(self.tried)
        if upstream is not None:
            upstream.in_flight += 1
            self.upstream = upstream
            self.tries += 1
            self.state = CLAIMED
        return upstream

    def hold(self, now: float) -> bool:
        """Nobody is ready: wait? False once the route's bound is used up."""
        if self.hold_until == 0.0:
            self.held_at = now
            self.hold_until = now + self.route.hold_seconds
        if now >= self.hold_until:
            return False
        self.state = HELD
        self.tried = None
        return True

    def queue(self, now: float) -> bool:
        """Only limits stand in the way: wait for room? False once the route's bound is used up."""
        if self.hold_until == 0.0:
            self.held_at = now
            self.hold_until = now + self.route.queue_seconds
        if now >= self.hold_until:
            return False
        self.state = HELD
        self.tried = None
        return True

    def give_up(self, safe: bool) -> bool:
        """The claimed upstream failed before a response byte; release it. True if another may be tried.

        `safe`: not a byte of the request was sent, or sending it twice does no harm."""
        assert self.state == CLAIMED, "only a claim can be given up"
        upstream = self.upstream
        upstream.in_flight -= 1
        self.state = ROUTED
        if not safe:
            return False
        if self.tried is None:
            self.tried = []
        self.tried.append(upstream)
        tries: int = self.route.tries
        return self.tries < tries

    def responding(self, status: int, now: float) -> None:
        """The response head came: from here on nothing can be tried again."""
        self.state = RESPONDING
        self.status = status
        self.first_byte = now

    def finish(self, reason: Reason | None) -> None:
        """The end, good (`reason` None) or bad; releases the claim."""
        if self.state == CLAIMED or self.state == RESPONDING:
            self.upstream.in_flight -= 1
        if self.counted:
            self.counted = False
            self.route.in_flight -= 1
        self.reason = reason
        self.state = DONE

    def upstream_us(self) -> int:
        """Microseconds from the request's head going out (of the last try) to the response's head; 0 without one."""
        if self.first_byte == 0.0 or self.sent_at == 0.0:
            return 0
        return int((self.first_byte - self.sent_at) * 1e6)

    def held_us(self, duration_us: int) -> int:
        """Microseconds from the first hold until the request went to a container, or to its end, `duration_us` after its
        start; 0 if it was never held."""
        if self.held_at == 0.0:
            return 0
        if self.sent_at > self.held_at:
            return int((self.sent_at - self.held_at) * 1e6)
        return duration_us - int((self.held_at - self.started) * 1e6)
