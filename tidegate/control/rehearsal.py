"""Whether the engines could make the containers of a release: asked before it begins, so that it fails early or not at all."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.control.duplicates import duplicate
from tidegate.control.engines import Engines
from tidegate.errors import NoSuchThing, Problem
from tidegate.release.acts import Create
from tidegate.release.record import Release
from tidegate.release.spec import Pull


class Rehearsal:
    """Asks the engines of all slots; nothing is changed there."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def warnings(self, release: Release) -> tuple[Problem, ...]:
        """What the copies would not have of their originals. Raises what making them would: EngineError, NoSuchThing. An image
        that is still to be fetched is no fault."""
        spec = release.spec
        found: dict[Problem, None] = {}
        for number in range(1, min(len(spec.slots), spec.replicas) + 1):
            slot = spec.slot(number)
            act = Create(name=spec.container_name(number), number=number, source=slot.container, node=slot.node)
            engine = self._engines.at(slot.node)
            source = await engine.inspect(slot.container)
            change = duplicate(release, act, source.labels)
            try:
                told = await engine.rehearse(slot.container, change)
            except NoSuchThing as error:
                if spec.change.pull is Pull.NEVER or error.problems[0].code != "T1150":
                    raise
                # What the copy would lack does not depend on its image.
                told = await engine.rehearse(slot.container, replace(change, image="", image_id=""))
            found |= dict.fromkeys(told)
        return tuple(found)
