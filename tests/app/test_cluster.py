"""Two nodes over one store: each serves what runs on the other."""

import asyncio
import sys
from contextlib import asynccontextmanager

import pytest

from tests.support.cli import RECORDED, ROOT
from tests.support.client import Client, get
from tests.support.memory_store import MemoryStore, Way
from tests.support.serve import free_port, until
from tidegate.app.cluster import seen_from
from tidegate.app.control import Control
from tidegate.app.launch import Launch
from tidegate.app.sockets import bind_all
from tidegate.app.worker import DataPlane
from tidegate.cluster.keys import live_key
from tidegate.config import (
    AdminConfig,
    ClusterConfig,
    Config,
    DnsConfig,
    DockerConfig,
    HttpConfig,
    NodeConfig,
    StateConfig,
)
from tidegate.control.stacklogs import Asked, Reading
from tidegate.control.stackview import state
from tidegate.engine.compose_labels import PROJECT_LABEL, SERVICE_LABEL
from tidegate.engine.spec import ContainerSpec
from tidegate.errors import TidegateError
from tidegate.model import Address, HealthState
from tidegate.stacks.stack import Member, Stack
from tidegate.tasks import Tasks

STACK = f"""\
name: shop
services:
  web:
    image: local
    command: ["{sys.executable}", "-m", "tidegate.example.service"]
    environment: {{SERVICE: web, GREETING: hello, PORT: "7070", PYTHONPATH: "{ROOT}"}}
    labels:
      aliyun.routing.port_7070: http://web.test
      aliyun.probe.url: http://container:7070/healthz
"""


class Node:
    """One node in this process: control and data plane, on its own way to the store."""

    def __init__(self, name, folder, store, stack="", *, processes=False):
        self.way = Way(store)
        config = Config(
            http=HttpConfig(listeners=(Address(host="127.0.0.1", port=0),), access_log="", drain_seconds=1.0),
            dns=DnsConfig(listeners=()),
            admin=AdminConfig(listeners=()),
            docker=DockerConfig(urls=()),
            state=StateConfig(folder=str(folder), store="etcd://127.0.0.1:1"),
            node=NodeConfig(name=name, address="127.0.0.1", zone=f"zone-{name}"),
            cluster=ClusterConfig(peers=(Address(host="127.0.0.1", port=free_port()),)),
            workers=0,
            stack=stack,
            processes=processes,
        )
        sockets = bind_all(config)
        self.address = sockets.http[0][0].getsockname()
        self.launch = Launch(
            config=config,
            http=(sockets.http[0][0].detach(),),
            peers=(sockets.peers[0][0].detach(),),
            channel=sockets.channel[0].detach(),
        )
        self.control = Control(self.launch, self.way)
        self.plane = DataPlane(config, 0, lambda message: self.control.take(0, message))
        self.control.cell.follow(self.plane.apply)

    @property
    def endpoints(self):
        return {
            each.id: (each.node, each.state)
            for service in self.control.cell.table.services.values()
            for each in service.endpoints
        }

    async def figures(self):
        """What the replicas use that other nodes have, and what the routers of all nodes carried for them."""
        seen = self.control.plane.reconciler.inventories.values()
        replicas = [one for each in seen for one in each.services.get("shop/web", ())]
        return await self.control.plane.gathering.of("shop/web", "", replicas, everywhere=True)

    async def measured(self):
        found = await self.figures()
        return len(found.loads) == 1 and found.counted["a"].requests > 0

    async def ask(self, host="web.test"):
        client = await Client.connect(self.address)
        response = await client.ask(get(host=host))
        client.close()
        return response.status

    async def logs(self, service, **asked):
        """(node, replica, text or code of what is in the way) of each line, as this node tells them."""
        rows = []

        async def write(row):
            rows.append(row)

        sources = self.control.plane.stacks.sources
        async with asyncio.timeout(20):
            await Reading(lambda: sources(service), Asked(service=service, **asked), write).run()
        said = [row for row in rows if row is not None]
        return [(row.node, row.replica, row.problem.code if row.problem else row.text) for row in said]


@asynccontextmanager
async def running(stop, *nodes):
    async with Tasks("test") as tasks:
        for node in nodes:
            tasks.spawn("control", node.control.run(stop))
            tasks.spawn("plane", node.plane.run(node.launch, stop))
        try:
            yield
        finally:
            stop.set()


@pytest.fixture
def stack(tmp_path):
    path = tmp_path / "compose.yaml"
    path.write_text(STACK)
    return str(path)


@pytest.mark.slow
async def test_what_runs_on_one_node_is_served_by_the_other_and_stays_so_without_the_store(tmp_path, stack):
    store = MemoryStore()
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    near, far = Node("a", folders[0], store, stack), Node("b", folders[1], store)
    async with running(asyncio.Event(), near, far):
        healthy = HealthState.HEALTHY
        await until(lambda: [("a", healthy)] == list(far.endpoints.values()), what="b knows the endpoint of a as well")
        assert near.endpoints == far.endpoints
        assert (await near.ask(), await far.ask()) == (200, 200)
        assert {each.zone for each in far.control.cluster.nodes.all.values()} == {"zone-a", "zone-b"}
        leaders = {each.control.cluster.leadership.leader for each in (near, far)} - {""}
        assert len(leaders) == 1

        assert [(each["name"], each["state"]) for each in far.control.cluster.listed()] == [
            ("a", "ready"),
            ("b", "ready"),
        ]
        from_stacks = {"replicas", "reserved", "drained_since", "holds", "left_out"}
        told = RECORDED["GET /v1/nodes"]["nodes"][1].keys() - {"endpoints", "used"} - from_stacks
        assert all(told <= each.keys() for each in far.control.cluster.listed()), (
            "tests of the CLI tell of what there is"
        )
        assert far.control.cluster.standing()["nodes"] == 2 and not far.control.cluster.standing()["lost"]
        assert [each.name for each in far.control.cluster.facts()] == ["a", "b"]

        found = await far.figures()
        assert (found.missing, set(found.counted)) == ({}, {"a", "b"})
        await until(far.measured, what="b knows what the replica on a uses, and what a's router carried")

        near.way.broken = far.way.broken = True
        assert (await near.ask(), await far.ask()) == (200, 200)
        assert far.endpoints

        far.way.broken = False
        met = []
        far.control.cluster.met.append(lambda: met.append([each.name for each in far.control.cluster.facts()]))
        await store.revoke(store.entries[live_key("a")].lease)  # as the store does when a's time is over
        await until(lambda: not far.endpoints, what="a is gone and its endpoints with it")
        assert met[-1] == ["b"], "who places replicas is woken"
        assert near.endpoints, "a itself goes on with its own"


@pytest.mark.slow
async def test_a_node_that_starts_while_the_store_is_away_builds_its_table_from_what_it_knew(tmp_path, stack):
    store = MemoryStore()
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    near = Node("a", folders[0], store, stack)
    async with running(asyncio.Event(), near):
        far = Node("b", folders[1], store)
        async with running(asyncio.Event(), far):
            healthy = [("a", HealthState.HEALTHY)]
            await until(lambda: list(far.endpoints.values()) == healthy, what="b knows the endpoint of a")
            known = far.endpoints
        far = Node("b", folders[1], store)
        far.way.broken = True
        async with running(asyncio.Event(), far):
            await until(lambda: not far.control.plane.reconciler.waiting_for, what="it waits for nobody")
            assert far.endpoints == known and await far.ask() == 200
            assert far.control.cluster.standing()["lost"]
            far.way.broken = False
            await until(lambda: not far.control.cluster.standing()["lost"], what="it has joined")
            assert far.endpoints == known


@pytest.mark.slow
async def test_what_replicas_write_on_all_nodes_is_told_by_each_in_the_order_of_time(tmp_path):
    store = MemoryStore()
    for name in "ab":
        (tmp_path / name).mkdir()
    near, far = (Node(name, tmp_path / name, store, processes=True) for name in "ab")
    labels = {PROJECT_LABEL: "shop", SERVICE_LABEL: "web"}
    command = ("/bin/sh", "-c", "for n in 1 2 3; do echo $n; sleep 0.02; done; exec sleep 60")
    template = ContainerSpec(name="shop-web", image="any", command=command, labels=labels)
    shop = Stack(name="shop", members=(Member(name="web", template=template, config="one", scale=2),))
    async with running(asyncio.Event(), near, far):
        await until(lambda: len(near.control.cluster.facts()) == len(far.control.cluster.facts()) == 2)
        await near.control.plane.stacks.book.stacks.commit({"shop": shop})
        await until(lambda: state(far.control.plane.stacks.book.picture, shop) == "settled", what="two replicas")

        async def told_by(node):
            rows = await node.logs("shop/web", tail=100)
            return rows if len(rows) == 6 else ()

        for node in (near, far):
            rows = await until(lambda node=node: told_by(node), what="all lines are told")
            assert {row[0] for row in rows} == {"a", "b"}
            assert [text for name, _, text in rows if name == "a"] == ["1", "2", "3"]
        assert len(await near.logs("shop", tail=1)) == 2, "of the whole stack, the last line of each replica"
        with pytest.raises(TidegateError, match="c cannot be asked"):
            await near.control.cluster.logs("c")


def test_an_address_is_guessed_from_the_way_to_the_store():
    assert seen_from("etcd://127.0.0.1:2379,10.0.0.9:2379") == "127.0.0.1"
    assert seen_from("etcd://[::1]:2379") == "::1"
    assert seen_from("etcd://no.such.host.invalid:1") == ""
