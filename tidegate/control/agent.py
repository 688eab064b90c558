"""A node's own loop: makes what its places say so, on its own engine, and reports how it goes.

It looks at everything, asks `stacks.step` about each place, writes the reports, and begins the deeds that are not under way; again
after each deed, when the store or the engine has news, and from time to time. It takes no orders but from the store, and remembers
nothing that a report does not say: what it finds by the label of a place it takes over, and what has such a label without a place goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from tidegate.control.deeds import Deeds
from tidegate.control.journal import Journal
from tidegate.control.stackbook import StackBook
from tidegate.engine.port import ContainerDetail, ContainerSummary, Engine
from tidegate.errors import Conflict, EngineError, NoSuchThing, StoreError, TidegateError
from tidegate.placement.replica import Place
from tidegate.stacks.naming import parts_of, place_key, place_of
from tidegate.stacks.picture import Picture
from tidegate.stacks.report import Report
from tidegate.stacks.sharing import Lent, lending, lent, outdated
from tidegate.stacks.step import Deed, Look, Next, failed, step
from tidegate.stacks.waiting import waits_for
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

LOOK_SECONDS = 1.0  # while something is under way
REST_SECONDS = 15.0
SETTLE_SECONDS = 0.02
DEEDS_AT_ONCE = 8

_log = logger("control.agent")


class ServingPort(Protocol):
    """Who serves; `serving.Serving` is one."""

    def ready(self, container: str) -> bool | None: ...

    def why(self, container: str) -> str: ...

    def leave(self, containers: Iterable[str]) -> None: ...

    def idle(self, container: str) -> bool: ...


class Agent:
    """Of the node called `node`. `wall` gives seconds since the epoch. A container that leaves is stopped no sooner than after
    `linger_seconds`: routers of other nodes take as long to hear of it, and to end what they have in flight there. While the node is
    `cut_off` nothing starts that must not run twice; where another node has the name (`has_name`), what is ordered is ordered of that one, and
    nothing is done."""

    def __init__(
        self,
        node: str,
        engine: Engine,
        book: StackBook,
        serving: ServingPort,
        journal: Journal,
        wall: Callable[[], float],
        linger_seconds: float = 0.0,
        cut_off: Callable[[], bool] = lambda: False,
        has_name: Callable[[], bool] = lambda: True,
    ) -> None:
        self._node = node
        self._engine = engine
        self._book = book
        self._serving = serving
        self._journal = journal
        self._wall = wall
        self._linger = linger_seconds
        self._cut_off = cut_off
        self._has_name = has_name
        self.deeds = Deeds(engine, journal)
        self._wakeup = asyncio.Event()
        self._busy: set[str] = set()  # place keys with a deed under way
        self._slots = asyncio.Semaphore(DEEDS_AT_ONCE)
        self._details: dict[str, tuple[ContainerSummary, ContainerDetail]] = {}  # as last inspected, by container
        self._strays: dict[str, float] = {}  # containers without a place, and since when they are known to be
        self._faults: dict[str, Report] = {}  # what a deed that failed has to say, until it is written
        book.changed.append(self._wakeup.set)

    def wake(self) -> None:
        """Look soon: the engine or the table has news."""
        self._wakeup.set()

    async def run(self) -> None:
        """Until cancelled. What runs then goes on running."""
        self.deeds.owner = await self.owner()
        async with Tasks("agent") as tasks:
            while True:
                self._wakeup.clear()
                moving = await self._turn(tasks)
                try:
                    async with asyncio.timeout(LOOK_SECONDS if moving else REST_SECONDS):
                        await self._wakeup.wait()
                        await asyncio.sleep(SETTLE_SECONDS)
                except TimeoutError:
                    continue

    async def owner(self) -> str:
        """The name of the store, as soon as it says it."""
        while True:
            try:
                return await self._book.owner()
            except StoreError as error:
                _log.warning("the store cannot be asked for its name", extra={"cause": str(error)})
            await asyncio.sleep(LOOK_SECONDS)

    # --------------------------------------------------------------------------------------------------------- private

    async def _turn(self, tasks: Tasks) -> bool:
        """One look at everything. Whether something is under way."""
        if not self._book.known or not self._has_name():
            return True
        picture = self._book.picture
        mine = {key: place for key, place in picture.places.items() if place.node == self._node}
        try:
            found = await self._containers(picture)
        except EngineError as error:
            _log.warning("the engine cannot be asked", extra={"cause": str(error)})
            return True
        faults, self._faults = self._faults, {}
        strays = self._strayed(mine, found)
        every = {**mine, **strays}
        looks = {key: self._look(picture, place, found) for key, place in every.items()}
        leaving = [
            found[key].id for key, place in every.items() if key in found and (place.leaving or looks[key].outdated)
        ]
        reports = ((place.leaving, picture.report(place)) for place in picture.places.values())
        elsewhere = (report.container for leaves, report in reports if leaves or report.ends)
        self._serving.leave([*leaving, *filter(None, elsewhere)])
        now = self._wall()
        steps = {
            key: step(place, looks[key], faults.get(key) or picture.report(place), now) for key, place in every.items()
        }
        told = {key: each.report for key, each in steps.items() if key in mine}
        if not await self._report(picture, told | await self._cleared(picture, mine)):
            self._faults = {**faults, **self._faults}
            return True
        for key, each in steps.items():
            if each.deed is not None and key not in self._busy and not self._is_fenced(picture, key, each.deed):
                place = mine.get(key) or strays[key]
                self._busy.add(key)
                tasks.spawn(f"{each.deed} {key}", self._do(picture, place, each, found.get(key)))
        return bool(self._busy or strays) or any(not _rests(each.report) for each in steps.values())

    def _is_fenced(self, picture: Picture, key: str, deed: Deed) -> bool:
        """Whether it is not to be done while others may take us for lost."""
        return self._cut_off() and deed in (Deed.MAKE, Deed.START) and picture.exclusive(key)

    async def _containers(self, picture: Picture) -> dict[str, ContainerDetail]:
        """Containers that have the label of a place, by it; each inspected anew only where its row in the list is another, or others share
        with it: when it was started is in no row."""
        lenders = frozenset(service for stack in picture.stacks.values() for service in lending(stack))
        rows = [row for row in await self._engine.list() if place_key(row.labels, self.deeds.owner)]
        details: dict[str, tuple[ContainerSummary, ContainerDetail]] = {}
        for row in rows:
            known = self._details.get(row.id)
            try:
                lends = place_key(row.labels, self.deeds.owner).rpartition("/")[0] in lenders
                kept = known is not None and known[0] == row and not lends
                detail = known[1] if known and kept else await self._engine.inspect(row.id)
            except NoSuchThing:
                continue
            details[row.id] = (row, detail)
        self._details = details
        return {place_key(row.labels, self.deeds.owner): detail for row, detail in details.values()}

    def _strayed(self, mine: Mapping[str, Place], found: Mapping[str, ContainerDetail]) -> dict[str, Place]:
        """Containers of places that are not ours (any more), as places that leave."""
        now = self._wall()
        keys = [key for key in found if key not in mine]
        self._strays = {key: self._strays.get(key, now) for key in keys}
        return {key: place_of(key, self._node, self._strays[key]) for key in keys}

    def _look(self, picture: Picture, place: Place, found: Mapping[str, ContainerDetail]) -> Look:
        container = found.get(place.key)
        stack_name, name = parts_of(place.service)
        stack = picture.stacks.get(stack_name)
        member = stack.member(name) if stack is not None else None
        shared = lent(picture, stack, member, self._node, found) if stack and member and not place.leaving else Lent()
        stale = outdated(container, shared) if container is not None else ""
        return Look(
            member=member,
            container=container,
            ready=self._serving.ready(container.id) if container else False,
            why=self._serving.why(container.id) if container else "",
            idle=self._idle(place, container, picture.report(place)),
            waits_for=waits_for(stack, member, picture) if stack and member else "",
            lent=shared,
            outdated=stale,
        )

    def _idle(self, place: Place, container: ContainerDetail | None, report: Report) -> bool:
        """Whether one that leaves, or is reported to end, has no requests left."""
        since = place.leaving_since if place.leaving else report.since if report.ends else None
        if container is None or since is None or self._wall() < since + self._linger:
            return False
        return self._serving.idle(container.id)

    async def _cleared(self, picture: Picture, mine: Mapping[str, Place]) -> dict[str, Report | None]:
        """What is said of stacks that leave and have no place here any more, after what was made for them is gone too."""
        said: dict[str, Report | None] = {}
        for stack in picture.stacks.values():
            if not stack.leaving or any(parts_of(place.service)[0] == stack.name for place in mine.values()):
                continue
            known = picture.reports.get(f"{self._node}/{stack.name}")
            if known is not None and known.gone and known.placed == stack.when:
                continue
            why = await self.deeds.clear(stack)
            said[stack.name] = Report(placed=stack.when, since=self._wall(), gone=not why, why=why)
        return said

    async def _report(self, picture: Picture, told: Mapping[str, Report | None]) -> bool:
        """Write what is another than before, and take away what is said of nothing that there is. False where that failed."""
        prefix = f"{self._node}/"
        known = {key.removeprefix(prefix): each for key, each in picture.reports.items() if key.startswith(prefix)}
        news: dict[str, Report | None] = {key: each for key, each in told.items() if known.get(key) != each}
        over = [key for key in known if key not in told and key not in picture.stacks]
        news |= dict.fromkeys(over)
        try:
            await self._book.reports.commit({prefix + key: each for key, each in news.items()})
        except Conflict:
            self._wakeup.set()
            return False
        except StoreError as error:
            _log.warning("reports cannot be written", extra={"cause": str(error)})
            return False
        for key, each in news.items():
            if each is not None:
                self._tell(key, known.get(key), each)
        return True

    def _tell(self, key: str, before: Report | None, after: Report) -> None:
        if before is None or (before.word, before.why) != (after.word, after.why):
            self._journal.tell("stack", f"{key} on {self._node} is {after.word}", why=after.why)

    async def _is_still_ours(self, key: str) -> bool:
        """Whether the store itself still says that a place is ours, and nobody may take us for lost: we may have been away, and what is
        known here may be old. Raises StoreError."""
        return await self._book.places.confirmed(key) and not self._cut_off()

    async def _do(self, picture: Picture, place: Place, wanted: Next, container: ContainerDetail | None) -> None:
        key = place.key
        assert wanted.deed is not None
        try:
            async with self._slots:
                if wanted.deed is Deed.START and picture.exclusive(key) and not await self._is_still_ours(key):
                    return
                await self.deeds.do(wanted, place, picture.stacks.get(parts_of(place.service)[0]), container)
        except TidegateError as error:
            self._faults[key] = failed(wanted.report, error.sentence, self._wall())
            _log.warning("%s failed", wanted.deed.value, extra={"place": key, "cause": str(error)})
        finally:
            self._busy.discard(key)
            if container is not None:
                self._details.pop(container.id, None)
        self._wakeup.set()


def _rests(report: Report) -> bool:
    """Whether nothing is to be expected of it by itself."""
    return report.ready_since > 0.0 or report.done or report.gone
