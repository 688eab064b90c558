"""Releases over a real store and an engine in memory, in virtual time: everything of control that has a part in a release, a
store that may end the program right after a write, and an engine that may end it right after an act. The engine and the
store's file outlive the program, as they do."""

from __future__ import annotations

import asyncio
import contextlib

from tests.support.counts import counted
from tests.support.fake_engine import EPOCH, FakeEngine
from tests.support.seen import instance, inventory
from tidegate.control.engines import Engines
from tidegate.control.executor import Executor
from tidegate.control.gatekeeper import Gatekeeper
from tidegate.control.journal import Journal
from tidegate.control.lookout import Lookout
from tidegate.control.metrics import Registry
from tidegate.control.overrides import OverrideBook
from tidegate.control.planning import Ask, Scene, planned
from tidegate.control.reconciler import Reconciler
from tidegate.control.releases import Releases
from tidegate.control.traffic import Traffic
from tidegate.model import HealthReport, HealthSource, HealthState, InstanceState, TrafficMode
from tidegate.release import verbs
from tidegate.release.record import State, begun
from tidegate.release.spec import Change
from tidegate.release.verbs import By
from tidegate.store.database import Database
from tidegate.store.watch import Watch, Watchers
from tidegate.tasks import Tasks

SERVICE, HOST = "shop/web", "web.test"
NODE = "docker"


class Killed(Exception):
    """The program ended here."""


class CountingStore:
    """SQLite on the loop's own thread. Counts writes; after number `last` the write is durable and the program is no more."""

    def __init__(self, path, last=None):
        self.watchers = Watchers()
        self.database = Database(path, _now, 1000, lambda batch: _loop().call_soon(self.watchers.publish, batch))
        # The machine does not lose its power here, only the program ends: nothing has to be on the disk.
        self.database._connection.execute("PRAGMA synchronous = OFF")
        self.writes, self.last, self.dead = 0, last, False

    def die(self):
        """The program writes no more."""
        self.dead = True

    async def get(self, key):
        return self.database.get(key)

    async def list(self, prefix):
        return self.database.list(prefix)

    async def txn(self, compares, operations):
        if self.dead:
            raise Killed
        revision = self.database.txn(compares, operations)
        self.writes += revision is not None
        if self.writes == self.last:
            self.dead = True
            raise Killed
        return revision

    def watch(self, prefix, after_revision):
        return Watch(self.watchers, prefix, after_revision, self._replay)

    async def _replay(self, after_revision):
        return self.database.replay(after_revision)


class DeadlyEngine(FakeEngine):
    """Counts what is done to containers; after act number `last` it is done, and `die` is called for the program."""

    def __init__(self):
        super().__init__()
        self.acts, self.last, self.die = 0, None, None

    async def duplicate(self, container, change):
        made = await super().duplicate(container, change)
        self._act()
        return made

    async def pull(self, name):
        async for step in super().pull(name):
            yield step
        self._act()

    async def start(self, container):
        await super().start(container)
        self._act()

    async def stop(self, container, timeout_seconds=None):
        await super().stop(container, timeout_seconds)
        self._act()

    async def keep_stopped(self, container):
        await super().keep_stopped(container)
        self._act()

    async def remove(self, container, force=False):
        await super().remove(container, force)
        self._act()

    def _act(self):
        self.acts += 1
        if self.acts == self.last:
            self.die()
            raise Killed


class Nobody:
    """Web hooks and gates that ask others: there are none."""

    def __init__(self):
        self.told = []

    def tell(self, notice):
        self.told.append(notice)

    async def ask(self, gate, asking):
        raise AssertionError(f"{gate} was asked at {asking}")


class Workers:
    """Follow at once."""

    async def wait_applied(self, version, timeout):  # noqa: ASYNC109
        return True

    def applied_by_all(self, version):
        return True


class Program:
    """One life of control. `unready` are versions that never get ready; `per_second` requests come, by the weights, and are
    answered as `answers` says for the version and the number of the request: as arguments of `counts.add`."""

    def __init__(self, engine, store, unready=(), per_second=0, answers=lambda _version, _number: {}):
        self.engine, self.store, self.unready, self.per_second = engine, store, unready, per_second
        self.answers, self.served = answers, {}
        self.began = wall()
        self.known, self.shown, self.faults = {}, None, []
        self.registry, self.journal, self.others = Registry(), Journal(wall), Nobody()
        self.traffic = Traffic(_now)
        self.reconciler = Reconciler(
            self,
            self,
            self.journal,
            required=[NODE],
            metrics=self.registry,
            clock=_now,
            built=self._built,
        )
        on = Engines({NODE: engine})
        self.releases = Releases(
            store,
            self.reconciler,
            self.journal,
            Workers(),
            self.traffic,
            look=Lookout(on),
            acts=lambda tasks, wake: Executor(on, tasks, wake),
            gates=Gatekeeper(self.others, self.others),
            others=self.others,
            engines=(NODE,),
            metrics=self.registry,
            clock=_now,
            wall=wall,
        )
        self.book = OverrideBook(store, self.journal, self.releases.offer_overrides, wall)

    async def run(self, story):
        """The program, until `story(self)` ends."""
        async with Tasks("program") as tasks:
            parts = [
                tasks.spawn("reconciler", self.reconciler.run()),
                tasks.spawn("releases", self.releases.run()),
                tasks.spawn("overrides", self.book.run()),
                tasks.spawn("watch", self._watch()),
            ]
            await story(self)
            for part in parts:
                part.cancel()

    # ------------------------------------------------------------------------------ what is seen, and how ready it is

    async def _watch(self):
        while True:
            self.look()
            self.traffic.fly(0, 1, ())
            self._serve()
            await asyncio.sleep(0.25)

    def _serve(self):
        for backend in (each for route in self.reconciler.table.routes.values() for each in route.backends):
            number = self.per_second * backend.weight // 400
            if number:
                key = (SERVICE, backend.version, f"{backend.version}:80")
                before = self.served.get(backend.version, 0)
                self.served[backend.version] = before + number
                given = [self.answers(backend.version, each) for each in range(before, before + number)]
                self.traffic.add("endpoint", key, counted(*given))

    def look(self):
        """Show the reconciler what the engine has."""
        shown = inventory(*(_instance(each) for each in self.engine.containers.values()), provider=NODE)
        if self.shown != shown.services:
            self.shown = shown.services
            self.reconciler.offer_inventory(shown)

    def _built(self):
        self.releases.built()

    def assume(self, reports):
        """Nothing is remembered."""

    def update(self, changed, removed=()):
        for target in changed:
            container = self.engine.containers[target.instance]
            if container.labels.get("tidegate.version") not in self.unready:
                remembered = container.started_at < self.began - 0.5
                _loop().call_later(0.0 if remembered else 0.5, self._ready, target.endpoint, container.started_at)
        for endpoint in removed:
            self.known.pop(endpoint, None)

    def _ready(self, endpoint, since):
        self.known[endpoint] = since
        report = HealthReport(endpoint=endpoint, state=HealthState.HEALTHY, source=HealthSource.PROBE, since=wall())
        self.reconciler.offer_health(report)

    # ---------------------------------------------------------------------------------------- what must never happen

    def publish(self, table, delta):
        """No weight is given to somebody of whom nobody is ready, while somebody else is."""
        for route in table.routes.values():
            ready = {each.version for each in table.services[SERVICE].endpoints if each.state is HealthState.HEALTHY}
            weighed = {backend.version for backend in route.backends if backend.weight}
            if ready and weighed and not weighed & ready and route.mode is not TrafficMode.HOLD:
                self.faults.append(f"{_now():.1f}: {weighed} have the traffic, {ready} are ready")

    # ------------------------------------------------------------------------------------------------ what people do

    async def deploy(self, options, *, image="image:2", version="v2"):
        """Ask for a release, unless it was asked for in an earlier life."""
        await self.settled()
        if self.releases.book.of(SERVICE):
            return
        ask = Ask(service=SERVICE, options=options, change=Change(image=image), version=version)
        spec = planned(ask, self.scene())
        await self.releases.begin(begun(spec, 1, wall(), "ann", "a test"))

    def scene(self):
        return Scene(
            inventories=dict(self.reconciler.inventories),
            table=self.reconciler.table,
            engines=frozenset((NODE,)),
            number=self.releases.book.next_number(SERVICE),
        )

    async def settled(self):
        """Everything is known, and everybody who runs had time to get ready."""
        await self.until(lambda: not self.reconciler.waiting_for and self.releases.book.known)
        await asyncio.sleep(2)

    async def ended(self, seconds=900):
        """Carry on to the end; who is asked to confirm does. The last record."""

        async def done():
            last = self.releases.book.last(SERVICE)
            if last.state is State.AWAITING_CONFIRM:
                by = By(who="ann", when=wall())
                await self.releases.say(last, lambda release, seen: verbs.promote(release, seen, by))
            return last.finished and last.closed

        await self.until(done, seconds)
        await asyncio.sleep(60)  # routes outlive their containers for a while
        return self.releases.book.last(SERVICE)

    async def until(self, question, seconds=900):
        async with asyncio.timeout(seconds):
            while True:
                answer = question()
                if await answer if asyncio.iscoroutine(answer) else answer:
                    return
                await asyncio.sleep(0.25)

    def end(self):
        """What is left, to be compared: containers, weights, records."""
        running = sorted(
            (each.name, each.labels.get("tidegate.version"), each.state.value)
            for each in self.engine.containers.values()
        )
        backends = {
            (each.version, each.weight) for route in self.reconciler.table.routes.values() for each in route.backends
        }
        states = [(each.number, each.state.value, each.closed) for each in self.releases.book.records]
        return running, {each for each in backends if each[1]}, states


def engine_with(count):
    """An engine on which so many replicas of v1 run, with images for v1 and v2."""
    engine = DeadlyEngine()
    engine.registry |= {"image:2"}
    for number in range(1, count + 1):
        engine.run(f"old{number}", {"tidegate.service": SERVICE, "tidegate.version": "v1"})
    return engine


async def lives(path, engine, story, *, last=None, last_act=None, unready=(), per_second=0, **more):
    """Run `story` in one life that ends after write number `last` or act number `last_act`, or where the story says so, and in
    another one if it did. The last program."""
    store = CountingStore(path, last)
    engine.last, engine.die = last_act, store.die
    program = Program(engine, store, unready, per_second, **more)
    with contextlib.suppress(Killed):
        try:
            await program.run(story)
        except* Killed:
            store.die()
            raise Killed from None
    store.database.close()
    assert not program.faults, program.faults
    if not store.dead:
        return program, store.writes
    engine.last = None
    second = Program(engine, CountingStore(path), unready, per_second, **more)
    await second.run(story)
    second.store.database.close()
    assert not second.faults, second.faults
    return second, store.writes


def wall():
    return EPOCH + _now()


def _now():
    return _loop().time()


def _loop():
    return asyncio.get_running_loop()


def _instance(detail):
    live = detail.state in (InstanceState.RUNNING, InstanceState.PAUSED)
    return instance(
        detail.id,
        "web",
        project="shop",
        routes=[f"{HOST}/"],
        name=detail.name,
        provider=NODE,
        version=detail.labels.get("tidegate.version", ""),
        image=detail.image,
        state=detail.state,
        created_at=detail.created_at,
        started_at=detail.started_at,
        **({} if live else {"networks": ()}),
    )
