from __future__ import annotations

import asyncio
import os
import resource
from contextlib import contextmanager

from tests.support.client import GET
from tests.support.origin import ok, serving
from tests.support.router import quick, route, running, until
from tidegate.policy import Timeouts
from tidegate.router import keeper as module
from tidegate.router.admission import FRUGAL, NORMAL, SHEDDING, Bounds
from tidegate.router.keeper import resident_bytes

MANY = quick(max_connections=20)


@contextmanager
def exhausted():
    """Within the block this process gets no file descriptor more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open("/dev/null", os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def idle_clients(mesh, count):
    """Clients that had one answer each."""
    clients = [await mesh.client() for _ in range(count)]
    for client in clients:
        assert (await client.ask(GET)).status == 200
    return clients


async def test_below_the_bound_all_is_as_ever():
    async with serving() as origin, running(origin, config=MANY) as mesh:
        clients = await idle_clients(mesh, 20)
        assert [(await client.ask(GET)).headers.get("connection") for client in clients] == [None] * 20
        assert (mesh.core.evicted, mesh.core.refused, mesh.core.pressure) == (0, 0, NORMAL)


async def test_one_more_costs_the_connection_its_place_that_is_idle_longest(monkeypatch):
    monkeypatch.setattr(module, "_RESTED_SECONDS", 0.0)
    async with serving() as origin, running(origin, config=MANY) as mesh:
        oldest, *others = await idle_clients(mesh, 20)
        for client in others:
            await client.ask(GET)
        new = await mesh.client()
        assert (await new.ask(GET)).status == 200
        assert await oldest.closed()
        assert [(await client.ask(GET)).status for client in others] == [200] * 19
        assert (mesh.core.evicted, mesh.core.refused) == (1, 0)


async def test_a_connection_in_use_keeps_its_place_between_two_requests():
    async with serving() as origin, running(origin, config=MANY) as mesh:
        clients = await idle_clients(mesh, 20)
        response = await (await mesh.client()).ask(GET)
        assert (response.status, response.reason) == (503, "overloaded")
        assert [(await client.ask(GET)).headers.get("connection") for client in clients] == [None] * 20


async def test_a_limit_that_is_lowered_costs_those_that_rest_and_nobody_else(monkeypatch):
    async with serving() as origin, running(origin, config=MANY) as mesh:
        clients = await idle_clients(mesh, 20)
        lower = Bounds(connections=5, surplus=1, upstream_connections=5)
        monkeypatch.setattr(mesh.router.keeper, "_follow_limit", lambda: None)
        mesh.router.keeper.admission.bounds = lower
        mesh.core.bound = 5
        assert [(await client.ask(GET)).headers.get("connection") for client in clients] == [None] * 20
        monkeypatch.setattr(module, "_RESTED_SECONDS", 0.0)
        await until(lambda: len(mesh.core.connections) <= 5)
        assert mesh.core.evicted == 15


async def test_one_more_is_refused_where_nobody_is_idle_and_welcome_again_afterwards(monkeypatch):
    go = asyncio.Event()

    async def slow(peer):
        while await peer.request() is not None:
            await go.wait()
            await peer.send(ok())

    async with serving(slow) as origin, running(origin, config=MANY) as mesh:
        clients = [await mesh.client() for _ in range(20)]
        for client in clients:
            await client.send(GET)
        await until(lambda: len(origin.requests) == 20)
        new = await mesh.client()
        response = await new.ask(GET)
        assert (response.status, response.reason) == (503, "overloaded")
        assert (response.headers["connection"], response.headers["retry-after"]) == ("close", "1")
        assert mesh.core.refused == 1
        go.set()
        assert [(await client.response()).status for client in clients] == [200] * 20
        monkeypatch.setattr(module, "_RESTED_SECONDS", 0.0)
        assert (await (await mesh.client()).ask(GET)).status == 200


async def test_beyond_the_surplus_who_comes_waits_in_the_queue_and_is_served_when_others_have_gone():
    go = asyncio.Event()

    async def slow(peer):
        while await peer.request() is not None:
            await go.wait()
            await peer.send(ok())

    async with serving(slow) as origin, running(origin, config=MANY) as mesh:
        clients = [await mesh.client() for _ in range(30)]
        for client in clients[:20]:
            await client.send(GET)
        await until(lambda: mesh.router.keeper.pauses)
        await until(lambda: mesh.router.keeper.paused)
        assert len(mesh.core.connections) < 30
        go.set()
        assert [(await client.response()).status for client in clients[:20]] == [200] * 20
        await until(lambda: not mesh.router.keeper.paused)
        last = clients[-1]
        assert (await last.ask(GET)).status == 200


async def test_memory_above_the_marks_keeps_nothing_then_refuses_and_is_forgiven(monkeypatch):
    held = resident_bytes()
    monkeypatch.setattr(module, "_ROOM_BYTES", 0)
    monkeypatch.setattr(module, "resident_bytes", lambda: held)
    limit = 2 * held
    async with serving() as origin, running(origin, config=quick(max_memory_bytes=limit)) as mesh:
        client = await mesh.client()
        assert (await client.ask(GET)).headers.get("connection") is None
        held = int(limit * 0.9)
        await until(lambda: mesh.core.pressure == FRUGAL)
        assert (await client.ask(GET)).headers["connection"] == "close"
        mesh.publish([route()], [])
        waiting = await mesh.client()
        response = await waiting.ask(GET)
        assert (response.status, response.reason) == (503, "overloaded")
        mesh.serve(origin)
        held = limit + 1
        await until(lambda: mesh.core.pressure == SHEDDING)
        client = await mesh.client()
        response = await client.ask(GET)
        assert (response.status, response.reason, response.headers["connection"]) == (503, "overloaded", "close")
        held = 0
        await until(lambda: mesh.core.pressure == NORMAL)
        assert (await (await mesh.client()).ask(GET)).status == 200


async def test_a_lack_of_descriptors_of_ours_is_not_held_against_the_container():
    async with serving() as origin, running(origin, routes=[route(timeouts=Timeouts(hold=0.3))]) as mesh:
        client = await mesh.client()
        await until(lambda: mesh.core.connections)
        with exhausted():
            response = await client.ask(GET)
        assert (response.status, response.reason) == (503, "overloaded")
        assert mesh.failures == []
        assert (await (await mesh.client()).ask(GET)).status == 200


def test_memory_is_known_when_there_is_no_descriptor_left():
    held = resident_bytes()
    with exhausted():
        assert resident_bytes() > held / 2
