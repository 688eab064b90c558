"""The leader's loop: reads what is wanted, placed and reported of stacks, and writes the places that there should be.

It remembers nothing: after each write, and after a start, it decides anew from what the store says. Where it is cut off between two
writes, whoever leads next goes on from there. On one host the leader is that host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping

from tidegate.control.journal import Journal
from tidegate.control.stackbook import StackBook
from tidegate.errors import Conflict, StoreError
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Place
from tidegate.stacks.deciding import Choose, decide, here
from tidegate.telemetry import logger

SETTLE_SECONDS = 0.05  # of quiet, so that what is written together is decided together
LOOK_SECONDS = 1.0  # while something is under way: a time may be over
REST_SECONDS = 30.0

_log = logger("control.placing")

MakeChoice = Callable[[Iterable[NodeFacts]], Choose]


class Placing:
    """`nodes` are all nodes that are known now, `held` the services that releases move. `wall` gives seconds since the epoch."""

    def __init__(
        self,
        book: StackBook,
        journal: Journal,
        *,
        nodes: Callable[[], Iterable[NodeFacts]],
        held: Callable[[], Collection[str]],
        wall: Callable[[], float],
        choice: MakeChoice = here,
    ) -> None:
        self._book = book
        self._journal = journal
        self._nodes = nodes
        self._held = held
        self._wall = wall
        self._choice = choice
        self._wakeup = asyncio.Event()
        book.changed.append(self._wakeup.set)

    async def run(self) -> None:
        """Decide until cancelled."""
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
        picture = self._book.picture
        scene = picture.scene(nodes, self._held())
        changes = decide(scene, self._choice(nodes), self._wall())
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
        return bool(changes or over or unsettled or old)

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
