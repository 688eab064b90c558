import asyncio
import socket

import pytest

from tests.support.built import make
from tidegate.discovery import outside
from tidegate.discovery.outside import OutsideProvider, lookup
from tidegate.engine.compose_labels import PROJECT_LABEL, SERVICE_LABEL
from tidegate.model import Address
from tidegate.stacks.stack import Outside
from tidegate.tasks import Tasks

ROUTED = {"aliyun.routing.port_80": "legacy.test"}


def db(host="10.1.2.3", ports=(3306,), **labels):
    own = {PROJECT_LABEL: "shop", SERVICE_LABEL: "db"}
    return Outside(name="db", host=host, ports=ports, labels={**labels, **own})


class World:
    """What is known, and what names stand for."""

    def __init__(self, *found, **names):
        self.known = {"shop": found}
        self.names, self.asked, self.offered = names, [], []
        self.provider = OutsideProvider(lambda: self.known, "here", self.lookup)

    async def lookup(self, host):
        self.asked.append(host)
        return self.names.get(host, ())

    async def until(self, question):
        async with Tasks("test") as tasks, asyncio.timeout(10):
            task = tasks.spawn("provider", self.provider.run(self.offered.append))
            while not question():  # noqa: ASYNC110
                await asyncio.sleep(0)
            task.cancel()
        return self.offered[-1].services


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(outside, "LOOK_SECONDS", 0.001)


async def test_one_at_an_address_is_a_service_there():
    world = World(db(**{"aliyun.routing.port_3306": "db.test"}))
    (found,) = (await world.until(lambda: world.offered))["shop/db"]
    table = make(found).table
    (endpoint,) = table.services["shop/db"].endpoints
    assert endpoint.address == Address(host="10.1.2.3", port=3306)
    assert [each.service for each in table.routes["db.test/"].backends] == ["shop/db"]
    (target,) = table.names["db.shop"].targets
    assert [each.ipv4 for each in target.addresses] == ["10.1.2.3"]
    assert world.asked == []


async def test_one_at_a_name_is_another_name_for_it():
    world = World(db("db.example.test"))
    (found,) = (await world.until(lambda: world.offered))["shop/db"]
    assert (found.external, found.ports, found.networks) == ("db.example.test", (), ())
    (target,) = make(found).table.names["db"].targets
    assert target.external == "db.example.test"
    assert world.asked == []


async def test_a_name_that_a_route_leads_to_is_looked_up_again_and_kept_while_nobody_answers(monkeypatch):
    monkeypatch.setattr(outside, "AGAIN_LOOKS", 2)
    world = World(db("old.example.test", (80,), **ROUTED), **{"old.example.test": ("10.0.0.1", "10.0.0.2")})
    found = (await world.until(lambda: world.offered))["shop/db"]
    assert [each.networks[0].ipv4 for each in found] == ["10.0.0.1", "10.0.0.2"]
    assert len(make(*found).table.services["shop/db"].endpoints) == 2
    world.names = {}
    await world.until(lambda: len(world.asked) > 3)
    assert len(world.offered) == 1, "what nobody answers is no news"
    world.names = {"old.example.test": ("10.0.0.3",)}
    found = (await world.until(lambda: len(world.offered) > 1))["shop/db"]
    assert [each.networks[0].ipv4 for each in found] == ["10.0.0.3"]


async def test_a_route_to_a_name_that_nobody_knows_is_there_and_has_no_endpoint_ready():
    world = World(db("gone.example.test", (80,), **ROUTED))
    (found,) = (await world.until(lambda: world.offered))["shop/db"]
    assert (found.networks, "legacy.test/" in make(found).table.routes) == ((), True)


async def test_nothing_is_said_before_stacks_are_known_and_a_service_that_goes_is_taken_away():
    world = World(db())
    world.known = None
    async with Tasks("test") as tasks, asyncio.timeout(10):
        task = tasks.spawn("provider", world.provider.run(world.offered.append))
        await asyncio.sleep(0.01)
        assert world.offered == []
        for known, services in (({"shop": (db(),)}, {"shop/db"}), ({}, set())):
            world.known = known
            while not world.offered or set(world.offered[-1].services) != services:  # noqa: ASYNC110
                await asyncio.sleep(0)
        task.cancel()


async def test_labels_of_containers_that_make_no_sense_elsewhere_count_for_nothing_and_wrong_ones_are_told():
    world = World(db(**{"aliyun.scale": "3", "aliyun.auto_scaling.max_cpu": "70", "aliyun.rooting.port_80": "x"}))
    (found,) = (await world.until(lambda: world.offered))["shop/db"]
    assert (found.scale, found.scaling) == (0, None)
    assert "T1203" in [each.code for each in world.provider.problems]


async def test_names_are_looked_up_as_the_host_does(monkeypatch):
    assert "127.0.0.1" in await lookup("localhost")

    def unknown(*_, **__):
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert await lookup("nowhere.invalid") == ()
