from __future__ import annotations

import asyncio

from tests.support.client import GET
from tests.support.origin import refusing, serving
from tests.support.router import endpoint, quick, route, running, service, until, waiting
from tidegate.policy import Timeouts
from tidegate.router.live import LiveRoute
from tidegate.router.waiting import Waiting


async def test_a_request_waits_for_a_container_and_is_answered_when_there_is_one():
    async with serving() as origin, running(routes=[route()]) as mesh:
        client = await mesh.client()
        await client.send(GET)
        await until(lambda: waiting(mesh) == 1)
        mesh.serve(origin)
        assert (await client.response()).body == b"ok"


async def test_a_request_whose_containers_are_all_dead_is_answered_when_the_table_changes():
    with refusing() as nobody:
        async with serving() as origin, running() as mesh:
            mesh.publish([route()], [service("web", endpoint(nobody.getsockname()))])
            client = await mesh.client()
            await client.send(GET)
            await until(lambda: mesh.failures)
            mesh.serve(origin)
            assert (await client.response()).status == 200


async def test_a_request_waits_for_a_container_that_comes_back_at_the_same_address():
    with refusing() as nobody:
        address = nobody.getsockname()
        async with running() as mesh:
            mesh.publish([route()], [service("web", endpoint(address))])
            clients = [await mesh.client() for _ in range(20)]
            for client in clients:
                await client.send(GET)
            await until(lambda: len(mesh.failures) >= 20)
            async with serving(sock=nobody.dup()):
                assert all([(await client.response()).status == 200 for client in clients])


async def test_waiting_ends_with_503_when_the_routes_bound_is_used_up():
    async with running(routes=[route(timeouts=Timeouts(hold=0.3))]) as mesh:
        client = await mesh.client()
        response = await client.ask(GET)
        assert (response.status, response.reason) == (503, "hold-timeout")
        assert response.headers["retry-after"] == "1"
        assert waiting(mesh) == 0


async def test_no_more_requests_wait_than_the_settings_allow_and_places_become_free_again():
    async with (
        serving() as origin,
        running(routes=[route(timeouts=Timeouts(hold=0.5))], config=quick(hold_queue=2)) as mesh,
    ):
        clients = [await mesh.client() for _ in range(3)]
        for at, client in enumerate(clients):
            await client.send(GET)
            await until(lambda at=at: waiting(mesh) == min(at + 1, 2))
        response = await clients[2].response()
        assert (response.status, response.reason) == (503, "hold-queue-full")
        assert [(await client.response()).reason for client in clients[:2]] == ["hold-timeout"] * 2
        gone = await mesh.client()
        await gone.send(GET)
        await until(lambda: waiting(mesh) == 1)
        gone.reset()
        await until(lambda: waiting(mesh) == 0)
        mesh.serve(origin)
        assert (await clients[0].ask(GET)).status == 200


async def test_a_route_on_hold_lets_its_requests_go_when_it_is_normal_again():
    async with serving() as origin, running(origin, routes=[route(mode="hold")]) as mesh:
        client = await mesh.client()
        await client.send(GET)
        await until(lambda: waiting(mesh) == 1)
        assert not origin.requests
        mesh.publish(routes=[route()])
        assert (await client.response()).status == 200


async def test_a_held_request_whose_route_goes_is_a_404():
    async with running(routes=[route()]) as mesh:
        client = await mesh.client()
        await client.send(GET)
        await until(lambda: waiting(mesh) == 1)
        mesh.publish(routes=[])
        assert (await client.response()).status == 404


async def test_of_many_that_waited_a_few_go_on_at_a_time_the_oldest_first():
    """So the loop looks at connections that are made before it asks for a thousand more."""
    route_, gone, turns = LiveRoute(route()), [], []

    class Held:
        def __init__(self, number):
            self.number = number

        def wake(self):
            gone.append(self.number)

    held = Waiting(lambda _: route_, lambda _, call: call())
    held.begin(asyncio.get_running_loop())
    route_.waiting.extend(map(Held, range(100)))
    held.wake(route_)
    while route_.waiting:
        turns.append(len(gone))
        held.wake(route_)  # another table, meanwhile
        await asyncio.sleep(0)
    assert gone == list(range(100))
    assert turns == [32, 64, 96]


async def test_those_that_still_have_nobody_are_asked_once_each_and_stay_in_order():
    route_, asked = LiveRoute(route()), []

    class Held:
        def wake(self):
            asked.append(self)
            route_.waiting.append(self)

    every = [Held() for _ in range(70)]
    held = Waiting(lambda _: route_, lambda _, call: call())
    held.begin(asyncio.get_running_loop())
    route_.waiting.extend(every)
    held.wake(route_)
    for _ in range(5):
        await asyncio.sleep(0)
    assert asked == every
    assert list(route_.waiting) == every


async def test_a_hundred_requests_that_waited_are_all_answered():
    async with serving() as origin, running(routes=[route()]) as mesh:
        clients = [await mesh.client() for _ in range(100)]
        for client in clients:
            await client.send(GET)
        await until(lambda: waiting(mesh) == 100)
        mesh.serve(origin)
        assert all([(await client.response()).status == 200 for client in clients])
