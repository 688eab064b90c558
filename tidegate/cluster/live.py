"""What a node says of itself, what an operator wants of it, and both together. Pure."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import json

from tidegate.errors import Problem, Severity
from tidegate.model import Address
from tidegate.value import Value

V = TypeVar("V", bound=Value)


class Machine(Value):
    """An engine of the node. `id` and `hostname` are the engine's own; `platform` is `os/arch`."""

    name: str
    id: str = ""
    hostname: str = ""
    version: str = ""
    platform: str = ""


class Live(Value):
    """A node that is there. `id` is the same for as long as its state folder, `home` as long as that was not copied and its host runs; `incarnation` changes when its host or its control
    process was started anew. `index` is its number in the cluster, from 1. `cpus` in cores, `memory` in bytes: 0 where it is not known.

    `address` is where others reach its host's network and published ports, `peer` where its router takes connections from other
    nodes; empty or None: nowhere. `routable` are the networks whose container addresses all nodes reach. `since` is seconds
    since the epoch.
    """

    id: str
    incarnation: str
    home: str = ""
    index: int = 0
    zone: str = ""
    labels: dict[str, str] = {}
    cpus: float = 0.0
    memory: int = 0
    address: str = ""
    peer: Address | None = None
    engines: tuple[Machine, ...] = ()
    version: str = ""
    since: float = 0.0


class Spec(Value):
    """What an operator wants of a node. `drained`: nothing new on it, and what is there moves. `labels` and `zone` go before its
    own. `when` is seconds since the epoch, of the last order; `drained_since` of the one that drained it."""

    drained: bool = False
    drained_since: float = 0.0
    labels: dict[str, str] = {}
    zone: str = ""
    who: str = ""
    when: float = 0.0
    why: str = ""


class Node(Value):
    """One node as the cluster knows it. `live` is None while its lease is gone; `revision` is that of its spec, 0 without one."""

    name: str
    live: Live | None = None
    spec: Spec = Spec()
    revision: int = 0

    @property
    def zone(self) -> str:
        """Where it stands; empty where nobody says."""
        return self.spec.zone or (self.live.zone if self.live is not None else "")

    @property
    def labels(self) -> dict[str, str]:
        """Its own, and an operator's over them."""
        return {**(self.live.labels if self.live is not None else {}), **self.spec.labels}

    @property
    def state(self) -> str:
        """In one word: ready, drained or gone."""
        if self.live is None:
            return "gone"
        return "drained" if self.spec.drained else "ready"


def read(kind: type[V], key: str, value: bytes) -> V | Problem:
    """A value of the cluster as the store has it. What another version wrote may not be understood by this one."""
    try:
        return json.decode(value, type=kind)
    except msgspec.DecodeError as error:
        return Problem(
            code="T2302",
            text=f"`{key}` in the store is not understood",
            place=key,
            cause=f"another version of the program wrote it: {error}",
            mend="run one version on all nodes",
            kept="it stays as it is, and counts as not there",
            severity=Severity.WARNING,
        )
