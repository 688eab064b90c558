"""Control with autoscaling over a real store and an engine in memory, in virtual time. Containers share a load of CPU."""

from __future__ import annotations

from msgspec.structs import replace

from tests.support import release_stage
from tests.support.fake_engine import FakeEngine
from tests.support.release_stage import NODE, SERVICE, Program, Workers
from tests.support.seen import inventory
from tidegate.control.autoscaling import Autoscaling
from tidegate.control.copying import Copying
from tidegate.control.engines import Engines
from tidegate.control.gathering import Gathering
from tidegate.control.metering import Metering
from tidegate.control.pace import Pace
from tidegate.control.ports import Alone
from tidegate.control.scalebook import ScaleBook
from tidegate.control.serving import Serving
from tidegate.discovery.labels import understand
from tidegate.discovery.sleeping import SleepingProvider
from tidegate.model import InstanceState
from tidegate.tasks import Tasks

LABELS = {
    "tidegate.service": SERVICE,
    "tidegate.host": "web.test",
    "tidegate.version": "v1",
    "aliyun.auto_scaling.max_cpu": "70",
    "aliyun.auto_scaling.min_cpu": "30",
    "aliyun.auto_scaling.period": "6",
}


class Queries:
    """A Prometheus that gives one number, or says why not."""

    def __init__(self):
        self.answer = "no Prometheus is set (releases.prometheus)"

    async def value(self, query):
        return self.answer


class ScaledProgram(Program):
    """`load(now)` is how many cores the replicas are asked for together; each has one."""

    load = staticmethod(lambda now: 0.0)
    counts = elsewhere = None
    cluster = Alone()

    def __init__(self, engine, store, unready=()):
        super().__init__(engine, store, unready)
        on = Engines({NODE: engine})
        self.queries = Queries()
        self.sleeping = SleepingProvider(self._dormant, lambda: self.reconciler.inventories)
        tasks = Tasks("autoscaling")
        wall, now = release_stage.wall, release_stage._now
        self.metering = Metering(on, lambda: self.reconciler.inventories, self.registry, wall, now)
        serving = Serving(self.reconciler, self.releases, Workers(), self.traffic, now, self.elsewhere)
        self.copying = Copying(
            on,
            self.reconciler,
            self.book,
            Workers(),
            self.traffic,
            self.journal,
            tasks,
            now,
            serving.carried,
            self.elsewhere,
        )
        self.scaling = Autoscaling(
            ScaleBook(store),
            self.reconciler,
            lambda: self.releases.book.records,
            Gathering("n1", self.metering, self.traffic, self.cluster, self.registry, wall),
            Pace(self.traffic),
            self.queries,
            self.copying,
            self.journal,
            self.registry,
            tasks,
            now,
            wall,
            (NODE,),
            self.counts,
            self.on_duty,
        )

    def on_duty(self, service):
        return True

    async def run(self, story):
        async with Tasks("scaled") as tasks:
            scaling = tasks.spawn("scaling", self.scaling.run())
            await super().run(story)
            scaling.cancel()

    def update(self, changed, removed=()):
        super().update([each for each in changed if each.candidates], removed)

    def look(self):
        running = self.running()
        for each in running:
            share = self.load(release_stage._now()) / len(running)
            self.engine.burning[each.id] = (min(1.0, share), 100 << 20)
        shown = inventory(*(_seen(each) for each in self.engine.containers.values()), provider=NODE)
        if self.shown != shown.services:
            self.shown = shown.services
            self.reconciler.offer_inventory(replace(shown, version=self.engine.calls["look"]))
        if self.counts is not None:
            self.reconciler.offer_inventory(self.sleeping.inventory())
        self.engine.calls["look"] += 1

    def _dormant(self):
        return self.counts.dormant() if self.counts is not None else ()

    def running(self):
        return [each for each in self.engine.containers.values() if each.state is InstanceState.RUNNING]

    def names(self):
        return sorted(each.name for each in self.running())

    @property
    def changes(self):
        """(before, after) of each change."""
        return [(each.current, each.wanted) for each in self.scaling.book.record(SERVICE).changes]

    def said(self):
        return [each.text for each in self.journal.happenings(limit=1000) if each.kind == "scaling"]


def _seen(detail):
    found = understand(replace(detail, exposed=(80,)), NODE, "n1")
    return found if detail.state is InstanceState.RUNNING else replace(found, networks=())


def engine_with(count=1, images=(), **labels):
    engine = FakeEngine()
    engine.images |= set(images)
    for number in range(1, count + 1):
        engine.run(f"web-{number}", LABELS | labels)
    return engine
