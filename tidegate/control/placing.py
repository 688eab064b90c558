"""The leader's loop: reads what is wanted, placed and reported of stacks, and writes the places that there should be.

It remembers nothing: after each write, and after a start, it decides anew from what the store says. Where it is cut off between two
writes, whoever leads next goes on from there. On one host the leader is that host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping

from msgspec.structs import replace

from tidegate.control.journal import Journal
from tidegate.control.stackbook import StackBook
from tidegate.errors import Conflict, StoreError
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Place
from tidegate.stacks.choosing import Chooser
from tidegate.stacks.deciding import Scene, decide
from tidegate.stacks.picture import Picture
from tidegate.telemetry import logger

SETTLE_SECONDS = 0.05  # of quiet, so that what is written together is decided together
LOOK_SECONDS = 1.0  # while something is under way: a time may be over
REST_SECONDS = 30.0

_log = logger("control.placing")

GRACE_SECONDS = 10.0  # after another leader: nodes may be about to join again, too


class Placing:
    """`nodes` are all nodes that are known now, `held` the services that releases move. `alone`: there is no other node than this one.
    `wall` gives seconds since the epoch. `refusals` says by service why a slot has no node."""

    def __init__(
        self,
        book: StackBook,
        journal: Journal,
        *,
        nodes: Callable[[], Iterable[NodeFacts]],
        held: Callable[[], Collection[str]],
        wall: Callable[[], float],
        alone: bool = True,
    ) -> None:
        self._book = book
        self._journal = journal
        self._nodes = nodes
        self._held = held
        self._wall = wall
        self._alone = alone
        self._grace_until = 0.0  # set when we begin to lead
        self.refusals: Mapping[str, str] = {}
        self._wakeup = asyncio.Event()
        book.changed.append(self._wakeup.set)

    async def run(self) -> None:
        """Decide until cancelled: for as long as we lead."""
        self._grace_until = 0.0 if self._alone else self._wall() + GRACE_SECONDS
        while True:
            self._wakeup.clear()
            moving = await self._turn()
            try:
                async with asyncio.timeout(LOOK_SECONDS if moving else REST_SECONDS):
                    await self._wakeup.wait()
                    await asyncio.sleep(SETTLE_SECONDS)
            except TimeoutError:
                continue

    async def _turn(self) -> bool:
        """One decision, written. Whether there is more to come."""
        if not self._book.known:
            return True
        nodes = tuple(self._nodes())
        if not self._alone and (not nodes or self._wall() < self._grace_until):
            return True
        picture = self._book.picture
        scene = replace(picture.scene(nodes, self._held()), alone=self._alone)
        chooser = self._chooser(scene, picture)
        changes = decide(scene, chooser, self._wall())
        self.refusals = chooser.refusals
        over = [stack.name for stack in picture.stacks.values() if picture.cleared(stack, nodes)]
        try:
            await self._book.places.commit(changes)
            for name in over:
                await self._forget(name)
        except Conflict:
            self._wakeup.set()
            return True
        except StoreError as error:
            _log.warning("places cannot be written", extra={"cause": str(error)})
            return True
        self._tell(changes, picture.places)
        unsettled = any(not each.ready or not each.staying for each in scene.replicas)
        old = any(
            each.service in scene.wanted and each.revision != scene.wanted[each.service].demand.revision
            for each in scene.replicas
        )
        return bool(changes or over or unsettled or old or chooser.refusals)

    def _chooser(self, scene: Scene, picture: Picture) -> Chooser:
        """Equal nodes are taken in an order that stays for as long as the stacks do."""
        seed = sum(stack.number for stack in picture.stacks.values())
        demands = (wanted.demand for wanted in scene.wanted.values())
        return Chooser(scene.nodes, demands, self._wall(), seed)

    async def _forget(self, stack: str) -> None:
        """A stack of which nothing is left. Its scales go first: without it nobody would look for them."""
        scales = [key for key in self._book.scales.entries if key.startswith(f"{stack}/")]
        await self._book.scales.commit(dict.fromkeys(scales))
        await self._book.stacks.commit({stack: None})
        self._journal.tell("stack", f"stack {stack} is gone")

    def _tell(self, changes: Mapping[str, Place | None], before: Mapping[str, Place]) -> None:
        for key, place in changes.items():
            if place is None:
                continue
            if place.leaving:
                self._journal.tell("stack", f"{key} leaves {place.node}", why=place.why)
            elif key not in before:
                self._journal.tell("stack", f"{key} is placed on {place.node}", why=place.why)
