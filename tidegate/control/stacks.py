"""Stacks on this node: their book, the leader's loop, and the node's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tidegate.control.agent import Agent, ServingPort
from tidegate.control.journal import Journal
from tidegate.control.placing import Placing
from tidegate.control.ports import OthersPort
from tidegate.control.releases import Releases
from tidegate.control.stackbook import StackBook
from tidegate.control.stacklogs import Source
from tidegate.engine.port import Engine
from tidegate.placement.node import NodeFacts
from tidegate.store.port import Store
from tidegate.tasks import Tasks

LINGER_SECONDS = 5.0  # among many nodes; what one's routers have in flight the others do not know


class Stacks:
    """Without an engine there is no agent here, and the node takes no replicas. `wall` gives seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        node: NodeFacts,
        engine: Engine | None,
        serving: ServingPort,
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
        linger = 0.0 if others.alone else LINGER_SECONDS
        self.agent = None if engine is None else Agent(node.name, engine, self.book, serving, journal, wall, linger)
        self.placing = Placing(self.book, journal, nodes=self._nodes, held=self._held, wall=wall, alone=others.alone)
        others.met.append(self.placing.wake)

    async def run(self) -> None:
        """Until cancelled."""
        async with Tasks("stacks") as tasks:
            tasks.spawn("book", self.book.run())
            tasks.spawn("placing", self._others.while_leading("placing", self.placing.run))
            if self.agent is not None:
                tasks.spawn("agent", self.agent.run())

    def built(self) -> None:
        """A table was built: somebody may be ready now, or gone."""
        if self.agent is not None and self.book.places.entries:
            self.agent.wake()

    def sources(self, service: str) -> tuple[Source, ...]:
        """The containers of a service on this node, for who wants their output."""
        if self._engine is None:
            return ()
        picture = self.book.picture
        mine = [place for place in picture.of(service) if place.node == self._node.name]
        return tuple(
            Source(
                replica=f"{place.slot}.{place.generation}",
                container=picture.report(place).container,
                engine=self._engine,
            )
            for place in mine
            if picture.report(place).container
        )

    def _nodes(self) -> Iterable[NodeFacts]:
        if not self._others.alone:
            return self._others.facts()
        return (self._node,) if self._engine is not None else ()

    def _held(self) -> frozenset[str]:
        """Services that a release moves now."""
        return frozenset(each.spec.service for each in self._releases.book.records if not each.closed)
