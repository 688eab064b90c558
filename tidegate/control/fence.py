"""Stops what must not run twice, where this node may soon be taken for lost.

Whoever leads may start an exclusive replica elsewhere as soon as our lease has ended, its time to stop is over, and two seconds more. So
we begin to stop it `membership.FENCE_SECONDS` before our lease can end, counted from our last word that the store has heard. It is taken
away, not only stopped: what comes back then is made anew, and nothing else starts it. The containers are found by their labels, since a
program that was started while the store is away knows nothing else of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from tidegate.control.journal import Journal
from tidegate.engine.port import ContainerSummary, Engine
from tidegate.errors import EngineError, NoSuchThing
from tidegate.stacks.extensions import is_exclusive
from tidegate.stacks.naming import OWNER_LABEL, PLACE_LABEL
from tidegate.stacks.picture import Picture
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

LOOK_SECONDS = 0.5

_log = logger("control.fence")


class Fence:
    """`cut_off` tells whether the node may be taken for lost; `owner` gives the name of the store whose replicas are ours, empty while
    it is not known: then every replica is taken for ours. `picture` is what the store says of stacks, as far as it is known."""

    def __init__(
        self,
        engine: Engine,
        owner: Callable[[], str],
        cut_off: Callable[[], bool],
        journal: Journal,
        picture: Callable[[], Picture],
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._cut_off = cut_off
        self._journal = journal
        self._picture = picture
        self._busy: set[str] = set()  # containers that are being stopped

    async def run(self) -> None:
        """Until cancelled."""
        async with Tasks("fence") as tasks:
            while True:
                if self._cut_off():
                    await self._look(tasks)
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, tasks: Tasks) -> None:
        try:
            rows = await self._engine.list()
        except EngineError as error:
            _log.warning("what must not run here cannot be found", extra={"cause": str(error)})
            return
        picture = self._picture()
        for row in rows:
            if row.id not in self._busy and self._is_ours(row.labels, picture):
                self._busy.add(row.id)
                tasks.spawn(row.id[:12], self._take_away(row))

    def _is_ours(self, labels: Mapping[str, str], picture: Picture) -> bool:
        owner = self._owner()
        mine = PLACE_LABEL in labels and (not owner or labels.get(OWNER_LABEL) == owner)
        return mine and (is_exclusive(labels) or picture.exclusive(labels[PLACE_LABEL]))

    async def _take_away(self, row: ContainerSummary) -> None:
        key = row.labels[PLACE_LABEL]
        self._journal.tell("stack", f"{key} is stopped", why="this node is cut off, and it must not run twice")
        try:
            await self._engine.keep_stopped(row.id)
            await self._engine.stop(row.id)
            await self._engine.remove(row.id, force=True)
        except NoSuchThing:
            return
        except EngineError as error:
            _log.warning("what must not run here cannot be stopped", extra={"place": key, "cause": str(error)})
        finally:
            self._busy.discard(row.id)
