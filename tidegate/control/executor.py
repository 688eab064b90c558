"""Carries out what releases want done to containers, each act on the engine where its container is.

Acts are asked for again and again, until what is seen makes them unnecessary: so one that is on its way is not begun twice,
one that failed waits longer each time, and one that nobody wants any more is forgotten. Nothing is stored here. A failure
becomes a `Fault` that the release sees at its next look; only our own bugs leave as exceptions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from tidegate.control.duplicates import duplicate, mark
from tidegate.control.engines import Engines
from tidegate.control.fetching import Fetching
from tidegate.engine.port import ContainerDetail, Engine, PullStep
from tidegate.errors import EngineError, EngineUnreachable, NoSuchThing, Problem, TidegateError
from tidegate.release.acts import Act, Create, Fetch, Remove, Start, Stop
from tidegate.release.image import Pin
from tidegate.release.record import Release
from tidegate.release.seen import Fault
from tidegate.release.seen import Fetching as Fetched
from tidegate.release.spec import Retire
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics, NullMetrics, logger

ACTS_AT_ONCE = 8  # per engine
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0
HOPELESS_AFTER = 4  # failures in a row of one act, each of them the engine's own refusal
# No image, a port or a stack that is taken, a name, a tag or a container that is another's: trying again changes nothing.
_LASTING = frozenset({"T1150", "T1152", "T1153", "T1154", "T1155", "T1157", "T1158", "T1159", "T1160"})

WAITING = PullStep(said="waiting")

_log = logger("control.executor")

_Key = tuple[str, str, str]  # whose release, what, container


class _Work(Struct):
    """What is known of one act. `again_at` is the loop's time before which it is not tried again."""

    running: bool = False
    tries: int = 0
    again_at: float = 0.0
    fault: Fault | None = None


class Executor:
    """Acts of all releases. `wake` is called with a service when one of its acts has ended."""

    def __init__(
        self, engines: Engines, tasks: Tasks, wake: Callable[[str], None], metrics: Metrics | None = None
    ) -> None:
        self._engines = engines
        self._tasks = tasks
        self._wake = wake
        self._metrics = metrics or NullMetrics()
        self._works: dict[_Key, _Work] = {}
        self._places: dict[str, asyncio.Semaphore] = {}
        self._fetching = Fetching()
        self._images: dict[str, dict[str, Pin]] = {}  # by release and node: what was found, until the record has it

    def carry_out(self, release: Release, wanted: Iterable[Act]) -> None:
        """Begin those of `wanted` that are not on their way and whose turn it is. To be called again at every look, which is
        at least once a second, with all that is still wanted of the release."""
        acts = {_key(release, act): act for act in wanted}
        self._forget(mark(release), set(acts))
        if not release.lacking:
            self._images.pop(mark(release), None)
        now = asyncio.get_running_loop().time()
        for key, act in acts.items():
            work = self._works.setdefault(key, _Work())
            if not work.running and now >= work.again_at:
                work.running = True
                self._tasks.spawn(" ".join(key[1:]), self._perform(release, act, work))

    def busy(self, release: Release) -> bool:
        """Whether an act of the release is on its way."""
        return any(work.running for key, work in self._works.items() if key[0] == mark(release))

    def faults(self, release: Release) -> tuple[Fault, ...]:
        """Why acts of the release that are still wanted failed when they were last tried."""
        mine = (work.fault for key, work in self._works.items() if key[0] == mark(release))
        return tuple(fault for fault in mine if fault is not None)

    def images(self, release: Release) -> dict[str, Pin]:
        """Which image its containers are to be made of, by node, as far as engines have said so."""
        return dict(self._images.get(mark(release), {}))

    def fetches(self, release: Release) -> tuple[Fetched, ...]:
        """Images on their way for the release."""
        nodes = [key[2] for key, work in self._works.items() if key[:2] == (mark(release), "fetch") and work.running]
        found = ((node, self._fetching.step(self._engines.at(node).name, release.spec.change.image)) for node in nodes)
        return tuple(
            Fetched(
                node=self._engines.name(node),
                image=release.spec.change.image,
                **msgspec.structs.asdict(step or WAITING),
            )
            for node, step in found
        )

    # --------------------------------------------------------------------------------------------------------- private

    def _forget(self, whose: str, wanted: set[_Key]) -> None:
        for key in [key for key, work in self._works.items() if key[0] == whose and not work.running]:
            if key not in wanted:
                del self._works[key]

    async def _perform(self, release: Release, act: Act, work: _Work) -> None:
        try:
            await self._do(release, act)
        except TidegateError as error:
            self._failed(release, act, work, error)
        else:
            work.tries, work.fault = 0, None
            _log.info("%s", _done(act), extra={"release": mark(release)})
            self._metrics.count("tidegate_release_acts_total", act=_verb(act), outcome="done")
        finally:
            work.running = False
        self._wake(release.spec.service)

    def _failed(self, release: Release, act: Act, work: _Work, error: TidegateError) -> None:
        problem = error.problems[0]
        work.tries = 0 if isinstance(error, EngineUnreachable) else work.tries + 1
        lasting = problem.code in _LASTING or work.tries >= HOPELESS_AFTER
        wait = min(FIRST_WAIT_SECONDS * 2 ** max(work.tries - 1, 0), LONGEST_WAIT_SECONDS)
        work.again_at = asyncio.get_running_loop().time() + wait
        work.fault = Fault(text=error.sentence, lasting=lasting)
        _log.warning("%s failed: %s", _verb(act), problem.text, extra={"release": mark(release), "code": problem.code})
        self._metrics.count("tidegate_release_acts_total", act=_verb(act), outcome="failed")

    async def _do(self, release: Release, act: Act) -> None:
        engine = self._engines.at(act.node)
        async with self._places.setdefault(engine.name, asyncio.Semaphore(ACTS_AT_ONCE)):
            if isinstance(act, Fetch):
                await self._fetch(engine, release, act)
            elif isinstance(act, Create):
                await self._create(engine, release, act)
            elif isinstance(act, Start):
                await engine.start(act.container)
            else:
                await _end(engine, release, act)

    async def _fetch(self, engine: Engine, release: Release, act: Fetch) -> None:
        change = release.spec.change
        image = await self._fetching.ensure(engine, change.image, change.pull, mark(release))
        self._images.setdefault(mark(release), {})[act.node] = Pin(id=image.id, digests=image.digests)

    async def _create(self, engine: Engine, release: Release, act: Create) -> None:
        change, pin = release.spec.change, release.images.get(act.node)
        if change.image and pin is not None:
            await self._fetching.hold(engine, pin, change.image, change.pull, mark(release))
        source = await _source(engine, release, act)
        await engine.duplicate(source.id, duplicate(release, act, source.labels))


async def _end(engine: Engine, release: Release, act: Stop | Remove) -> None:
    """What is gone already is well ended. Between two lives of a restart policy a container does not run, but must be stopped
    all the same. A stop has to last by itself only where nothing follows: what is to be removed is stopped again if need be."""
    lasting = Retire.STOP in (release.spec.retire, release.spec.discard)
    try:
        if isinstance(act, Stop) and lasting:
            await engine.keep_stopped(act.container)
        await engine.stop(act.container, act.seconds if isinstance(act, Stop) else None)
        if isinstance(act, Remove):
            await engine.remove(act.container)
    except NoSuchThing:
        return


async def _source(engine: Engine, release: Release, act: Create) -> ContainerDetail:
    """The container to copy: the slot's, and where that is gone any other of the same node, a copy for want of an original."""
    spec = release.spec
    others = [slot.container for slot in spec.slots if slot.node == act.node]
    copies = [spec.container_name(number) for number in range(1, release.candidates + 1) if number != act.number]
    for container in dict.fromkeys((act.source, *others, *copies)):
        try:
            return await engine.inspect(container)
        except NoSuchThing:
            continue
    raise EngineError(_no_source(act))


def _key(release: Release, act: Act) -> _Key:
    what = act.node if isinstance(act, Fetch) else act.name if isinstance(act, Create) else act.container
    return mark(release), _verb(act), what


def _verb(act: Act) -> str:
    return type(act).__name__.lower()


def _done(act: Act) -> str:
    if isinstance(act, Fetch):
        return "has the image"
    ended = {"create": "created", "start": "started", "stop": "stopped", "remove": "removed"}[_verb(act)]
    return f"{ended} container {act.name or (act.container[:12] if not isinstance(act, Create) else '')}"


def _no_source(act: Create) -> Problem:
    return Problem(
        code="T1158",
        text=f"nothing is left that {act.name} could be copied from",
        place=act.name,
        cause="the containers of both versions were removed",
        mend="start the service anew as you did at first",
        kept="nothing was created",
    )
