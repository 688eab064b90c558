"""The order to run one replica on one node, and what became of it.

A *slot* is a replica's identity within its service: 1, 2, 3 ...; of a service that is everywhere too. Each new place for a slot has a
higher *generation*. While a slot moves it has two places, so the store keeps each one under `places/STACK/SERVICE/SLOT.GENERATION`. What is ordered (`Place`, written by the leader only) and what is
seen (written by the node) stay apart; `Replica` holds them side by side.
"""

from __future__ import annotations

from enum import StrEnum

from tidegate.placement.resources import NOTHING, Resources
from tidegate.value import Value


class State(StrEnum):
    """What is seen of a replica. PENDING: nothing of it is on its node, not yet or no more. STARTING: it runs and is not ready. READY: it may serve.
    UNHEALTHY: it runs and fails its checks. ENDED: it does not run. LOST: its node cannot be seen."""

    PENDING = "pending"
    STARTING = "starting"
    READY = "ready"
    UNHEALTHY = "unhealthy"
    ENDED = "ended"
    LOST = "lost"


class Cause(StrEnum):
    """Why a place was made. NEW: a replica more was wanted. RENEWAL: it is of a later revision. FAILURE: the slot's node went. CRASH: it did
    not stay up where it was. DRAIN: its node shall be empty. REBALANCE: it is better there."""

    NEW = "new"
    RENEWAL = "renewal"
    FAILURE = "failure"
    CRASH = "crash"
    DRAIN = "drain"
    REBALANCE = "rebalance"


class Place(Value):
    """Stored: run `slot` of `service` on `node`. `leaving`: drain it and stop it, since `leaving_since`; the place goes when it is gone.

    `since` is when it was placed, in seconds since the epoch. `reservation`, `ports` and `stop_grace` are those of its revision, so that they count
    after the demand has changed. `moves` counts how often in a row the slot had to go elsewhere because of a failure. `why` is one sentence.
    """

    service: str
    slot: int
    generation: int
    revision: str
    node: str
    leaving: bool = False
    leaving_since: float = 0.0
    since: float = 0.0
    cause: Cause = Cause.NEW
    why: str = ""
    reservation: Resources = NOTHING
    ports: tuple[str, ...] = ()
    account: str = ""
    moves: int = 0
    stop_grace: float = 0.0

    @property
    def key(self) -> str:
        """What it is called in the store below `places/`; no other place that exists at the time is called so."""
        return f"{self.service}/{self.slot}.{self.generation}"


class Carried(Value):
    """What routers have with a replica: `in_flight` requests, of which `long_lived` ones do not end soon."""

    in_flight: int = 0
    long_lived: int = 0


IDLE = Carried()  # or nobody knows


class Replica(Value):
    """A place and what is seen of it. `ready_since` is 0 while it is not ready, `ended` how often it ended by itself.
    `ended_at` is when it last did. `done`: it ended well, as it was meant to, and counts as ready wherever it is. `gone`: its node says
    that nothing of it is there, and that nothing will be: it left, or cannot be made again. `carried` is
    known only of services of which some replicas are to go."""

    place: Place
    state: State = State.PENDING
    ready_since: float = 0.0
    ended: int = 0
    ended_at: float = 0.0
    done: bool = False
    gone: bool = False
    carried: Carried = IDLE

    @property
    def key(self) -> str:
        return self.place.key

    @property
    def service(self) -> str:
        return self.place.service

    @property
    def slot(self) -> int:
        return self.place.slot

    @property
    def generation(self) -> int:
        return self.place.generation

    @property
    def revision(self) -> str:
        return self.place.revision

    @property
    def node(self) -> str:
        return self.place.node

    @property
    def ready(self) -> bool:
        return self.done or self.state is State.READY

    @property
    def staying(self) -> bool:
        """Whether it is wanted where it is."""
        return not self.place.leaving


class Pending(Value):
    """A slot that needs a node. `home` is the only node it may go to; `avoid` are nodes that it must not go to again."""

    service: str
    slot: int
    revision: str = ""
    generation: int = 1
    home: str = ""
    avoid: tuple[str, ...] = ()
    moves: int = 0
    cause: Cause = Cause.NEW
    why: str = ""
