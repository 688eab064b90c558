"""What every connection of one worker shares: matcher, wheel, settings, counters, log lines. HOT: used by each request.

The core holds no event loop: opening connections and waking held requests are calls that the worker gives it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from tidegate.config import HttpConfig
from tidegate.errors import Reason
from tidegate.http1.events import Limits
from tidegate.matcher import Matcher
from tidegate.router.accesslog import line
from tidegate.router.counters import Counters, bucket
from tidegate.router.exchange import Exchange
from tidegate.router.link import Link
from tidegate.router.live import LiveRoute
from tidegate.router.observer import Observer
from tidegate.router.recorder import Recorder
from tidegate.router.timers import Wheel
from tidegate.router.upstream import Upstream


class Core:
    """Shared state of one worker's connections. The worker sets `connect`, `wake_soon`, `failed`, `find_route`."""

    __slots__ = (
        "accepted",
        "answered",
        "body_timeout",
        "bound",
        "clock",
        "connect",
        "connections",
        "crowded",
        "draining",
        "enquire",
        "evicted",
        "failed",
        "failures",
        "find_route",
        "half_close",
        "head_timeout",
        "hold_queue",
        "idle_timeout",
        "ledger",
        "limits",
        "lines",
        "logging",
        "matcher",
        "observer",
        "on_empty",
        "pages",
        "pressure",
        "ready",
        "recorder",
        "refused",
        "secure_port",
        "stamp",
        "trusted",
        "tunnel_idle",
        "tunnels",
        "unrouted",
        "upstream_idle",
        "wake_all",
        "wake_soon",
        "wheel",
    )

    def __init__(self, config: HttpConfig) -> None:
        self.limits = Limits(config.max_head_bytes, config.max_headers, config.max_target_bytes)
        self.head_timeout = config.head_timeout_seconds
        self.idle_timeout = config.idle_timeout_seconds
        self.body_timeout = config.body_timeout_seconds
        self.half_close = config.half_close_seconds
        self.tunnel_idle = config.tunnel_idle_timeout_seconds
        self.hold_queue = config.hold_queue
        self.upstream_idle = config.upstream_idle_connections
        self.trusted = [ip_network(cidr) for cidr in config.trusted_proxies]
        self.secure_port = 0  # of the first HTTPS listener; 0 where there is none
        self.clock = time.monotonic
        self.wheel = Wheel(self.clock())
        self.matcher = Matcher()
        self.ledger: list[Counters] = []
        self.unrouted = Counters("route", ("",), self.ledger)
        self.failures: dict[tuple[str, str], int] = {}  # (route, reason) -> exchanges since the last report
        self.connections: set[Any] = set()
        self.tunnels: dict[tuple[LiveRoute, Upstream], int] = {}  # how many of the connections are tunnels of these two
        self.accepted = 0
        self.ready = False  # a table has come: until then nobody can say that a route does not exist
        self.draining = False
        self.bound = 1 << 30  # client connections; one more is `crowded`
        self.pressure = 0  # an admission level; FRUGAL at least while draining
        self.refused = 0  # requests answered 503 because of it
        self.evicted = 0  # idle connections closed because of it
        self.logging = bool(config.access_log)
        self.lines: list[bytes] = []
        self.stamp = b""
        self.recorder: Recorder | None = None  # where records are not the default ones
        self.observer: Observer | None = None  # where exchanges carry notes
        self.connect: Callable[[Any, Exchange, Upstream], None] = _unset
        self.wake_soon: Callable[[LiveRoute], None] = _unset
        self.find_route: Callable[[str], LiveRoute | None] = _unset
        self.failed: Callable[[Upstream, Reason, LiveRoute], None] = _unset
        self.answered: Callable[[Upstream], None] = _unset  # well, after failures
        self.wake_all: Callable[[LiveRoute], None] = _unset
        self.enquire: Callable[[Any, Any, Callable[[object], None]], None] = _unset
        self.pages: dict[int, bytes] = {}  # our own errors, by status, where a route has no page for it
        self.on_empty: Callable[[], None] = _unset  # draining, and the last connection is gone
        self.crowded: Callable[[Any], None] = _unset

    def trusts(self, client: bytes) -> bool:
        """Whether this peer's X-Forwarded-* are believed."""
        if not self.trusted or not client:
            return False
        address = ip_address(client.decode().partition("%")[0])
        return any([address in network for network in self.trusted])  # noqa: C419  a generator would need a closure

    def client_behind(self, claimed: bytes) -> bytes:
        """The client that trusted proxies speak for: the last address in X-Forwarded-For that is none of theirs."""
        chain = [each.strip(b" \t") for each in claimed.split(b",")]
        for address in reversed(chain):
            if not self._is_trusted(address):
                return address
        return chain[0]

    def _is_trusted(self, address: bytes) -> bool:
        try:
            return self.trusts(address)
        except ValueError:  # no address at all: whatever it is, it is not ours
            return False

    def opened(self, connection: Any) -> None:
        """A connection or tunnel began."""
        self.connections.add(connection)
        self.accepted += 1
        if len(self.connections) > self.bound:
            self.crowded(connection)

    def lost(self, connection: Any) -> None:
        """A connection or tunnel ended."""
        self.connections.discard(connection)
        if self.draining and not self.connections:
            self.on_empty()

    def put_back(self, connection: Link, now: float) -> None:
        """A connection that may serve again."""
        connection.idle_since = now
        upstream: Upstream = connection.upstream
        upstream.put(connection, self.upstream_idle)

    def finished(self, exchange: Exchange, now: float) -> None:
        """Count and log one exchange."""
        duration_us = int((now - exchange.started) * 1e6)
        if exchange.reason is not None:
            self._failure(exchange)
        route = exchange.route
        counters = self.unrouted if route is None else route.counters
        status = exchange.status
        received = exchange.received
        sent = exchange.sent
        index = bucket(duration_us)
        upstream_us = exchange.upstream_us()
        upstream_index = bucket(upstream_us) if exchange.first_byte != 0.0 else -1
        counters.add(status, received, sent, duration_us, index, upstream_us, upstream_index)
        upstream = exchange.upstream
        if upstream is not None:
            upstream.counters.add(status, received, sent, duration_us, index, upstream_us, upstream_index)
            if exchange.tries > 1:
                counters.retries += exchange.tries - 1
                upstream.counters.retries += exchange.tries - 1
        if exchange.held_at != 0.0:
            counters.held += 1
            counters.held_us += exchange.held_us(duration_us)
        if self.logging and (route is None or route.logged):
            if self.recorder is None:
                self.lines.append(line(exchange, self.stamp, duration_us))
            elif text := self.recorder.record(exchange, self.stamp, duration_us):
                self.lines.append(text)
        if self.observer is not None:
            self.observer.finished(exchange, duration_us)

    def _failure(self, exchange: Exchange) -> None:
        route = exchange.route
        assert exchange.reason is not None, "a failure has its reason"
        if exchange.status == 0:  # no answer went out: what it would have been (499 for a client that left)
            exchange.status = exchange.reason.status
        key = ("" if route is None else route.id, exchange.reason.token)
        self.failures[key] = self.failures.get(key, 0) + 1


def _unset(*arguments: Any) -> Any:
    raise AssertionError("the worker gives the core its calls before it opens a listener")
