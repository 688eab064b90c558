"""Stacks over a real store and an engine in memory, in virtual time: book, placing and agent, the reconciler that shows who is ready,
and a store that may end the program right after a write. The engine and the store's file outlive the program, as they do."""

from __future__ import annotations

import asyncio
import contextlib

from tests.support.fake_engine import FakeEngine
from tests.support.release_stage import CountingStore, Killed, Nobody, Workers, wall
from tests.support.seen import instance, inventory
from tidegate.control.engines import Engines
from tidegate.control.executor import Executor
from tidegate.control.gatekeeper import Gatekeeper
from tidegate.control.journal import Journal
from tidegate.control.lookout import Lookout
from tidegate.control.metrics import Registry
from tidegate.control.overrides import OverrideBook
from tidegate.control.ports import Alone
from tidegate.control.reconciler import Reconciler
from tidegate.control.releases import Releases
from tidegate.control.serving import Serving
from tidegate.control.stacks import Stacks
from tidegate.control.stackview import state
from tidegate.control.traffic import Traffic
from tidegate.engine.compose_labels import PROJECT_LABEL, SERVICE_LABEL
from tidegate.engine.spec import ContainerSpec
from tidegate.model import HealthReport, HealthSource, HealthState, InstanceState
from tidegate.placement.node import NodeFacts
from tidegate.stacks.stack import Member, Scale, Stack
from tidegate.tasks import Tasks

NODE = "here"


class StackProgram:
    """One life of control. Containers of an image in `unready` never get ready."""

    def __init__(self, engine, store, unready=()):
        self.engine, self.store, self.unready = engine, store, unready
        self.began, self.shown, self.peak = wall(), None, {}
        self.journal, self.traffic = Journal(wall), Traffic(_now)
        self.flying = ()  # what the one worker has in flight
        self.reconciler = Reconciler(
            self, self, self.journal, required=["docker"], metrics=Registry(), clock=_now, built=self._built
        )
        on, nobody, followers = Engines({"docker": engine}), Nobody(), Workers()
        self.releases = Releases(
            store,
            self.reconciler,
            self.journal,
            followers,
            self.traffic,
            look=Lookout(on),
            acts=lambda tasks, wake: Executor(on, tasks, wake),
            gates=Gatekeeper(nobody, nobody),
            others=nobody,
            engines=("docker",),
            metrics=Registry(),
            clock=_now,
            wall=wall,
        )
        self.overrides = OverrideBook(store, self.journal, self.releases.offer_overrides, wall)
        serving = Serving(self.reconciler, self.releases, followers, self.traffic, _now)
        self.stacks = Stacks(store, NodeFacts(name=NODE), engine, serving, self.releases, self.journal, wall, Alone())

    async def run(self, story):
        """The program, until `story(self)` ends."""
        async with Tasks("program") as tasks:
            parts = [
                tasks.spawn("reconciler", self.reconciler.run()),
                tasks.spawn("releases", self.releases.run()),
                tasks.spawn("overrides", self.overrides.run()),
                tasks.spawn("stacks", self.stacks.run()),
                tasks.spawn("watch", self._watch()),
            ]
            await story(self)
            for part in parts:
                part.cancel()

    # ---------------------------------------------------------------------------------------------- what people do

    async def up(self, stack):
        """Put up, unless it was in an earlier life."""
        await self.until(lambda: self.stacks.book.known)
        known = self.stacks.book.stacks.entries.get(stack.name)
        if known != stack:
            await self.stacks.book.stacks.commit({stack.name: stack})

    async def scale(self, service, desired):
        if self.stacks.book.scales.entries.get(service) != Scale(desired=desired):
            await self.stacks.book.scales.commit({service: Scale(desired=desired)})

    async def settled(self):
        """Everything wanted is there and ready, and nothing else."""
        await self.until(self._settled)

    def _settled(self):
        picture = self.stacks.book.picture
        return all(state(picture, each) == "settled" for each in picture.stacks.values())

    async def until(self, question, seconds=3000):
        async with asyncio.timeout(seconds):
            while True:
                if question():
                    return
                await asyncio.sleep(0.25)

    def running(self, service="web"):
        """Containers of a service that run: (name, image)."""
        return sorted(
            (each.name, each.image)
            for each in self.engine.containers.values()
            if each.state is InstanceState.RUNNING and each.labels.get(SERVICE_LABEL) == service
        )

    def said(self):
        return [(each.text, each.why) for each in self.journal.happenings() if each.kind == "stack"]

    # ------------------------------------------------------------------------------ what is seen, and how ready it is

    async def _watch(self):
        while True:
            self.look()
            self.traffic.fly(0, 1, self.flying)
            await asyncio.sleep(0.25)

    def look(self):
        shown = inventory(*(_instance(each) for each in self.engine.containers.values()), provider="docker")
        for service in ("web", "db"):
            self.peak[service] = max(self.peak.get(service, 0), len(self.running(service)))
        if self.shown != shown.services:
            self.shown = shown.services
            self.reconciler.offer_inventory(shown)
            if self.stacks.agent is not None:
                self.stacks.agent.wake()

    def _built(self):
        self.releases.built()
        self.stacks.built()

    def publish(self, table, delta):
        """Nobody follows."""

    def assume(self, reports):
        """Nothing is remembered."""

    def update(self, changed, removed=()):
        for target in changed:
            container = self.engine.containers[target.instance]
            if container.image not in self.unready:
                remembered = container.started_at < self.began - 0.5
                asyncio.get_running_loop().call_later(0.0 if remembered else 0.5, self._ready, target.endpoint)

    def _ready(self, endpoint):
        report = HealthReport(endpoint=endpoint, state=HealthState.HEALTHY, source=HealthSource.PROBE, since=wall())
        self.reconciler.offer_health(report)


async def stack_lives(path, engine, story, *, last=None, unready=()):
    """Run `story` in one life that ends after write number `last`, and in another one if it did. The last program, and the writes of
    the first."""
    store = CountingStore(path, last)
    program = StackProgram(engine, store, unready)
    with contextlib.suppress(Killed):
        try:
            await program.run(story)
        except* Killed:
            raise Killed from None
    store.database.close()
    if not store.dead:
        return program, store.writes
    second = StackProgram(engine, CountingStore(path), unready)
    await second.run(story)
    second.store.database.close()
    return second, store.writes


def engine_with_images(*images):
    engine = FakeEngine()
    engine.images |= set(images)
    return engine


def member(name="web", image="image:1", *, scale=1, stack="shop", **more):
    """A member whose configuration is its image."""
    labels = {PROJECT_LABEL: stack, SERVICE_LABEL: name}
    more.setdefault("min_healthy_seconds", 2.0)
    more.setdefault("drain_seconds", 5.0)
    template = more.pop("template", ContainerSpec(name=f"{stack}-{name}", image=image, labels=labels))
    config = more.pop("config", f"config-of-{image}")
    return Member(name=name, template=template, config=config, scale=scale, **more)


def stack(*members, name="shop", **more):
    return Stack(name=name, members=members, **more)


def _now():
    return asyncio.get_running_loop().time()


def _instance(detail):
    live = detail.state in (InstanceState.RUNNING, InstanceState.PAUSED)
    project, service = detail.labels.get(PROJECT_LABEL, ""), detail.labels.get(SERVICE_LABEL, detail.name)
    return instance(
        detail.id,
        service,
        project=project,
        routes=[f"{service}.test/"],
        name=detail.name,
        provider="docker",
        image=detail.image,
        state=detail.state,
        created_at=detail.created_at,
        started_at=detail.started_at,
        **({} if live else {"networks": ()}),
    )
