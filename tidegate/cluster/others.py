"""What the other nodes see, as inventories: one per node, as if each were a provider of ours.

A node whose lease has ended has nothing any more, at once. While the store cannot be read everybody keeps what they had:
what does not answer is left out by the routers themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from tidegate.cluster.keys import parse
from tidegate.cluster.live import Live
from tidegate.cluster.nodes import Nodes
from tidegate.cluster.seen import Found, Places, read_part, taken
from tidegate.errors import Problem, Severity
from tidegate.model import Instance, Inventory
from tidegate.store.port import Entry

Publish = Callable[[Inventory], None]


class Others:
    """A provider of everything on nodes but `own`. `forget(provider)` is called with the inventory of a node that has gone.

    It is told by `Nodes`: give it `see` and `meet`.
    """

    name = "nodes"

    def __init__(self, own: str, forget: Callable[[str], None]) -> None:
        self._own = own
        self._forget = forget
        self._publish: Publish | None = None  # while running
        self._nodes: Nodes | None = None  # set by `read`
        self._lives: dict[str, Live] = {}  # of the others that are there
        self._parts: dict[str, dict[str, dict[str, tuple[Found, ...]]]] = {}  # node -> service -> key -> what it says
        self._inventories: dict[str, Inventory] = {}  # by node
        self._versions: dict[str, int] = {}  # by node, of its newest inventory
        self._faults: dict[str, Problem] = {}  # by key
        self._is_told = False  # that the store was read

    def read(self, nodes: Nodes) -> None:
        """Whom to ask; once, before anything is told."""
        self._nodes = nodes

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is in the way of seeing the others now."""
        nodes = self._nodes
        lost = (nodes.lost,) if nodes is not None and nodes.lost is not None else ()
        return (*lost, *(self._faults[key] for key in sorted(self._faults)))

    async def run(self, publish: Publish) -> None:
        """Publish until cancelled; the first time, empty, when the store was read."""
        self._publish = publish
        try:
            self._tell(self._lives)
            await asyncio.get_running_loop().create_future()  # until cancelled: `Nodes` does the work
        finally:
            self._publish = None

    def meet(self, names: set[str]) -> None:
        """These nodes came, changed or went."""
        assert self._nodes is not None, "`read` comes first"
        for name in names - {self._own}:
            node = self._nodes.all.get(name)
            before, live = self._lives.get(name), node.live if node is not None else None
            if live is None:
                self._lives.pop(name, None)
                if self._inventories.pop(name, None) is not None:
                    self._forget(_provider(name))
            else:
                self._lives[name] = live
                if before is None or before.peer != live.peer:
                    self._inventories[name] = self._inventory(name, live, self._parts.get(name, {}), {})
        self._tell(names)

    def see(self, keys: set[str]) -> None:
        """What is below these keys is new."""
        assert self._nodes is not None, "`read` comes first"
        changed: dict[str, set[str]] = {}
        for key in keys:
            node, _, service = parse(key)
            if node != self._own:
                self._read(node, service, key, self._nodes.entries.get(key))
                changed.setdefault(node, set()).add(service)
        for node, services in changed.items():
            live = self._lives.get(node)
            if live is not None:
                old = self._inventories[node].services
                kept = {key: value for key, value in old.items() if key not in services}
                self._inventories[node] = self._inventory(node, live, services, kept)
        self._tell(changed)

    def _read(self, node: str, service: str, key: str, entry: Entry | None) -> None:
        parts = self._parts.setdefault(node, {}).setdefault(service, {})
        self._faults.pop(key, None)
        if entry is None:
            parts.pop(key, None)
            if not parts:
                del self._parts[node][service]
            return
        try:
            parts[key] = read_part(entry.value)
        except msgspec.DecodeError as error:
            self._faults[key] = _not_understood(node, service, key, error)

    def _inventory(
        self, node: str, live: Live, services: Iterable[str], kept: dict[str, tuple[Instance, ...]]
    ) -> Inventory:
        """`kept`, and `services` made anew from what was read."""
        places, provider = Places(address=live.address, peer=live.peer), _provider(node)
        for service in services:
            parts = self._parts.get(node, {}).get(service, {})
            found = taken((each for key in sorted(parts) for each in parts[key]), node, provider, places)
            if found:
                kept[service] = found
        version = self._versions[node] = self._versions.get(node, 0) + 1
        return Inventory(provider=provider, version=version, services=kept)

    def _tell(self, names: Iterable[str]) -> None:
        if self._publish is None or self._nodes is None or not self._nodes.known:
            return
        for name in names if self._is_told else self._lives:
            if name in self._inventories:
                self._publish(self._inventories[name])
        if not self._is_told:  # after those of the nodes: whoever waits for us has then heard of all
            self._is_told = True
            self._publish(Inventory(provider=self.name, version=1))


def _provider(node: str) -> str:
    return f"node:{node}"


def _not_understood(node: str, service: str, key: str, error: msgspec.DecodeError) -> Problem:
    return Problem(
        code="T2302",
        text=f"what {node} says of {service} is not understood",
        place=key,
        cause=f"it runs another version of the program: {error}",
        mend="run one version on all nodes",
        kept="what it said before stays in force",
        severity=Severity.WARNING,
    )
