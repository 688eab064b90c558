"""Images on their engine before a container is made of them: asked of a registry by the release's rule, once for all slots."""

from __future__ import annotations

import asyncio

from tidegate.engine.port import Engine, Image, PullStep
from tidegate.errors import NoSuchThing
from tidegate.release.image import Pin
from tidegate.release.spec import Pull
from tidegate.telemetry import logger

FETCHES_AT_ONCE = 3  # per process; what an engine itself does at once for one image

_log = logger("control.fetching")


class Fetching:
    """What is fetched now. One at a time for each engine and image: who else wants it waits, and finds it."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(FETCHES_AT_ONCE)
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._waiting: dict[tuple[str, str], int] = {}
        self._steps: dict[tuple[str, str], PullStep] = {}
        self._fetched: dict[tuple[str, str, str], None] = {}  # (engine, image, for whom), latest last

    def step(self, engine: str, image: str) -> PullStep | None:
        """How far the fetching of the image is on the engine of this name; None where nobody fetches it."""
        return self._steps.get((engine, image))

    def steps(self, engine: str) -> dict[str, PullStep]:
        """How far each image is that the engine of this name fetches now."""
        return {image: step for (where, image), step in self._steps.items() if where == engine}

    async def ensure(self, engine: Engine, image: str, pull: Pull, whom: str) -> Image:
        """The image on `engine`; with ALWAYS it is asked for once for each `whom`. Raises what the engine does."""
        key = (engine.name, image)
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            async with self._locks.setdefault(key, asyncio.Lock()):
                return await self._ensure(engine, image, pull, whom)
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._locks[key]

    async def hold(self, engine: Engine, pin: Pin, image: str, pull: Pull, whom: str) -> None:
        """Have this very image on `engine`, whatever its tag stands for now: where it is gone it is fetched again by what registries call
        it. Raises what the engine does."""
        try:
            await engine.image(pin.id)
        except NoSuchThing:
            if pull is Pull.NEVER:
                raise
            await self.ensure(engine, next(iter(pin.digests), image), Pull.MISSING, whom)

    async def _ensure(self, engine: Engine, image: str, pull: Pull, whom: str) -> Image:
        done = (engine.name, image, whom)
        if pull is not Pull.ALWAYS or done in self._fetched:
            try:
                return await engine.image(image)
            except NoSuchThing:
                if pull is Pull.NEVER:
                    raise
        await self._fetch(engine, image)
        self._fetched[done] = None
        while len(self._fetched) > 100:
            del self._fetched[next(iter(self._fetched))]
        return await engine.image(image)

    async def _fetch(self, engine: Engine, image: str) -> None:
        key = (engine.name, image)
        _log.info("fetching image %s", image, extra={"engine": engine.name})
        async with self._places:
            try:
                async for step in engine.pull(image):
                    self._steps[key] = step
            finally:
                self._steps.pop(key, None)
        _log.info("image %s is there", image, extra={"engine": engine.name})
