"""The leader's loop: reads what is wanted, placed and reported of stacks, and writes the places that there should be.

What to do is decided by `placement.planning`, anew after each write, when anything changed, and when the last plan says. It is written in
an order in which anything may be the last that is written: what is remembered, what is taken away, what is placed. Where it is cut off in
between, whoever leads next goes on from there. On one host the leader is that host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from msgspec.structs import replace

from tidegate.control.journal import Journal
from tidegate.control.ports import Carrying
from tidegate.control.stackbook import StackBook
from tidegate.errors import Conflict, StoreError
from tidegate.placement.node import NodeFacts
from tidegate.placement.planning import Plan, plan
from tidegate.placement.replica import Carried, Place
from tidegate.placement.reschedule import WINDOW
from tidegate.placement.scene import Scene
from tidegate.stacks.picture import Picture
from tidegate.store.port import Compare
from tidegate.telemetry import logger

SETTLE_SECONDS = 0.05  # of quiet, so that what is written together is decided together
RETRY_SECONDS = 1.0
REST_SECONDS = 60.0

Guards = Mapping[tuple[str, int], tuple[Compare, ...]]  # by service and slot

_log = logger("control.placing")


class Placing:
    """`nodes` are all nodes that are known now, `held` the services that releases move. `alone`: there is no other node than this one.
    `wall` gives seconds since the epoch, `sighted` for how many seconds it was seen who came and went,
    `unseen` for how many a node was surely not there, `absence` gives what holds in the store for as long as it is not. `carrying` is asked when some of several replicas are to go.
    `refusals` says by service what of it cannot be done, and why."""

    def __init__(
        self,
        book: StackBook,
        journal: Journal,
        *,
        nodes: Callable[[], Iterable[NodeFacts]],
        held: Callable[[], Collection[str]],
        wall: Callable[[], float],
        carrying: Carrying,
        alone: bool = True,
        sighted: Callable[[], float] = lambda: 0.0,
        unseen: Callable[[str], float] = lambda _: 0.0,
        absence: Callable[[str], Compare | None] = lambda _: None,
    ) -> None:
        self._book = book
        self._journal = journal
        self._nodes = nodes
        self._held = held
        self._wall = wall
        self._carrying = carrying
        self._alone = alone
        self._sighted = sighted
        self._unseen = unseen
        self._absence = absence
        self._leads_since = 0.0  # since when we know who is gone; set when we begin to lead; alone, always
        self._remembers = False  # whether what former leaders remembered was read, since then
        self._rounds = 0
        self._said: frozenset[str] = frozenset()  # what was told of the last plan
        self.refusals: Mapping[str, str] = {}
        self._wakeup = asyncio.Event()
        book.changed.append(self._wakeup.set)

    def wake(self) -> None:
        """Look soon: a node came, went, or says something else of itself."""
        self._wakeup.set()

    async def run(self) -> None:
        """Decide until cancelled: for as long as we lead."""
        self.begin()
        while True:
            self._wakeup.clear()
            due = await self.turn()
            if due is None:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                async with asyncio.timeout(min(max(due - self._wall(), SETTLE_SECONDS), REST_SECONDS)):
                    await self._wakeup.wait()
                    await asyncio.sleep(SETTLE_SECONDS)
            except TimeoutError:
                continue

    def begin(self) -> None:
        """We lead from now on."""
        self._leads_since = 0.0 if self._alone else self._wall() - self._sighted()
        self._remembers = False

    async def turn(self) -> float | None:
        """One decision, written. When the next one is due though nothing happens, in seconds since the epoch; None where it could not
        be written: something of it was not so any more, or we do not lead."""
        carried = (
            await self._spare()
        )  # first: whatever changes meanwhile, the decision is made from what is so afterwards
        nodes = tuple(self._nodes())
        if not self._book.known or not (nodes or self._alone):
            return self._wall() + RETRY_SECONDS
        picture = self._book.picture
        try:
            if not self._remembers:
                await self._book.remembering.load()
                self._remembers = True
            for stack in picture.stacks.values():
                if picture.cleared(stack, nodes):
                    await self._forget(stack.name)
            if not nodes:
                return self._wall() + REST_SECONDS
            return await self._round(picture, nodes, carried)
        except Conflict:
            self._remembers = False
        except StoreError as error:
            _log.warning("places cannot be written", extra={"cause": str(error)})
        return None

    async def _spare(self) -> Mapping[str, Carried]:
        """What those containers carry of which some are to go."""
        containers = self._book.picture.surplus(self._held()) if self._book.known else ()
        return await self._carrying(containers) if containers else {}

    async def _round(self, picture: Picture, nodes: tuple[NodeFacts, ...], carried: Mapping[str, Carried]) -> float:
        """Raises Conflict, StoreError."""
        if self._alone and (strangers := picture.elsewhere(nodes)):
            # Of another name of this host: there is nobody who would come back.
            await self._book.places.commit(dict.fromkeys(strangers))
            return self._wall()
        self._rounds += 1
        now = self._wall()
        scene = replace(picture.scene(nodes, self._held(), carried), unseen=self._absent(picture, nodes, now))
        guards = self._guards(picture, scene)
        decided = plan(scene, self._book.remembering.memory, now, self._rounds, self._leads_since)
        await self._book.remembering.commit(decided)
        await self._write(decided.deletes, guards, gone=True)
        await self._write(decided.places, guards)
        self._tell(decided, picture.places)
        return min((decided.again_at, *self._windows(now)))

    def _windows(self, now: float) -> Iterator[float]:
        """When the windows end in which moves because of failures count for their common rate: what it held back may go then, and a plan
        says so only of the time at which it was made."""
        moved = self._book.remembering.memory.ledger.rescheduled
        return (when + WINDOW for when, _ in moved if when + WINDOW > now)

    def _absent(self, picture: Picture, nodes: tuple[NodeFacts, ...], now: float) -> dict[str, float]:
        """Since when those nodes are gone that have places, in seconds since the epoch."""
        away = {each.node for each in picture.places.values()} - {each.name for each in nodes if each.ready}
        return {node: now - self._unseen(node) for node in away}

    async def _write(self, places: Iterable[Place], guards: Guards, *, gone: bool = False) -> None:
        """Write these places, or take them away. Raises Conflict, StoreError."""
        groups: dict[tuple[Compare, ...], dict[str, Place | None]] = {}
        for each in places:
            groups.setdefault(guards.get((each.service, each.slot), ()), {})[each.key] = None if gone else each
        for given, group in groups.items():
            await self._book.places.commit(group, given)

    def _guards(self, picture: Picture, scene: Scene) -> Guards:
        """What has to hold where a slot that must not run twice is placed anew, or its place is taken away: that the nodes which it
        leaves are still away when it is written. One that came back since may run it again, and then all is decided anew."""
        absences = {node: self._absence(node) for node in scene.unseen}
        shared = {each.service for each in scene.demands if not each.exclusive}
        guards: dict[tuple[str, int], tuple[Compare, ...]] = {}
        for each in picture.places.values() if absences else ():
            absence = absences.get(each.node)
            if absence is not None and each.service not in shared:
                guards[each.service, each.slot] = (*guards.get((each.service, each.slot), ()), absence)
        return guards

    async def _forget(self, stack: str) -> None:
        """A stack of which nothing is left. Its scales go first: without it nobody would look for them."""
        scales = [key for key in self._book.scales.entries if key.startswith(f"{stack}/")]
        await self._book.scales.commit(dict.fromkeys(scales))
        await self._book.stacks.commit({stack: None})
        self._journal.tell("stack", f"stack {stack} is gone")

    def _tell(self, decided: Plan, before: Mapping[str, Place]) -> None:
        """What happens; and what does not, once for as long as that is so."""
        for place in decided.places:
            if place.leaving:
                self._journal.tell("stack", f"{place.key} leaves {place.node}", why=place.why)
            elif place.key not in before:
                self._journal.tell("stack", f"{place.key} is placed on {place.node}", why=place.why)
        refused = {each.service: each.text for each in reversed(decided.refusals)}
        self.refusals = {each.service: each.what for each in decided.notes if each.service} | refused
        said = {each.what: each.what for each in decided.notes} | {
            f"{name} waits": text for name, text in refused.items()
        }
        for what, text in said.items():
            if what not in self._said:
                self._journal.tell("stack", text)
        self._said = frozenset(said)
