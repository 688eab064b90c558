"""What control is wired to: who serves the table, who checks health, what is asked of the other parts, and the clocks."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import field

from tidegate.control.ejections import Ejections
from tidegate.control.metrics import Registry
from tidegate.control.ports import (
    Alone,
    CheckFollower,
    DecidePort,
    Followers,
    OthersPort,
    Publisher,
    ResolvePort,
    StatusPort,
)
from tidegate.control.traffic import Traffic
from tidegate.engine.port import Engine
from tidegate.errors import Problem
from tidegate.store.port import Store
from tidegate.value import Value


class Neighbours(Value, frozen=True):
    """`required` names the providers to wait for before the first table; `complaints` tells what they and the checks
    complain of now. `desks` are the Unix sockets at which other nodes ask for `figures` and `logs`, none without other nodes. `own` are this host's addresses, which may call services by name. `engines`, by the names of their
    providers, are those that releases act on; stacks run on the first of them. `sockets` are listening sockets made by the supervisor for the addresses of
    `config.admin.listeners`; without them control binds its own. `clock` is monotonic, `wall` gives seconds since the epoch."""

    publisher: Publisher
    checks: CheckFollower
    store: Store
    resolve: ResolvePort
    decide: DecidePort
    followers: Followers
    status: StatusPort
    others: OthersPort = Alone()
    required: Sequence[str] = ()
    engines: Mapping[str, Engine] = {}
    complaints: Callable[[], Iterable[Problem]] = tuple
    registry: Registry = field(default_factory=Registry)
    traffic: Traffic = field(default_factory=lambda: Traffic(time.monotonic))
    ejections: Ejections = field(default_factory=lambda: Ejections(time.monotonic, time.time))
    desks: Mapping[str, str] = {}
    own: Sequence[str] = ()
    sockets: Sequence[socket.socket] = ()
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
