"""Bounds seen from outside: what is too much waits in order or is refused, and never costs anybody else."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.client import get
from tests.support.origin import ok, polite, serving
from tests.support.router import endpoint, route, running, service, until, waiting
from tidegate.policy import Limits, Timeouts


class Gate:
    """An origin that answers when told; `inside` are requests it works at."""

    def __init__(self):
        self.inside = 0
        self.most = 0
        self.open = asyncio.Semaphore(0)

    async def script(self, peer):
        while (asked := await peer.request()) is not None:
            self.inside += 1
            self.most = max(self.most, self.inside)
            await self.open.acquire()
            self.inside -= 1
            await peer.send(ok(asked.target.encode()))


@pytest.mark.parametrize("limits", [Limits(endpoint_requests=2), Limits(endpoint_connections=2)])
async def test_an_endpoint_never_has_more_than_its_limit_and_who_waits_is_served_in_order(limits):
    gate = Gate()
    async with serving(gate.script) as origin, running(origin, routes=[route(limits=limits)]) as mesh:
        clients = [await mesh.client() for _ in range(6)]
        for number, client in enumerate(clients):
            await client.send(get(f"/{number}"))
            await until(lambda number=number: gate.inside + waiting(mesh) == number + 1)
        assert gate.inside == 2
        for _ in clients:
            gate.open.release()
            await asyncio.sleep(0)
        assert [(await client.response()).body for client in clients] == [b"/%d" % number for number in range(6)]
        assert gate.most == 2
        assert [asked.target for asked in origin.requests] == [f"/{number}" for number in range(6)]
        assert origin.connections <= 2


async def test_who_waits_too_long_is_told_so():
    gate = Gate()
    bounds = Limits(endpoint_requests=1, queue_seconds=0.3)
    async with serving(gate.script) as origin, running(origin, routes=[route(limits=bounds)]) as mesh:
        first, second = await mesh.client(), await mesh.client()
        await first.send(get())
        await until(lambda: gate.inside == 1)
        response = await second.ask(get())
        assert (response.status, response.reason, response.headers["retry-after"]) == (503, "queue-timeout", "1")
        gate.open.release()
        assert (await first.response()).status == 200
        gate.open.release()
        assert (await second.ask(get())).status == 200


async def test_a_full_queue_refuses_at_once_and_a_client_that_leaves_frees_its_place():
    gate = Gate()
    bounds = Limits(endpoint_requests=1, queue=1)
    async with serving(gate.script) as origin, running(origin, routes=[route(limits=bounds)]) as mesh:
        busy, held, refused = [await mesh.client() for _ in range(3)]
        await busy.send(get())
        await until(lambda: gate.inside == 1)
        await held.send(get())
        await until(lambda: waiting(mesh) == 1)
        assert (await refused.ask(get())).reason == "overloaded"
        held.reset()
        await until(lambda: waiting(mesh) == 0)
        await refused.send(get("/again"))
        await until(lambda: waiting(mesh) == 1)
        gate.open.release()
        gate.open.release()
        assert (await refused.response()).body == b"/again"


async def test_more_than_the_route_may_have_are_refused_at_once_and_other_routes_do_not_notice():
    gate = Gate()
    async with serving(gate.script) as slow, serving() as quick, running() as mesh:
        mesh.publish(
            [route(limits=Limits(requests=2)), route("b.test", backends={"quick": 1})],
            [service("web", endpoint(slow.address)), service("quick", endpoint(quick.address, "quick"))],
        )
        clients = [await mesh.client() for _ in range(3)]
        for number, client in enumerate(clients[:2]):
            await client.send(get())
            await until(lambda number=number: gate.inside == number + 1)
        response = await clients[2].ask(get())
        assert (response.status, response.reason, response.headers["retry-after"]) == (503, "overloaded", "1")
        assert (await clients[2].ask(get(host="b.test"))).status == 200
        gate.open.release()
        gate.open.release()
        assert [(await client.response()).status for client in clients[:2]] == [200, 200]
        gate.open.release()
        assert (await clients[2].ask(get())).status == 200


async def test_room_at_any_endpoint_lets_the_first_one_in():
    gate, other = Gate(), Gate()
    async with serving(gate.script) as one, serving(other.script) as two, running() as mesh:
        mesh.publish(
            [route(limits=Limits(endpoint_requests=1))],
            [service("web", endpoint(one.address), endpoint(two.address))],
        )
        clients = [await mesh.client() for _ in range(3)]
        for number, client in enumerate(clients):
            await client.send(get(f"/{number}"))
            await until(lambda number=number: gate.inside + other.inside + waiting(mesh) == number + 1)
        other.open.release()
        other.open.release()
        assert (await clients[2].response()).body == b"/2"


async def test_a_raised_limit_lets_in_who_waits():
    gate = Gate()
    async with (
        serving(gate.script) as origin,
        running(origin, routes=[route(limits=Limits(endpoint_requests=1))]) as mesh,
    ):
        clients = [await mesh.client() for _ in range(2)]
        for client in clients:
            await client.send(get())
        await until(lambda: waiting(mesh) == 1)
        mesh.publish(routes=[route()])
        await until(lambda: gate.inside == 2)


async def test_a_slow_service_sheds_load_and_holds_no_more_memory_than_its_queue():  # reliability checklist F5
    gate = Gate()
    bounds = Limits(endpoint_requests=2, queue=3, queue_seconds=30.0)
    async with serving(gate.script) as origin, running(origin, routes=[route(limits=bounds)]) as mesh:
        clients = [await mesh.client() for _ in range(30)]
        for client in clients:
            await client.send(get())
        await until(lambda: gate.inside == 2 and waiting(mesh) == 3)
        refused = [(await client.response()).reason for client in clients[5:]]
        assert refused == ["overloaded"] * 25
        for _ in range(5):
            gate.open.release()
        assert [(await client.response()).status for client in clients[:5]] == [200] * 5


async def test_a_request_that_takes_too_long_altogether_ends(no_blocking):
    async def drip(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await peer.send(b".")
            await asyncio.sleep(0)

    async with serving(drip) as origin, running(origin, routes=[route(timeouts=Timeouts(request=0.5))]) as mesh:
        client = await mesh.client()
        await client.send(get())
        assert 0 < len((await client.rest()).partition(b"\r\n\r\n")[2]) < 1000000000
        await mesh.at_rest()


async def test_a_tunnel_has_the_idle_time_of_its_route():
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

    async def switch(peer):
        await peer.head()
        await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        await peer.ended()

    async with serving(switch) as origin, running(origin, routes=[route(timeouts=Timeouts(idle=0.3))]) as mesh:
        client = await mesh.client()
        await client.send(get(extra=upgrade))
        assert (await client.rest()).startswith(b"HTTP/1.1 101")
        await mesh.at_rest()


async def test_a_polite_origin_is_not_slowed_by_limits():
    async with serving(polite) as origin, running(origin, routes=[route(limits=Limits(endpoint_requests=1))]) as mesh:
        clients = [await mesh.client() for _ in range(20)]
        for _ in range(5):
            for client in clients:
                await client.send(get())
            assert [(await client.response()).status for client in clients] == [200] * 20
        assert origin.connections == 1
