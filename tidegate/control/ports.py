"""What control asks of others. `app` passes the objects in."""

from __future__ import annotations

from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from tidegate.control.asking import Asking
from tidegate.control.webhooks import Notice
from tidegate.errors import NoSuchThing, Problem, TidegateError
from tidegate.model import Asked, CheckTarget, Decision, HealthReport
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Carried
from tidegate.placement.stock import Stock
from tidegate.release.acts import Act
from tidegate.release.gates import Verdict
from tidegate.release.image import Pin
from tidegate.release.record import Release
from tidegate.release.seen import Container, Fault, Fetching
from tidegate.routing import Delta, RoutingTable
from tidegate.store.port import Compare

#: What routers have with these containers now, by id, as far as it can be learned at once; `serving.Serving.carried` is one.
Carrying = Callable[[Collection[str]], Awaitable[Mapping[str, Carried]]]


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

    def applied_by_all(self, version: int) -> bool:
        """Whether they do so now."""
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


class LookPort(Protocol):
    """Asks the engines; `lookout.Lookout` is one."""

    async def look(self, release: Release, known: Iterable[tuple[str, str]]) -> dict[str, Container] | None:
        """Containers by id: those of `known`, (node, id) each, that are there, and all that the release made; None while an
        engine that matters does not answer."""
        ...


class ActPort(Protocol):
    """Does what releases want done; `executor.Executor` is one."""

    def carry_out(self, release: Release, wanted: Iterable[Act]) -> None:
        """Begin what is not on its way; called again at every look with all that is still wanted."""
        ...

    def busy(self, release: Release) -> bool:
        """Whether an act of the release is on its way."""
        ...

    def faults(self, release: Release) -> tuple[Fault, ...]:
        """Why acts that are still wanted failed."""
        ...

    def images(self, release: Release) -> dict[str, Pin]:
        """Which image engines were found to hold by the name that was asked for, by node."""
        ...

    def fetches(self, release: Release) -> tuple[Fetching, ...]:
        """Images on their way."""
        ...


class GatePort(Protocol):
    """Asks gates; `gatekeeper.Gatekeeper` is one."""

    async def ask(self, asking: Asking) -> tuple[Verdict, ...]:
        """One verdict per gate, within a time of its own."""
        ...


class TellPort(Protocol):
    """Tells others of events; `webhooks.Webhooks` is one."""

    def tell(self, notice: Notice) -> None:
        """Have it told, without waiting."""
        ...


class OthersPort(Protocol):
    """The cluster, as control sees it; `app.cluster.Cluster` is one. Each of `met` is called when something is new of a node."""

    met: list[Callable[[], None]]

    @property
    def alone(self) -> bool:
        """Whether there is no cluster: one node on a store of its own."""
        ...

    @property
    def leader(self) -> str:
        """The node that leads; empty while none is known."""
        ...

    @property
    def fence(self) -> Compare | None:
        """What each write of a leader compares; None while we do not lead, and then nothing is written as leader."""
        ...

    @property
    def cut_off(self) -> bool:
        """Whether the others may take this node for lost: what must not run twice must not run here."""
        ...

    @property
    def has_name(self) -> bool:
        """Whether the node of our name is us, as was found last: what is ordered of it is for us to do. False until it is known."""
        ...

    async def while_leading(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` whenever we lead, from its beginning each time, and cancel it when we do not."""
        ...

    def facts(self) -> Sequence[NodeFacts]:
        """What placement needs to know of each node; nothing where there is no cluster."""
        ...

    def offer_stock(self, stock: Stock) -> None:
        """What the engine of this node holds now, for the others."""
        ...

    def sighted(self) -> float:
        """For how many seconds, up to now, we have seen without a gap which nodes came and went."""
        ...

    def unseen(self, node: str) -> float:
        """For how many seconds we have known that a node was not there all the while; 0 where it is, or may be."""
        ...

    def absence(self, node: str) -> Compare | None:
        """Holds in the store for as long as a node is away; None where it is there, as far as we know."""
        ...

    def listed(self) -> Sequence[Mapping[str, Any]]:
        """One mapping per node, fit for JSON; `name` in each."""
        ...

    def standing(self) -> Mapping[str, Any]:
        """How we stand in it, fit for JSON: `leader`, `joined`, `index`, and in `lost` why the store cannot be followed."""
        ...

    async def order(self, node: str, order: Mapping[str, Any], who: str, why: str) -> int:
        """Have an operator's will of a node stored; the revision. Raises NoSuchThing, Conflict, StoreError."""
        ...

    def there(self) -> Collection[str]:
        """The other nodes that are there now."""
        ...

    async def ask(self, node: str, question: bytes) -> bytes | str:
        """Ask the control of another node (`control.figures`): its answer within seconds, or in words why there is none."""
        ...

    async def logs(self, node: str) -> tuple[StreamReader, StreamWriter]:
        """A connection to another node's desk for logs (`control.logdesk`). Raises TidegateError (T2307)."""
        ...


class Alone:
    """What a control part has without workers and without other nodes."""

    alone = True
    cut_off = False
    has_name = True
    leader = ""
    fence: Compare | None = Compare(key="leader", revision=0)  # holds for as long as nobody was elected over this store

    def __init__(self) -> None:
        self.met: list[Callable[[], None]] = []

    async def while_leading(self, name: str, work: Callable[[], Awaitable[None]]) -> None:  # noqa: ARG002  the port's signature
        """There is nothing that could end it."""
        await work()

    def facts(self) -> Sequence[NodeFacts]:
        """None."""
        return ()

    def offer_stock(self, stock: Stock) -> None:
        """There is nobody to tell."""

    def sighted(self) -> float:
        """See OthersPort."""
        return 0.0

    def unseen(self, node: str) -> float:  # noqa: ARG002  the port's signature
        """There is nobody who could be missed."""
        return 0.0

    def absence(self, node: str) -> Compare | None:  # noqa: ARG002  the port's signature
        """There is nobody who could come back."""
        return None

    def listed(self) -> Sequence[Mapping[str, Any]]:
        """None."""
        return ()

    def standing(self) -> Mapping[str, Any]:
        """There is no cluster."""
        return {}

    async def order(self, node: str, order: Mapping[str, Any], who: str, why: str) -> int:
        """There is nobody to take it."""
        raise NoSuchThing(
            Problem(
                code="T2305", text=f"there is no cluster, so {node} takes no orders: {dict(order)}", cause=why or who
            )
        )

    def there(self) -> Collection[str]:
        """None."""
        return ()

    async def ask(self, node: str, question: bytes) -> bytes | str:  # noqa: ARG002  as above
        """There is nobody to ask."""
        return "there is no cluster"

    async def logs(self, node: str) -> tuple[StreamReader, StreamWriter]:
        """There is nobody."""
        raise TidegateError(Problem(code="T2307", text=f"{node} cannot be asked", cause="there is no cluster"))

    async def wait_applied(self, version: int, timeout: float) -> bool:  # noqa: ARG002, ASYNC109  the port's signature
        """There is nobody to wait for."""
        return True

    def applied_by_all(self, version: int) -> bool:  # noqa: ARG002  as above
        """As `wait_applied`."""
        return True

    def workers(self) -> Sequence[Mapping[str, Any]]:
        """None."""
        return ()
