"""Stacks on this node: their book, the leader's loop, and the node's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from tidegate.control.agent import Agent
from tidegate.control.fence import Fence
from tidegate.control.journal import Journal
from tidegate.control.latest import latest
from tidegate.control.logdesk import There
from tidegate.control.placing import Placing
from tidegate.control.ports import OthersPort
from tidegate.control.refusal import Refused
from tidegate.control.releases import Releases
from tidegate.control.serving import Serving
from tidegate.control.stackbook import StackBook
from tidegate.control.stacklogs import Here, Source
from tidegate.control.stocktaking import Stocktaking
from tidegate.engine.port import Engine
from tidegate.engine.process import ProcessEngine
from tidegate.engine.process_lacks import lacking, unable
from tidegate.errors import Problem
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Place, State
from tidegate.placement.stock import Stock
from tidegate.release.seen import Fetching
from tidegate.stacks.resolving import unheard
from tidegate.stacks.stack import Stack
from tidegate.store.port import Store
from tidegate.tasks import Tasks

_RUNS = (State.STARTING, State.READY, State.UNHEALTHY)
STOCK_SECONDS = 5.0  # that the first decision waits for an engine to say what it holds
LINGER_SECONDS = 5.0  # among many nodes; what one's routers have in flight the others do not know


class Stacks:
    """Without an engine there is no agent here, and the node takes no replicas. `wall` gives seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        node: NodeFacts,
        engine: Engine | None,
        serving: Serving,
        releases: Releases,
        journal: Journal,
        wall: Callable[[], float],
        others: OthersPort,
    ) -> None:
        self._others = others
        self.book = StackBook(store, lambda: others.fence)
        self.journal = journal
        self._engine = engine
        self._node = node
        self._releases = releases
        self.agent: Agent | None = None
        self.stock: Stocktaking | None = None
        self._loops: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = []  # of a node that takes replicas
        self.placing = Placing(
            self.book,
            journal,
            nodes=self.nodes,
            held=self._held,
            wall=wall,
            carrying=serving.carried,
            alone=others.alone,
            sighted=others.sighted,
            unseen=others.unseen,
            absence=others.absence,
        )
        others.met.append(self.placing.wake)
        if engine is not None:
            linger = 0.0 if others.alone else LINGER_SECONDS
            agent = Agent(
                node.name,
                engine,
                self.book,
                serving,
                journal,
                wall,
                linger,
                cut_off=lambda: others.cut_off,
                has_name=lambda: others.has_name,
            )
            fence = Fence(engine, lambda: agent.deeds.owner, lambda: others.cut_off, journal, lambda: self.book.picture)
            self.agent, self.stock = agent, Stocktaking(engine, agent.owner, self._restocked)
            self._loops = [("agent", agent.run), ("stock", self.stock.run), ("fence", fence.run)]

    async def run(self) -> None:
        """Until cancelled."""
        async with Tasks("stacks") as tasks:
            tasks.spawn("book", self.book.run())
            tasks.spawn("placing", self._lead())
            for name, loop in self._loops:
                tasks.spawn(name, loop())

    def built(self) -> None:
        """A table was built: somebody may be ready now, or gone."""
        if self.agent is not None and self.book.places.entries:
            self.agent.wake()

    @property
    def names(self) -> frozenset[tuple[str, str]]:
        """(`stack` or `member`, name) of all; a member's key, and its own name where no other stack has it."""
        stacks = self.book.stacks.entries
        keys = [f"{stack.name}/{member.name}" for stack in stacks.values() for member in stack.members]
        short = Counter(key.partition("/")[2] for key in keys)
        members = [*keys, *(name for name, count in short.items() if count == 1)]
        return frozenset((*(("stack", name) for name in stacks), *(("member", name) for name in members)))

    @property
    def fetches(self) -> tuple[Fetching, ...]:
        """Images on their way to the engine of this node."""
        if self.agent is None or self._engine is None:
            return ()
        steps = self.agent.deeds.fetching.steps(self._engine.name)
        return tuple(
            Fetching(
                node=self._node.name,
                image=image,
                said=step.said,
                layers_done=step.layers_done,
                layers=step.layers,
                done_bytes=step.done_bytes,
                total_bytes=step.total_bytes,
            )
            for image, step in steps.items()
        )

    def lacks(self, stack: Stack) -> tuple[Problem, ...]:
        """What its replicas would do without here. Raises Refused where there is nowhere else and some could not run at all."""
        if not isinstance(self._engine, ProcessEngine):
            return unheard(stack, self.agent.deeds.listeners) if self.agent is not None else ()
        templates = [member.template for member in stack.members]
        unfit = [problem for problem in map(unable, templates) if problem is not None]
        if unfit and self._others.alone:
            raise Refused(422, *unfit)
        return tuple(problem for template in templates for problem in lacking(template))

    async def latest(self, stack: Stack) -> Stack:
        """The stack bound to the images that its names stand for now, where it is to have the latest. Raises what the engine does."""
        return stack if self._engine is None else await latest(stack, self._engine)

    def sources(self, service: str) -> tuple[Source, ...]:
        """Where the output of a service's replicas is, or of a stack's."""
        nodes = dict.fromkeys(place.node for place in self._places(service))
        there = (There(node=node, others=self._others) for node in nodes if node != self._node.name)
        return (*self.here(service), *there)

    def here(self, service: str) -> tuple[Here, ...]:
        """Those of this node, each a container."""
        if self._engine is None:
            return ()
        picture, engine = self.book.picture, self._engine
        mine = [(place, picture.report(place)) for place in self._places(service) if place.node == self._node.name]
        return tuple(
            Here(
                key=report.container,
                node=place.node,
                service=place.service,
                replica=f"{place.slot}.{place.generation}",
                lives=report.state in _RUNS,
                engine=engine,
            )
            for place, report in mine
            if report.container
        )

    def _places(self, service: str) -> tuple[Place, ...]:
        stack, slash, _ = service.partition("/")
        return self.book.picture.of(service) if slash else self.book.picture.within(stack)

    def _restocked(self, stock: Stock) -> None:
        """Our engine holds something else than before."""
        self._others.offer_stock(stock)
        self.placing.wake()

    async def _lead(self) -> None:
        if self.stock is not None:
            await self.stock.once(STOCK_SECONDS)
        await self._others.while_leading("placing", self.placing.run)

    def nodes(self) -> Iterable[NodeFacts]:
        """All that are known, as placement sees them."""
        if not self._others.alone:
            return self._others.facts()
        return (self.stock.of(self._node),) if self.stock is not None else ()

    def held_by(self, service: str) -> str:
        """In words who moves a service now, where placement does not; empty where it does."""
        return (
            f"a release of {service} is under way, and says where its replicas are" if service in self._held() else ""
        )

    def _held(self) -> frozenset[str]:
        """Services that a release moves now."""
        return frozenset(each.spec.service for each in self._releases.book.records if not each.closed)
