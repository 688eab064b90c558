"""The leader's loop over a real store, step by step: nodes that do what is placed, a clock that stands until it is moved, and a leader that
may die after any of its writes."""

from __future__ import annotations

from collections import Counter

from tests.support.release_stage import Killed
from tests.support.stack_stage import member, stack
from tidegate.control.journal import Journal
from tidegate.control.placing import Placing
from tidegate.control.stackbook import StackBook
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import State
from tidegate.stacks.report import Report
from tidegate.stacks.stack import Scale
from tidegate.store.port import Compare, Put

READY_AFTER, STEP = 3.0, 2.0
OTHERS = ("reports/", "stacks/", "scale/", "leader")  # what the leader does not write


class Dying:
    """A store in which the leader's writes are counted; right after number `last` it is no more."""

    def __init__(self, store, last=None):
        self._store, self.last, self.writes = store, last, 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def txn(self, compares, operations):
        revision = await self._store.txn(compares, operations)
        if revision is not None and not operations[0].key.startswith(OTHERS):
            self.writes += 1
            if self.writes == self.last:
                raise Killed
        return revision


class Stage:
    """`nodes` by name. `most` is the most containers there were of each service's slot at a time, on nodes that were up."""

    def __init__(self, store, names=("n1", "n2", "n3"), last=None):
        self.store, self.now = Dying(store, last), 10_000.0
        self.nodes = {name: NodeFacts(name=name, zone=name, incarnation="first") for name in names}
        self.running = {name: {} for name in names}  # node -> place key -> when it started
        self.gone = {}  # node -> when it went
        self.broken = set()  # revisions that do not get ready
        self.most = Counter()
        self.lives = 0
        self.journal = Journal(lambda: self.now)
        self.carries = {}  # container, called as its place -> what routers have with it
        self.asked = []  # of which containers that was asked, each time

    async def lead(self, sighted=0.0):
        """A leader begins: reads everything, and nobody else may write from now on. It saw nodes come and go for so long before."""
        self.lives += 1
        revision = await self.store.txn((), (Put(key="leader", value=b"%d" % self.lives),))
        fence = Compare(key="leader", revision=revision)
        self.book = StackBook(self.store, lambda: fence)
        await self.book.load()
        self.placing = Placing(
            self.book,
            self.journal,
            nodes=lambda: tuple(self.nodes.values()),
            held=frozenset,
            wall=lambda: self.now,
            carrying=self.carrying,
            alone=False,
            sighted=lambda: sighted,
            unseen=lambda name: self.now - self.gone[name],
            absence=lambda name: Compare(key=f"nodes/{name}/live", revision=0),
        )
        self.placing.begin()

    async def carrying(self, containers):
        self.asked.append(sorted(containers))
        return {each: self.carries[each] for each in containers if each in self.carries}

    async def want(self, *members, number=1, **more):
        await self.book.stacks.commit({"shop": stack(*members, number=number, **more)})

    async def scale(self, service, desired):
        await self.book.scales.commit({service: Scale(desired=desired)})

    def down(self, name):
        self.nodes[name] = NodeFacts(name=name, zone=name, ready=False)
        self.gone[name] = self.now
        self.running[name].clear()

    def up(self, name):
        self.nodes[name] = NodeFacts(name=name, zone=name, incarnation=f"{self.now}")

    async def pass_time(self, seconds):
        """Nodes act and the leader decides, again and again; where it dies another one follows."""
        end = self.now + seconds
        while self.now < end:
            await self._act()
            before = None
            while before != self.places():
                before = self.places()
                try:
                    await self.placing.turn()
                except Killed:
                    await self.lead()
            self.now += STEP

    async def settle(self, seconds=1200.0):
        """Until all is as wanted."""
        end = self.now + seconds
        while not self.settled():
            assert self.now < end, f"not settled: {sorted(self.places())}, {self.placing.refusals}"
            await self.pass_time(STEP)

    def settled(self):
        picture = self.book.picture
        wanted = Counter(
            {
                (f"shop/{each.name}", each.config): picture.desired(picture.stacks["shop"], each)
                for each in picture.stacks["shop"].members
            }
        )
        found = Counter((each.service, each.revision) for each in picture.places.values())
        whole = all(
            not each.leaving
            and each.node in self.nodes
            and self.nodes[each.node].ready
            and picture.report(each).state is State.READY
            for each in picture.places.values()
        )
        return whole and +found == +wanted

    def places(self):
        """What is stored, by key: where, and whether it leaves."""
        return {key: (each.node, each.leaving) for key, each in self.book.places.entries.items()}

    def told(self):
        return [each.text for each in self.journal.happenings()]

    async def _act(self):
        """Each node that is up does what is placed there, ends what is not, and says so."""
        news = {}
        for name, facts in self.nodes.items():
            if not facts.ready:
                continue
            mine = {key: each for key, each in self.book.places.entries.items() if each.node == name}
            here = self.running[name]
            for key in [key for key in here if key not in mine or mine[key].leaving]:
                del here[key]
            for key, place in mine.items():
                report = self._report(place, here)
                if self.book.reports.entries.get(f"{name}/{key}") != report:
                    news[f"{name}/{key}"] = report
        running = Counter(key.rpartition(".")[0] for here in self.running.values() for key in here)
        self.most |= running
        if news:
            await self.book.reports.commit(news)

    def _report(self, place, here):
        if place.leaving:
            return Report(placed=place.since, state=State.ENDED, gone=True)
        started = here.setdefault(place.key, self.now)
        if self.now < started + READY_AFTER or place.revision in self.broken:
            return Report(placed=place.since, state=State.STARTING, since=started)
        ready = started + READY_AFTER
        return Report(placed=place.since, state=State.READY, since=ready, ready_since=ready, container=place.key)


def web(image="image:1", scale=3, **more):
    return member("web", image, scale=scale, min_healthy_seconds=5.0, **more)


def db(image="image:1", **more):
    return member("db", image, stop_first=True, min_healthy_seconds=5.0, **more)
