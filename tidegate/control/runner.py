"""One release, carried on: look, decide, store, lay over the table, act; again when something changed or a second has passed.

What is decided comes from `release.advance`, and is stored before anything follows from it; what is done from `release.acts`,
by the stored record alone. So it does not matter where this ends: whoever reads the record goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from operator import is_not
from typing import Protocol

from tidegate.control.gating import Gating
from tidegate.control.ports import ActPort, Followers, LookPort
from tidegate.control.reconciler import Reconciler
from tidegate.control.releasebook import Key, ReleaseBook
from tidegate.control.sighting import Facts, blind, known, ready_since, sides
from tidegate.control.traffic import Traffic
from tidegate.errors import Conflict, StoreError
from tidegate.release.acts import acts
from tidegate.release.advance import advance
from tidegate.release.holding import asked_gates
from tidegate.release.overlay import LEAVING
from tidegate.release.record import UNDECIDED, Release
from tidegate.release.seen import Container, Seen
from tidegate.release.spec import Side
from tidegate.telemetry import logger

LOOK_SECONDS = 1.0
REST_SECONDS = 10.0  # between looks at one that has ended, and where nothing is under way
APPLY_SECONDS = 2.0  # for the workers to take over a table, until the next look
WARM_SECONDS = 10.0  # after a start of ours, for checks to say again what they knew: the slowest usual probes need less
MOST_TRANSITIONS = 50  # per look: then the engines are asked again

_log = logger("control.releases")


class Laying(Protocol):
    """Who lays records over the table and stores what follows from them; `releases.Releases` is one."""

    def laid(self, release: Release) -> int | None:
        """The version of the table that says what the record says; None while none does."""
        ...

    async def store(self, before: Release, after: Release) -> Release:
        """Commit, tell, lay over the table. Raises Conflict, StoreError."""
        ...


class Runner:
    """Of the release called `key`. `engines` are names of providers whose containers engines can be asked about; `clock` is
    monotonic, `wall` gives seconds since the epoch. Until `warm_at` on the clock nothing is concluded from who is not ready.
    `on_duty` says of the service whether it is this node that acts."""

    def __init__(
        self,
        key: Key,
        book: ReleaseBook,
        laying: Laying,
        reconciler: Reconciler,
        followers: Followers,
        look: LookPort,
        executor: ActPort,
        gating: Gating,
        traffic: Traffic,
        engines: Collection[str],
        clock: Callable[[], float],
        wall: Callable[[], float],
        warm_at: float = 0.0,
        on_duty: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._key = key
        self._book = book
        self._laying = laying
        self._reconciler = reconciler
        self._followers = followers
        self._look = look
        self._executor = executor
        self._gating = gating
        self._traffic = traffic
        self._engines = engines
        self._clock = clock
        self._wall = wall
        self._warm_at = warm_at
        self._on_duty = on_duty
        self._wakeup = asyncio.Event()
        self._drained_at: dict[str, float] = {}  # container -> when all workers knew that it gets nothing more
        self._glimpsed: tuple[object, ...] = ()
        self.last_seen: Seen | None = None  # set at each look

    def wake(self) -> None:
        """Look soon."""
        self._wakeup.set()

    def glimpse(self) -> None:
        """Look soon if what concerns the release was built anew."""
        glimpsed = self._glimpse()
        if len(glimpsed) != len(self._glimpsed) or any(map(is_not, glimpsed, self._glimpsed)):
            self._glimpsed = glimpsed
            self._wakeup.set()

    async def run(self) -> None:
        """Until the release is closed, or its record is gone."""
        while True:
            release = self._book.get(self._key)
            if release is None or release.closed:
                return
            self._wakeup.clear()
            if self._on_duty(self._key[0]):
                await self._turn()
            await self._rest()

    async def see(self, release: Release) -> Seen:
        """A fresh look."""
        return self._seen(release, await self._facts(release))

    # --------------------------------------------------------------------------------------------------------- private

    async def _turn(self) -> None:
        release = self._book.get(self._key)
        assert release is not None
        facts = await self._facts(release)
        try:
            release = await self._advanced(facts) or release
        except Conflict:
            self._wakeup.set()  # a person spoke, or another node did: look again
            return
        except StoreError as error:
            _log.warning("a release cannot be stored", extra={"release": str(release), "cause": str(error)})
            return
        seen = self._seen(release, facts)
        if seen.whole:
            self._executor.carry_out(release, acts(release, seen))

    async def _advanced(self, facts: Facts | None) -> Release | None:
        """All transitions that follow from one look at the engines."""
        for _ in range(MOST_TRANSITIONS):
            release = self._book.get(self._key)
            if release is None or release.closed:
                return release
            seen = self._seen(release, facts)
            if seen.whole and release.state in UNDECIDED:
                await self._gating.look(release, seen.candidate)
                seen = self._seen(release, facts)
            self.last_seen = seen
            after = advance(release, seen, self._wall())
            if after is release:
                return release
            if after.finished and not release.finished:
                self._gating.forget(release)
            await self._laying.store(release, after)
            await self._applied(after)
        self._wakeup.set()
        return self._book.get(self._key)

    async def _applied(self, release: Release) -> None:
        version = self._laying.laid(release)
        if version is not None:
            await self._followers.wait_applied(version, APPLY_SECONDS)

    async def _facts(self, release: Release) -> Facts | None:
        return await self._look.look(release, known(release, self._reconciler.inventories))

    def _seen(self, release: Release, facts: Facts | None) -> Seen:
        inventories = self._reconciler.inventories
        live = self._live(release)
        self._note_drains(release, live=live)
        stable, candidate = sides(release, inventories, facts or {}, self._engines, self._ready_since, self._idle)
        blinded = self._reconciler.waiting_for or blind(release, inventories) or self._warming((*stable, *candidate))
        return Seen(
            stable=stable,
            candidate=candidate,
            live=live,
            busy=self._executor.busy(release),
            verdicts=self._gating.verdicts if asked_gates(release) else (),
            judged_at=self._gating.judged_at if asked_gates(release) else 0.0,
            faults=self._executor.faults(release),
            images=self._executor.images(release),
            fetches=self._executor.fetches(release),
            reference=self._gating.reference(release),
            whole=facts is not None and not blinded,
        )

    def _warming(self, containers: Iterable[Container]) -> bool:
        """Whether we started a moment ago and may not know yet who is ready: what got ready just before is not remembered."""
        return self._clock() < self._warm_at and any(each.alive and not each.ready for each in containers)

    def _live(self, release: Release) -> bool:
        version = self._laying.laid(release)
        return version is not None and self._followers.applied_by_all(version)

    def _note_drains(self, release: Release, *, live: bool) -> None:
        leaving = {id_ for id_, fate in release.fates.items() if fate.wish in LEAVING}
        self._drained_at = {id_: at for id_, at in self._drained_at.items() if id_ in leaving}
        if live:
            for id_ in leaving:
                self._drained_at.setdefault(id_, self._clock())

    def _ready_since(self, side: Side, instance: str) -> float:
        return ready_since(self._reconciler.table, self._reconciler.health, side, instance)

    def _idle(self, instance: str) -> bool:
        since = self._drained_at.get(instance)
        release = self._book.get(self._key)
        if since is None or release is None:
            return False
        services = (self._reconciler.table.services.get(side) for side in _services(release))
        endpoints = [each for service in services if service is not None for each in service.endpoints]
        keys = [(each.service, each.version, each.id) for each in endpoints if each.instance == instance]
        return self._traffic.quiet(keys, since)

    def _glimpse(self) -> tuple[object, ...]:
        release = self._book.get(self._key)
        if release is None:
            return ()
        inventories = self._reconciler.inventories.values()
        services = _services(release)
        seen = [inventory.services.get(each) for inventory in inventories for each in services]
        return (*seen, *(self._reconciler.table.services.get(each) for each in services))

    async def _rest(self) -> None:
        release = self._book.get(self._key)
        calm = release is None or (release.finished and not release.fates)
        seconds = REST_SECONDS if calm else LOOK_SECONDS
        if release is not None and release.retire_at > self._wall():
            seconds = min(seconds, max(LOOK_SECONDS, release.retire_at - self._wall()))
        try:
            async with asyncio.timeout(seconds):
                await self._wakeup.wait()
        except TimeoutError:
            return


def _services(release: Release) -> tuple[str, ...]:
    return tuple(dict.fromkeys((release.spec.stable.service, release.spec.candidate.service)))
