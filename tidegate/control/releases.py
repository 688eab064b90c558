"""All releases of this control process: each open one has a runner; together they are laid over what the operator set.

Records are in the store (`releasebook`); every change of one is a commit, then a new table, then what has to be done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec.structs import replace

from tidegate.control.gating import Gating
from tidegate.control.journal import Journal
from tidegate.control.ports import ActPort, Followers, GatePort, LookPort, TellPort
from tidegate.control.reconciler import Reconciler
from tidegate.control.releasebook import Key, ReleaseBook, key_of
from tidegate.control.runner import WARM_SECONDS, Runner
from tidegate.control.settlement import settled
from tidegate.control.tidings import measure, tell
from tidegate.control.traffic import Traffic
from tidegate.control.windows import Windows
from tidegate.model import Overrides
from tidegate.release.overlay import overlay
from tidegate.release.record import Release, moved
from tidegate.release.seen import Seen
from tidegate.release.verbs import By
from tidegate.store.port import Put, Store
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics

MakeActs = Callable[[Tasks, Callable[[str], None]], ActPort]


class Releases:
    """`acts` makes who does what is wanted, given tasks to live in and whom to call when something is done. `engines` are the
    names of providers whose containers can be acted on; `clock` is monotonic, `wall` gives seconds since the epoch. `on_duty` says of a
    service whether it is this node that acts."""

    def __init__(
        self,
        store: Store,
        reconciler: Reconciler,
        journal: Journal,
        followers: Followers,
        traffic: Traffic,
        *,
        look: LookPort,
        acts: MakeActs,
        gates: GatePort,
        others: TellPort,
        engines: Collection[str],
        metrics: Metrics,
        clock: Callable[[], float],
        wall: Callable[[], float],
        on_duty: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._on_duty = on_duty
        self._reconciler = reconciler
        self._journal = journal
        self._followers = followers
        self._traffic = traffic
        self._look = look
        self._gates = gates
        self._others = others
        self.engines = frozenset(engines)
        self._metrics = metrics
        self._clock = clock
        self._wall = wall
        self._tasks = Tasks("releases")
        self._windows = Windows(traffic)
        self._overrides: Overrides | None = None  # what the operator set; None until that is known
        self._leaving: frozenset[str] = frozenset()  # containers that are to go for other reasons than a release
        self._runners: dict[Key, Runner] = {}
        self._running = False
        self._warm_at = 0.0  # set when the records were first read
        self.acts = acts(self._tasks, self._acted)
        self.book = ReleaseBook(store, self._changed)

    async def run(self) -> None:
        """Carry on all that are open, until cancelled."""
        async with self._tasks:
            self._running = True
            self._tasks.spawn("book", self.book.run())

    def offer_overrides(self, overrides: Overrides) -> None:
        """What the operator set, all of it."""
        self._overrides = overrides
        self._lay()

    def offer_leaving(self, containers: frozenset[str]) -> None:
        """Containers that get no new requests, though no release says so; all of them."""
        self._leaving = containers
        self._lay()

    def built(self) -> None:
        """A table was built: some releases may have something to look at."""
        for runner in self._runners.values():
            runner.glimpse()

    def laid(self, release: Release) -> int | None:
        """The version of the table that says what the record says; None while none does."""
        if self._reconciler.waiting_for or self.book.get(key_of(release)) != release:
            return None
        return self._reconciler.settle()

    async def begin(self, release: Release) -> Release:
        """Store a new release and start it. Raises Conflict (T2001, T2005), StoreError."""
        begun = await self.book.begin(release, self._wall())
        self._told(None, begun)
        return begun

    async def store(self, before: Release, after: Release) -> Release:
        """Store what became of a release, and lay it over the table. Raises Conflict (T1610), StoreError."""
        also: tuple[Put, ...] = ()
        if after.closed and not before.closed:
            also = settled(after, self._reconciler.inventories, self._wall())
        stored = await self.book.commit(before, after, also)
        self._told(before, after)
        return stored

    async def say(self, release: Release, verb: Callable[[Release, Seen], Release]) -> Release:
        """What a person says to a release, `verb` being one of `release.verbs`. Raises Conflict where it is not possible now."""
        runner = self._runner(key_of(release))
        seen = await runner.see(release)
        stored = await self.store(release, verb(release, seen))
        runner.wake()
        return stored

    async def see(self, release: Release) -> Seen:
        """A fresh look at everything that concerns a release."""
        return await self._runner(key_of(release)).see(release)

    def governing(self, target: str) -> Release | None:
        """The newest release that is not closed and sets the weights of `target`."""
        found = [each for each in self.book.records if not each.closed and target in each.spec.targets]
        return max(found, key=lambda each: each.history[0].when, default=None)

    def overlaid(self, overrides: Overrides) -> Overrides:
        """What would be in force if an operator had set these."""
        return self._without_leaving(overlay(overrides, self.book.records))

    def with_record(self, release: Release) -> Overrides:
        """What would be in force if a release stood as `release` says."""
        key = key_of(release)
        records = (release if key_of(each) == key else each for each in self.book.records)
        return self._without_leaving(overlay(self._overrides or Overrides(), records))

    async def close(self, release: Release, by: By) -> Release:
        """A release that has ended governs its weights no longer: a person set others."""
        return await self.store(
            release,
            moved(release, by.when, "closed", who=by.who, why="weights were set by hand", closed=True, fates={}),
        )

    # --------------------------------------------------------------------------------------------------------- private

    def _without_leaving(self, overrides: Overrides) -> Overrides:
        if not self._leaving:
            return overrides
        return replace(overrides, drained=overrides.drained | self._leaving)

    def _changed(self) -> None:
        self._warm_at = self._warm_at or self._clock() + WARM_SECONDS
        self._lay()
        measure(self._metrics, self.book.records)
        if not self._running or not self.book.known:
            return
        for release in self.book.records:
            key = key_of(release)
            if not release.closed and key not in self._runners:
                self._runners[key] = runner = self._made(key)
                self._tasks.spawn(f"{key[0]} {key[1]}", self._carry_on(key, runner))

    async def _carry_on(self, key: Key, runner: Runner) -> None:
        try:
            await runner.run()
        finally:
            del self._runners[key]

    def _lay(self) -> None:
        if self._overrides is not None and (self.book.known or self.book.recalled):
            self._reconciler.offer_overrides(self.overlaid(self._overrides))

    def _acted(self, service: str) -> None:
        for key, runner in self._runners.items():
            if key[0] == service:
                runner.wake()

    def _told(self, before: Release | None, after: Release) -> None:
        tell(self._journal, self._others, self._metrics, before, after)

    def _runner(self, key: Key) -> Runner:
        return self._runners.get(key) or self._made(key)

    def _made(self, key: Key) -> Runner:
        return Runner(
            key,
            self.book,
            self,
            self._reconciler,
            self._followers,
            self._look,
            self.acts,
            Gating(self._windows, self._gates, self._tasks, lambda: self._acted(key[0]), self._wall),
            self._traffic,
            self.engines,
            self._clock,
            self._wall,
            self._warm_at,
            self._on_duty,
        )
