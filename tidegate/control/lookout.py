"""What engines say of the containers of a release, looked at for this very question.

The inventory is not enough: an engine tells of no container that was created and never started, and events come late or not
at all where a crash matters. Cost: one list for each engine and one inspect for each container of the release, per look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from tidegate.control.duplicates import RELEASE_LABEL, mark, slot_of
from tidegate.control.engines import Engines
from tidegate.engine.port import ContainerDetail
from tidegate.errors import EngineError, NoSuchThing
from tidegate.model import InstanceState
from tidegate.release.record import Release
from tidegate.release.seen import Container
from tidegate.tasks import Tasks

LOOKS_AT_ONCE = 8
LOOK_SECONDS = 10.0


class Lookout:
    """Looks at containers through their engines."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def look(self, release: Release, known: Iterable[tuple[str, str]]) -> dict[str, Container] | None:
        """Containers by id: those of `known`, (node, id) each, that are still there, and all that the release made, with
        their numbers. None while an engine that matters does not answer: nobody may conclude anything then.

        `ready_since` and `idle` are not the engine's to say.
        """
        wanted = {(node, container) for node, container in known if self._engines.known(node)}
        nodes = {node for node, _ in wanted} | {slot.node for slot in release.spec.slots}
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                for node in {self._engines.name(node) for node in nodes} if release.spec.creates else ():
                    rows = await self._engines.at(node).list()
                    wanted |= {(node, row.id) for row in rows if row.labels.get(RELEASE_LABEL) == mark(release)}
                return await self._facts(release, {container: node for node, container in wanted})
        except (EngineError, TimeoutError):
            return None

    async def _facts(self, release: Release, wanted: Mapping[str, str]) -> dict[str, Container]:
        places = asyncio.Semaphore(LOOKS_AT_ONCE)
        seen: dict[str, Container] = {}
        failed: list[EngineError] = []

        async def look(container: str, node: str) -> None:
            async with places:
                try:
                    seen[container] = fact(release, node, await self._engines.at(node).inspect(container))
                except NoSuchThing:
                    return
                except EngineError as error:
                    failed.append(error)

        async with Tasks("control.lookout") as tasks:
            for container, node in wanted.items():
                tasks.spawn(container[:12], look(container, node))
        if failed:
            raise failed[0]
        return seen


def fact(release: Release, node: str, detail: ContainerDetail) -> Container:
    """One container as the release sees it. One between two lives counts as running: it will, unless it is stopped."""
    return Container(
        id=detail.id,
        name=detail.name,
        number=slot_of(release, detail.labels),
        node=node,
        state=InstanceState.RUNNING if detail.restarting else detail.state,
        restarts=detail.restarts,
        out_of_memory=detail.oom_killed,
        exit_code=detail.exit_code,
    )
