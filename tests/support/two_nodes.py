"""Nodes that run stacks over one store, each with an engine in memory and its own way to the store: membership, leadership, book,
placing, agent and fence are real. For who runs where while ways are cut. It knows no sockets, so it runs in virtual time too."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager

from tests.support.beside import beside
from tests.support.fake_engine import EPOCH, FakeEngine
from tests.support.stack_stage import member, stack
from tidegate.cluster.leadership import Holder, Leadership
from tidegate.cluster.lease import TTL_SECONDS
from tidegate.cluster.live import Live
from tidegate.cluster.membership import Membership
from tidegate.cluster.nodes import Nodes
from tidegate.cluster.publisher import Publisher
from tidegate.cluster.seen import Places
from tidegate.control.journal import Journal
from tidegate.control.ports import Alone
from tidegate.control.stacks import Stacks
from tidegate.engine.spec import ContainerSpec
from tidegate.model import InstanceState
from tidegate.placement.node import NodeFacts
from tidegate.tasks import Tasks

GRACE = 8.0  # that the exclusive service has to stop, of which its containers take almost all


def now():
    return asyncio.get_running_loop().time()


def wall():
    return EPOCH + now()


class Served:
    """Whatever runs is ready, and nobody waits for anything."""

    records = ()

    def __init__(self, engine):
        self._engine, self.book = engine, self

    def ready(self, container):
        return self._engine.containers[container].state is InstanceState.RUNNING

    def why(self, container):
        return ""

    def leave(self, containers):
        """Nobody has requests."""

    def idle(self, container):
        return True

    async def carried(self, containers):
        return {}


class Node(Alone):
    """One of them; it is what its stacks see of the others. With `engine` it is another life of who had that."""

    alone = False

    def __init__(self, name, way, engine=None, id_="", home="boot/1"):
        super().__init__()
        self.met = []
        self.name, self.way, self.engine = name, way, engine or FakeEngine()
        rng, clock = random.Random(name), asyncio.get_running_loop().time
        live = Live(id=id_ or name, home=home, incarnation=f"boot/{name}", cpus=4.0, memory=8 << 30)
        self.membership = Membership(way, name, lambda: live, clock=clock, rng=rng, changed=self._joined)
        self.leadership = Leadership(way, Holder(node=name, id=id_ or name, home=home), clock=clock, rng=rng)
        self.nodes = Nodes(way, clock, self._met)
        self.publisher = Publisher(way, name, lambda: self.membership.lease, {}, Places)
        served, self.journal = Served(self.engine), Journal(wall)
        self.stacks = Stacks(way, NodeFacts(name=name), self.engine, served, served, self.journal, wall, self)
        self.task = None

    @property
    def leader(self):
        return self.leadership.leader

    @property
    def fence(self):
        return self.leadership.fence

    @property
    def cut_off(self):
        return self.membership.is_cut_off

    @property
    def has_name(self):
        return self.membership.has_name

    @property
    def spoke_at(self):
        """Its last word that the store heard."""
        return self.membership._lease.deadline - TTL_SECONDS

    async def while_leading(self, name, work):
        await self.leadership.while_leading(name, work)

    def facts(self):
        return self.nodes.facts()

    def sighted(self):
        return self.nodes.sighted

    def unseen(self, node):
        return self.nodes.unseen(node)

    def absence(self, node):
        return self.nodes.absence(node)

    def offer_stock(self, stock):
        self.publisher.offer_stock(stock)

    def listed(self):
        return [{"name": name} for name in sorted(self.nodes.all)]

    def _joined(self):
        self.publisher.joined()

    def _met(self, _names):
        for met in self.met:
            met()

    def running(self):
        """Names of containers that run on its engine."""
        return sorted(each.name for each in self.engine.containers.values() if each.state is InstanceState.RUNNING)

    async def run(self):
        parts = (self.nodes, self.membership, self.leadership, self.publisher, self.stacks)
        async with Tasks(self.name) as tasks:
            for number, part in enumerate(parts):
                tasks.spawn(str(number), part.run())


@asynccontextmanager
async def cluster(ways):
    """`ways` by node name. The first has led for long when the others come."""
    made = [Node(name, way) for name, way in ways.items()]
    async with beside(*(each.run() for each in made), settle=1.0):
        yield made


async def until(question, seconds=120.0):
    """Wait until it is so; when it was."""
    async with asyncio.timeout(seconds):
        while not question():  # noqa: ASYNC110  engines in memory announce nothing
            await asyncio.sleep(0.05)
    return now()


TEMPLATE = ContainerSpec(
    name="shop-lock", image="image:1", labels={"tidegate.exclusive": "true"}, stop_timeout_seconds=GRACE
)


class Watched:
    """What ran where, ten times a second."""

    def __init__(self, nodes):
        self.nodes, self.twice, self.last = nodes, [], {}

    async def run(self):
        while True:
            holders = [each.name for each in self.nodes if each.running()]
            if len(holders) > 1:
                self.twice.append((now(), holders))
            self.last |= dict.fromkeys(holders, now())
            await asyncio.sleep(0.1)


async def placed(nodes, on="a"):
    """Put the service up, on that node for choice; who runs it, and who does not."""
    wish = (f"constraint:node==~{on}",)
    lock = member("lock", template=TEMPLATE, exclusive=True, stop_first=True, expressions=wish)
    for each in nodes:
        each.engine.stop_seconds = GRACE - 0.5
    await until(lambda: all(each.leader and len(each.facts()) == 2 for each in nodes))
    await nodes[0].stacks.book.stacks.commit({"shop": stack(lock)})
    await until(lambda: any(each.running() for each in nodes))
    holder, other = sorted(nodes, key=lambda each: not each.running())
    assert holder.name == on
    return holder, other
