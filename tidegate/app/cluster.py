"""Our node among others, where they share a store: its membership, what it tells them, what they tell it, and who leads."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tidegate import __version__
from tidegate.app.inquiry import Heard, Way, inquire, reach
from tidegate.app.peerkey import keep, kept
from tidegate.cluster.clocks import Clocks
from tidegate.cluster.identity import home, incarnation, memory_bytes, node_id
from tidegate.cluster.leadership import Holder, Leadership
from tidegate.cluster.live import Live, Machine, Node
from tidegate.cluster.membership import Membership
from tidegate.cluster.nodes import Nodes
from tidegate.cluster.others import Others
from tidegate.cluster.publisher import Publisher
from tidegate.cluster.secret import shared_secret
from tidegate.cluster.seen import Places
from tidegate.cluster.straits import Straits
from tidegate.config import Config
from tidegate.control.document import document
from tidegate.engine.port import Engine, EngineInfo
from tidegate.errors import EngineError, Problem, StoreError, TidegateError
from tidegate.model import Address, HealthReport
from tidegate.placement.node import NodeFacts
from tidegate.placement.stock import Stock
from tidegate.router.passport import FIGURES, LOGS, Asking
from tidegate.store.address import parse
from tidegate.store.port import Compare, Store
from tidegate.store.upkeep import keep_short
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

LOOK_SECONDS = 30.0  # between two looks at what the engines say of themselves
RETRY_SECONDS = 2.0
NO_PEER = "it is not there, or takes no connections from other nodes"

_log = logger("cluster")


class Cluster:
    """All of it, wired. `reports` is what our own checks say, a live view; `forget` takes the inventory of a node away that has gone;
    `told` is called with what happened, for people."""

    def __init__(
        self,
        config: Config,
        store: Store,
        engines: Sequence[tuple[str, Engine]],
        reports: Mapping[str, HealthReport],
        forget: Callable[[str], None],
        told: Callable[[str, str], object] = lambda _kind, _text: None,
    ) -> None:
        self._config = config
        self._store = store
        self._engines = engines
        self._told = told
        self._secret = b""  # until the store has told it
        self._infos: dict[str, EngineInfo] = {}  # of those that have answered
        folder = Path(config.state.folder)
        self._id, self._home = node_id(folder), home(folder)
        self._incarnation = incarnation()
        self._since = time.time()
        self._address = config.node.address or seen_from(config.state.store)
        name, rng = config.node.name, random.Random()  # noqa: S311  it spreads load, and guards nothing
        self.membership = Membership(store, name, self._live, clock=time.monotonic, rng=rng, changed=self._joined)
        holder = Holder(node=name, id=self._id, home=self._home, incarnation=self._incarnation)
        self.leadership = Leadership(store, holder, clock=time.monotonic, rng=rng, changed=self._turned)
        self.others = Others(name, forget)
        self.nodes = Nodes(store, time.monotonic, self._met, self.others.see, lambda: self.membership.is_doubtful)
        self.others.read(self.nodes)
        self.publisher = Publisher(store, name, lambda: self.membership.lease, reports, self._places)
        self.clocks = Clocks(name)
        self._odd: frozenset[str] = frozenset()  # whose clock was told to be off
        self.straits = Straits(lambda: store.problems, told, self._restored)
        self._blind: Problem | None = None  # why the store was not even read once
        self.met: list[Callable[[], None]] = []
        self._known: dict[str, str] = {}  # node -> its state, as told last

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong between us and the others now."""
        own = (self._blind, self.membership.problem)
        return (*(each for each in own if each is not None), *self.nodes.problems, *self.clocks.problems)

    # ----------------------------------------------------------------------------------------- what control asks of it

    alone = False

    @property
    def leader(self) -> str:
        """The node that leads; empty while none is known."""
        return self.leadership.leader

    @property
    def fence(self) -> Compare | None:
        """What each write of a leader compares; None while we do not lead."""
        return self.leadership.fence

    @property
    def cut_off(self) -> bool:
        """Whether others may take us for lost."""
        return self.membership.is_cut_off

    @property
    def has_name(self) -> bool:
        """Whether we are the node of our name."""
        return self.membership.has_name

    async def while_leading(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` whenever we lead."""
        await self.leadership.while_leading(name, work)

    def facts(self) -> Sequence[NodeFacts]:
        """What placement needs to know of each node."""
        return self.nodes.facts()

    def offer_stock(self, stock: Stock) -> None:
        """What our engine holds now."""
        self.publisher.offer_stock(stock)

    def sighted(self) -> float:
        """For how many seconds we have seen, without a gap, which nodes came and went."""
        return self.nodes.sighted

    def unseen(self, node: str) -> float:
        """For how many seconds we have known that a node was not there all the while."""
        return self.nodes.unseen(node)

    def absence(self, node: str) -> Compare | None:
        """Holds in the store for as long as a node is away."""
        return self.nodes.absence(node)

    def listed(self) -> Sequence[Mapping[str, Any]]:
        """One mapping per node, by name."""
        return [self._listed(node) for _, node in sorted(self.nodes.all.items())]

    def _listed(self, node: Node) -> dict[str, Any]:
        live = node.live or Live(id="", incarnation="")
        return {
            "name": node.name,
            "state": node.state,
            "zone": node.zone,
            "labels": node.labels,
            "leader": node.name == self.leader,
            "clock_ahead": round(self.clocks.off.get(node.name, 0.0), 1),
            "index": live.index,
            "address": live.address,
            "peer": str(live.peer) if live.peer is not None else "",
            "cpus": live.cpus,
            "memory": live.memory,
            "engines": [document(each) for each in live.engines],
            "version": live.version,
            "since": live.since,
            "incarnation": live.incarnation,
            "drained_by": node.spec.who if node.spec.drained else "",
            "why": node.spec.why,
        }

    def standing(self) -> Mapping[str, Any]:
        """How we stand among the others."""
        lost = self._blind or self.membership.problem or self.nodes.lost
        return {
            "leader": self.leader,
            "joined": self.membership.lease is not None,
            "index": self.membership.index,
            "nodes": sum(each.live is not None for each in self.nodes.all.values()),
            "lost": lost.text if lost is not None else "",
        }

    async def order(self, node: str, order: Mapping[str, Any], who: str, why: str) -> int:
        """Have an operator's will of a node stored."""
        return await self.nodes.order(node, order, who=who, why=why, when=time.time())

    def there(self) -> Collection[str]:
        """The other nodes that are there now."""
        return [name for name, node in self.nodes.all.items() if node.live is not None and name != self.membership.name]

    async def ask(self, node: str, question: bytes) -> bytes | str:
        """Ask the control of another node, through its router."""
        if (peer := self._peer_of(node)) is None:
            return NO_PEER
        return await inquire(peer, self._asking(node, FIGURES), self._secret, question, self._hearer(node))

    async def logs(self, node: str) -> Way:
        """A connection to another node's desk for logs."""
        if (peer := self._peer_of(node)) is None:
            raise _unreached(node, NO_PEER)
        try:
            return await reach(peer, self._asking(node, LOGS), self._secret, self._hearer(node))
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            raise _unreached(node, f"{peer}: {error or 'no answer in time'}") from error

    def _hearer(self, node: str) -> Heard:
        """Who hears what a node says of its clock."""

        def heard(ahead: float, within: float) -> None:
            self.clocks.measured(node, ahead, within)
            self.clocks.keep(self.there())
            self._tell_clocks()

        return heard

    def _tell_clocks(self) -> None:
        odd, before = {each.place: each for each in self.clocks.problems}, self._odd
        self._odd = frozenset(odd)
        for name in sorted(self._odd - before):
            self._told("node", f"{odd[name].text} ({odd[name].code}); {odd[name].mend}")
        for name in sorted(before - self._odd):
            self._told("node", f"the clock of {name} is not off any more")

    def _peer_of(self, node: str) -> Address | None:
        known = self.nodes.all.get(node)
        return known.live.peer if known is not None and known.live is not None else None

    def _asking(self, node: str, desk: str) -> Asking:
        return Asking(node=self.membership.name, to=node, service="", endpoint=desk, when=int(time.time()))

    # ------------------------------------------------------------------------------------------------------------- life

    async def run(self) -> None:
        """Be one of them until cancelled."""
        async with Tasks("cluster") as tasks:
            tasks.spawn("engines", self._look())
            if kept(Path(self._config.state.folder)):
                tasks.spawn("secret", self._learn())
            else:
                await self._learn()  # before anybody can ask us, or we them
            tasks.spawn("straits", self.straits.run())
            tasks.spawn("nodes", self.nodes.run())
            tasks.spawn("membership", self.membership.run())
            tasks.spawn("leadership", self.leadership.run())
            tasks.spawn("upkeep", self.leadership.while_leading("upkeep", lambda: keep_short(self._store)))
            tasks.spawn("publisher", self.publisher.run())

    # ------------------------------------------------------------------------------------------------------ who we are

    def _live(self) -> Live:
        node, first = self._config.node, next(iter(self._infos.values()), None)
        return Live(
            id=self._id,
            home=self._home,
            incarnation=self._incarnation,
            zone=node.zone,
            labels=node.label_values,
            cpus=first.cpus if first is not None else 0.0,
            memory=(first.memory if first is not None else 0) or memory_bytes(),
            address=self._address,
            peer=self._peer(),
            engines=tuple(
                Machine(name=name, id=info.id, hostname=info.name, version=info.version, platform=info.platform)
                for name, info in self._infos.items()
            ),
            version=__version__,
            since=self._since,
        )

    def _peer(self) -> Address | None:
        listening = next(iter(self._config.cluster.peers), None)
        if listening is None:
            return None
        host = self._address if listening.host in ("0.0.0.0", "::") else listening.host  # noqa: S104  compared, not bound
        return Address(host=host, port=listening.port) if host else None

    def _places(self) -> Places:
        return Places(address=self._address, peer=self._peer(), routable=self._config.cluster.routable)

    async def _look(self) -> None:
        """Ask the engines who they are, now and then; those that do not answer are asked again soon."""
        while True:
            for name, engine in self._engines:
                try:
                    info = await engine.info()
                except EngineError as error:
                    _log.debug("an engine does not say who it is", extra={"engine": name, "cause": str(error)})
                else:
                    self._infos[name] = info
            try:
                await self.membership.tell()
            except StoreError as error:
                _log.debug("could not tell who we are", extra={"cause": str(error)})
            await asyncio.sleep(LOOK_SECONDS if len(self._infos) == len(self._engines) else RETRY_SECONDS)

    async def _restored(self) -> None:
        """The store has forgotten what we said since it was saved, maybe the secret too."""
        self.publisher.retell()
        try:
            await self.membership.retell()
        except StoreError as error:
            _log.debug("could not tell again who we are", extra={"cause": str(error)})  # `_look` tries again
        await self._learn()

    async def _learn(self) -> None:
        """Have the workers know what the cluster's routers know each other by."""
        while True:
            try:
                secret = await shared_secret(self._store)
            except StoreError as error:
                self._blind = error.problems[0]
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._blind, self._secret = None, secret
                return await asyncio.to_thread(keep, Path(self._config.state.folder), secret)

    # ---------------------------------------------------------------------------------------------------- what happens

    def _joined(self) -> None:
        self.publisher.joined()
        out = self.membership.problem
        self._told("node", f"{self.membership.name} has joined the cluster" if out is None else out.text)

    def _turned(self) -> None:
        if self.leadership.leader:
            self._told("leader", f"{self.leadership.leader} leads the cluster")

    def _met(self, names: set[str]) -> None:
        self.others.meet(names)
        for name in names - {self.membership.name}:
            node = self.nodes.all.get(name)
            state = node.state if node is not None else "gone"
            if self._known.get(name, "gone") != state:
                self._told("node", f"{name} is {state}")
            self._known[name] = state
        for met in self.met:
            met()


def _unreached(node: str, cause: str) -> TidegateError:
    mend = "see tidegate ls nodes; on that node itself tidegate logs needs nobody else"
    return TidegateError(Problem(code="T2307", text=f"{node} cannot be asked", place=node, cause=cause, mend=mend))


def seen_from(store: str) -> str:
    """Our address on the way to the store: where other nodes that reach it most likely reach us. Empty where there is no way.
    Names are looked up, which may take a moment; no packet is sent."""
    host, _, port = parse(store).members[0].rpartition(":")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(place)
            return str(probe.getsockname()[0])
    except OSError:
        return ""
