"""What control asks of others. `app` passes the objects in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from tidegate.model import Asked, CheckTarget, Decision, HealthReport
from tidegate.routing import Delta, RoutingTable


class Publisher(Protocol):
    """Takes each new table, without awaiting. `TableCell` is one."""

    def publish(self, table: RoutingTable, delta: Delta) -> None: ...


class CheckFollower(Protocol):
    """Watches endpoints and reports their health back to the reconciler."""

    def assume(self, reports: Iterable[HealthReport]) -> None:
        """What was known before a restart; called once, before the first `update`."""
        ...

    def update(self, changed: Iterable[CheckTarget], removed: Iterable[str] = ()) -> None: ...


class Followers(Protocol):
    """The workers as followers of the table."""

    async def wait_applied(self, version: int, timeout: float) -> bool:  # noqa: ASYNC109  the port's contract is a deadline
        """Whether all workers run `version` or a later one within `timeout` seconds."""
        ...


class StatusPort(Protocol):
    """What the workers say of themselves."""

    def workers(self) -> Sequence[Mapping[str, Any]]:
        """One mapping per worker, fit for JSON: name, state, version, connections, ..."""
        ...


class DecidePort(Protocol):
    """Asks the router's own code."""

    def decide(self, table: RoutingTable, asked: Asked) -> Decision:
        """What a worker with this table does with the request."""
        ...


class ResolvePort(Protocol):
    """Asks the DNS part."""

    async def explain(self, name: str, qtype: str, asker: str) -> Mapping[str, Any]:
        """What is answered and from where, fit for JSON: `answers` (name, ttl, type, data), `rcode`, `source`.

        `asker` is an IP address or a container, or empty for the host. Raises `TidegateError` for a name or type that cannot be.
        """
        ...


class Alone:
    """Followers and status of a control part without workers."""

    async def wait_applied(self, version: int, timeout: float) -> bool:  # noqa: ARG002, ASYNC109  the port's signature
        """There is nobody to wait for."""
        return True

    def workers(self) -> Sequence[Mapping[str, Any]]:
        """None."""
        return ()
