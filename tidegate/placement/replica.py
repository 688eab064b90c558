"""The order to run one replica on one node, and what became of it.

A *slot* is a replica's identity within its service: 1, 2, 3 ...; of a service that is everywhere too. Each new place for a slot has a
higher *generation*, and at most one generation of a slot is wanted. What is ordered (`Place`, written by the leader only) and what is
seen (written by the node) stay apart; `Replica` holds them side by side.
"""

from __future__ import annotations

from enum import StrEnum

from tidegate.placement.resources import NOTHING, Resources
from tidegate.value import Value


class State(StrEnum):
    """What is seen of a replica. PENDING: its node did nothing yet. STARTING: it runs and is not ready. READY: it may serve.
    UNHEALTHY: it runs and fails its checks. ENDED: it does not run. LOST: its node cannot be seen."""

    PENDING = "pending"
    STARTING = "starting"
    READY = "ready"
    UNHEALTHY = "unhealthy"
    ENDED = "ended"
    LOST = "lost"


class Place(Value):
    """Stored: run `slot` of `service` on `node`. `leaving`: drain it and stop it, since `leaving_since`; the place goes when it is gone.

    `since` is when it was placed, in seconds since the epoch. `reservation` and `ports` are those of its revision, so that they count
    after the demand has changed. `moves` counts how often in a row the slot had to go elsewhere. `why` is one sentence.
    """

    service: str
    slot: int
    generation: int
    revision: str
    node: str
    leaving: bool = False
    leaving_since: float = 0.0
    since: float = 0.0
    why: str = ""
    reservation: Resources = NOTHING
    ports: tuple[str, ...] = ()
    account: str = ""
    moves: int = 0

    @property
    def name(self) -> str:
        """Unique for ever: what its container is called and found by."""
        return f"{self.service.replace('/', '_')}_{self.slot}.{self.generation}"


class Replica(Value):
    """A place and what is seen of it. `ready_since` is 0 while it is not ready, `ended` how often it ended by itself.
    `in_flight` requests are with it, of which `long_lived` ones do not end soon (upgraded connections, streams)."""

    place: Place
    state: State = State.PENDING
    ready_since: float = 0.0
    ended: int = 0
    in_flight: int = 0
    long_lived: int = 0

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
        return self.state is State.READY

    @property
    def staying(self) -> bool:
        """Whether it is wanted where it is."""
        return not self.place.leaving


class Pending(Value):
    """A slot that needs a node. `home` is the only node it may go to, because what it needs is there; `avoid` are nodes it comes from."""

    service: str
    slot: int
    revision: str = ""
    generation: int = 1
    home: str = ""
    avoid: tuple[str, ...] = ()
    moves: int = 0
    why: str = ""
