"""Who is there: all nodes with what they say of themselves and what operators want of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from msgspec import json
from msgspec.structs import replace

from tidegate.cluster.following import Following
from tidegate.cluster.keys import NODES, live_key, parse, spec_key, stock_key
from tidegate.cluster.lease import TTL_SECONDS, Clock
from tidegate.cluster.live import Live, Node, Spec, read
from tidegate.errors import Conflict, NoSuchThing, Problem
from tidegate.placement.node import NodeFacts
from tidegate.placement.resources import Resources
from tidegate.placement.stock import KINDS, Stock, stocked, whole
from tidegate.store.port import Compare, Entry, Put, Store
from tidegate.value import Value

REMEMBERED_SECONDS = 3600.0  # when a node went; longer ago than that nobody asks for the second

V = TypeVar("V", bound=Value)


class Nodes:
    """`changed(names)` is called with the nodes of which something is new, `seen(keys)` with the keys below `nodes/<node>/seen/`
    that came, changed or went. While there is `doubt` whether it is only the store that was away, who goes is kept for the time of a lease."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        changed: Callable[[set[str]], None] = lambda _: None,
        seen: Callable[[set[str]], None] = lambda _: None,
        doubt: Callable[[], bool] = lambda: False,
    ) -> None:
        self._following = Following(store, NODES, self._take, clock, TTL_SECONDS, doubt, _is_leased)
        self._clock = clock
        self._there: set[str] = set()  # who keeps a lease, understood or not
        self._gone: dict[str, float] = {}  # node -> when, on our clock, we saw it go
        self._store = store
        self._changed = changed
        self._seen = seen
        self._nodes: dict[str, Node] = {}
        self._stocks: dict[str, dict[str, Stock]] = {}  # node -> kind -> what its engine holds
        self._facts: dict[str, NodeFacts] = {}  # those that were asked for since they changed
        self._faults: dict[str, Problem] = {}  # by key: what is not understood

    async def run(self) -> None:
        """Follow the store until cancelled."""
        await self._following.run()

    @property
    def known(self) -> bool:
        """Whether the store was read once."""
        return self._following.known

    @property
    def sighted(self) -> float:
        """For how many seconds, up to now, we have missed nothing of who came and went; 0 while we may."""
        return self._following.sighted

    def unseen(self, name: str) -> float:
        """For how many seconds we have known that a node was not there all the while; 0 where it is, or may be."""
        if live_key(name) in self.entries:
            return 0.0  # also where what it says is not understood
        gone = self._gone.get(name)
        return self.sighted if gone is None else min(self.sighted, self._clock() - gone)

    def absence(self, name: str) -> Compare | None:
        """Holds in the store for as long as a node keeps no lease; None where it keeps one, as far as we know."""
        return None if live_key(name) in self.entries else Compare(key=live_key(name), revision=0)

    @property
    def lost(self) -> Problem | None:
        """Why the store cannot be followed now; None while it is."""
        return self._following.lost

    @property
    def all(self) -> Mapping[str, Node]:
        """Every node that is there, or that an operator has said something of. A live view."""
        return self._nodes

    @property
    def entries(self) -> Mapping[str, Entry]:
        """What is in the store below `nodes/`. A live view."""
        return self._following.entries

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is in the store and cannot be understood."""
        return tuple(self._faults[key] for key in sorted(self._faults))

    def facts(self) -> tuple[NodeFacts, ...]:
        """What placement needs to know of each node that has ever joined and is named now, by name."""
        for name in self._nodes.keys() - self._facts.keys():
            self._facts[name] = stocked(facts_of(self._nodes[name]), self.stock(name))
        return tuple(self._facts[name] for name in sorted(self._nodes))

    def stock(self, name: str) -> Stock:
        """What a node's engine holds; nothing of one that is gone."""
        node = self._nodes.get(name)
        return whole(self._stocks.get(name, {})) if node is not None and node.live is not None else Stock()

    async def order(self, name: str, said: Mapping[str, Any], *, who: str, why: str, when: float) -> int:
        """Store what an operator wants of a node, over what he wanted before; the revision. Raises NoSuchThing (T2305), Conflict
        (T1610) where it changed meanwhile, StoreError."""
        node = self._nodes.get(name)
        if node is None:
            raise NoSuchThing(_unknown(name, self._nodes))
        since = 0.0 if not said.get("drained", node.spec.drained) else node.spec.drained_since or when
        spec = replace(node.spec, **said, drained_since=since, who=who, why=why, when=when)
        put = Put(key=spec_key(name), value=json.encode(spec))
        revision = await self._store.txn((Compare(key=put.key, revision=node.revision),), (put,))
        if revision is None:
            raise Conflict(_hurried(name))
        return revision

    def _take(self, keys: set[str]) -> None:
        names: set[str] = set()
        seen: set[str] = set()
        for key in keys:
            node, kind, what = parse(key)
            self._facts.pop(node, None)
            if kind == "seen":
                seen.add(key)
            elif node:
                names.add(node)
                if kind == "stock":
                    self._count(node, what)
        for name in names:
            self._read(name)
        if names or not keys:
            self._changed(names)
        if seen or not keys:
            self._seen(seen)

    def _read(self, name: str) -> None:
        live, spec = (self.entries.get(key) for key in (live_key(name), spec_key(name)))
        if live is not None:
            self._there.add(name)
            self._gone.pop(name, None)
        elif name in self._there:
            self._there.discard(name)
            now = self._clock()
            self._gone = {each: at for each, at in self._gone.items() if at > now - REMEMBERED_SECONDS} | {name: now}
        if live is None and spec is None:
            self._nodes.pop(name, None)
            for key in (live_key(name), spec_key(name)):
                self._faults.pop(key, None)
            return
        self._nodes[name] = Node(
            name=name,
            live=self._understood(Live, live_key(name), live),
            spec=self._understood(Spec, spec_key(name), spec) or Spec(),
            revision=spec.revision if spec is not None else 0,
        )

    def _count(self, name: str, kind: str) -> None:
        """Read what a node says of one kind of thing."""
        key = stock_key(name, kind)
        part = self._understood(Stock, key, self.entries.get(key))
        parts = self._stocks.setdefault(name, {})
        if part is not None and kind in KINDS:
            parts[kind] = part
        else:
            parts.pop(kind, None)
        if not parts:
            del self._stocks[name]

    def _understood(self, kind: type[V], key: str, entry: Entry | None) -> V | None:
        found = read(kind, key, entry.value) if entry is not None else None
        if isinstance(found, Problem):
            self._faults[key] = found
            return None
        self._faults.pop(key, None)
        return found


def _is_leased(key: str) -> bool:
    """Whether a node says it, and not an operator of it."""
    return parse(key)[1] != "spec"


def facts_of(node: Node) -> NodeFacts:
    """A node as placement sees it; one that is gone is not ready."""
    live = node.live
    if live is None:
        spec = node.spec
        return NodeFacts(
            name=node.name,
            zone=node.zone,
            labels=node.labels,
            ready=False,
            drained=spec.drained,
            drained_since=spec.drained_since,
        )
    engine = live.engines[0] if live.engines else None
    return NodeFacts(
        name=node.name,
        id=engine.id if engine is not None else "",
        hostname=engine.hostname if engine is not None else "",
        platform=engine.platform if engine is not None else "",
        zone=node.zone,
        index=live.index,
        labels=node.labels,
        addresses=(live.address,) if live.address else (),
        capacity=Resources(cpu=live.cpus, memory=live.memory),
        drained=node.spec.drained,
        drained_since=node.spec.drained_since,
        incarnation=live.incarnation,
    )


def _unknown(name: str, known: Iterable[str]) -> Problem:
    return Problem(
        code="T2305",
        text=f"there is no node called {name}",
        mend=f"there are: {', '.join(sorted(known)) or 'none'}",
        kept="nothing was changed",
    )


def _hurried(name: str) -> Problem:
    return Problem(
        code="T1610",
        text=f"what is wanted of {name} was changed by someone else meanwhile",
        place=name,
        mend="look at it again, and repeat the change if it is still wanted",
        kept="nothing was changed",
    )
