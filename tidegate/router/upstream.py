"""The live side of one endpoint: its idle connections, claims and counters.

HOT: guarded by `make bench`. What may come back to the pool is decided by who served (`connection.py`, `relay.py`); a
connection that was closed meanwhile is dropped when its turn comes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import json

from tidegate.model import Address, Endpoint
from tidegate.policy import UpstreamTls
from tidegate.router.counters import Counters
from tidegate.router.link import Link


class Upstream:
    """Connections, claims and counters of one endpoint; survives table swaps. `on_empty(self)` is called when it drains
    and the last claim is released."""

    __slots__ = (
        "address",
        "connections",
        "counters",
        "draining",
        "ejected",
        "endpoint",
        "failures",
        "host",
        "idle",
        "in_flight",
        "log_part",
        "on_empty",
        "on_room",
        "port",
        "secure_idle",
        "since",
        "trial",
        "watchers",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        address: Address,
        on_empty: Callable[[Upstream], None],
        ledger: list[Counters] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.address = address
        self.host = address.host
        self.port = address.port
        self.on_empty = on_empty
        self.counters = Counters("endpoint", (endpoint.service, endpoint.version, endpoint.id), ledger)
        self.idle: list[Link] = []  # newest last: the busiest stay warm, the oldest time out
        self.secure_idle: Any = None  # those over TLS, by policy: what one route trusts another may not
        self.in_flight = 0  # claims
        self.connections = 0  # open ones, idle included
        self.failures = 0  # since the last good response
        self.draining = False
        self.since = 0.0  # when it became ready; 0: with the first table, so nothing is warming up
        self.ejected = False  # it failed again and again: gets nothing but a trial for now
        self.watchers: set[str] | None = None  # ids of routes whose requests may wait for room here
        self.on_room: Callable[[Upstream], None] = _nobody  # a claim was released, and there are watchers
        self.trial = 0  # back from an ejection: who may show what it is worth, as `ejection` says
        self.log_part = b'","service":%b,"version":%b,"endpoint":%b,"address":"%b' % (
            json.encode(endpoint.service),
            json.encode(endpoint.version),
            json.encode(endpoint.id),
            str(address).encode(),
        )

    def take(self) -> Any:
        """An idle connection, or None."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.closed:
                return connection
        return None

    def take_secure(self, tls: UpstreamTls) -> Any:
        """An idle connection that was made by this policy, or None."""
        idle = self.secure_idle.get(tls) if self.secure_idle is not None else None
        while idle:
            connection = idle.pop()
            if not connection.closed:
                return connection
        return None

    def put(self, connection: Link, limit: int) -> None:
        """A connection that may serve again; closed if the endpoint drains or enough are idle."""
        if self.draining or connection.closed or len(self.idle) >= limit:
            connection.close()
        elif connection.tls is None:
            self.idle.append(connection)
        else:
            self._put_secure(connection, limit)

    def _put_secure(self, connection: Link, limit: int) -> None:
        if self.secure_idle is None:
            self.secure_idle = {}
        idle = self.secure_idle.setdefault(connection.tls, [])
        if len(idle) >= limit:
            connection.close()
        else:
            idle.append(connection)

    def pooled(self) -> int:
        """How many connections are idle."""
        secure = self.secure_idle.values() if self.secure_idle is not None else ()
        return len(self.idle) + sum(len(idle) for idle in secure)

    def watched_by(self, route_id: str) -> None:
        """Requests of this route may wait for room here."""
        if self.watchers is None:
            self.watchers = set()
        self.watchers.add(route_id)

    def set_draining(self, draining: bool) -> None:
        """Draining: no idle connection is kept, and the last release is reported."""
        if draining and not self.draining:
            self.draining = True
            self.close_idle(1e300)
            if self.in_flight == 0:
                self.on_empty(self)
        elif not draining:
            self.draining = False

    def released(self) -> None:
        """A claim was released."""
        if self.watchers is not None:
            self.on_room(self)
        if self.draining and self.in_flight == 0:
            self.on_empty(self)

    def close_idle(self, before: float) -> None:
        """Close connections that went idle before that time."""
        keep = [connection for connection in self.idle if connection.idle_since >= before]
        stale = [connection for connection in self.idle if connection.idle_since < before]
        self.idle = keep
        for tls, idle in list(self.secure_idle.items()) if self.secure_idle is not None else ():
            stale += [connection for connection in idle if connection.idle_since < before]
            idle[:] = [connection for connection in idle if connection.idle_since >= before]
            if not idle:
                del self.secure_idle[tls]
        for connection in stale:
            connection.close()


def _nobody(upstream: Upstream) -> None:
    """Whoever sets watchers says first whom to tell."""
    raise AssertionError
