"""Containers that refuse, hang, die or fail at random: what clients see, and how often containers are asked again.

The names in comments are rows of the reliability checklist (docs/http.md, docs/balancing.md say what is promised)."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.client import Cut, get, post
from tests.support.origin import ok, refusing, saying, serving
from tests.support.router import endpoint, route, running, service, until
from tidegate.policy import Ejection, Limits, Retry, Timeouts

NEVER = Ejection(failures=0)


def endpoints(*some):
    return [endpoint(one.address) for one in some]


async def die(peer):
    await peer.request()


async def hang(peer):
    await peer.request()
    await peer.ended()


async def asked(mesh, number, request=None):
    client = await mesh.client()
    return [(await client.ask(request or get())) for _ in range(number)]


async def test_a_dying_container_costs_reads_nothing_and_is_ejected():  # F1
    async with serving(die) as bad, serving() as good, running() as mesh:
        mesh.publish([route(ejection=Ejection(failures=3, seconds=30.0))], [service("web", *endpoints(bad, good))])
        assert {response.status for response in await asked(mesh, 20)} == {200}
        assert len(bad.requests) == 3


async def test_a_dying_container_gets_a_write_once_and_the_client_hears_of_it():  # F1
    async with serving(die) as bad, running() as mesh:
        mesh.publish([route(ejection=NEVER)], [service("web", *endpoints(bad))])
        (response,) = await asked(mesh, 1, post(b"x"))
        assert (response.status, response.reason) == (502, "upstream-closed")
        assert len(bad.requests) == 1


async def test_a_container_killed_inside_its_answer_is_a_visible_cut_and_counts_as_a_failure():  # F2
    async def half(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    async with serving(half) as bad, serving() as good, running() as mesh:
        mesh.publish([route(ejection=Ejection(failures=2, seconds=30.0))], [service("web", *endpoints(bad, good))])
        cut = 0
        for _ in range(10):
            client = await mesh.client()
            try:
                await client.ask(get())
            except Cut:
                cut += 1
        assert cut == 2
        assert (bad.connections, bad.open) == (2, 0)


async def test_a_container_nobody_can_connect_to_costs_nothing_but_its_first_tries():  # F3
    with refusing() as nobody:
        async with serving() as good, running() as mesh:
            ejecting = route(ejection=Ejection(failures=3, seconds=30.0))
            mesh.publish([ejecting], [service("web", endpoint(nobody.getsockname()), *endpoints(good))])
            assert {response.status for response in await asked(mesh, 20)} == {200}
            assert len(mesh.failures) == 3


async def test_a_container_that_never_answers_is_a_504_and_leaves_nothing_open():  # F4
    async with serving(hang) as bad, running(bad, routes=[route(timeouts=Timeouts(response=0.3))]) as mesh:
        (response,) = await asked(mesh, 1)
        assert (response.status, response.reason) == (504, "response-timeout")
        await until(lambda: bad.open == 0)


async def test_a_try_that_takes_too_long_goes_to_another_endpoint():
    async with serving(hang) as bad, serving() as good, running() as mesh:
        trying = route(timeouts=Timeouts(try_=0.3), ejection=NEVER)
        mesh.publish([trying], [service("web", *endpoints(bad, good))])
        assert {response.status for response in await asked(mesh, 4)} == {200}
        assert bad.requests
        await until(lambda: bad.open == 0)


async def test_a_try_of_a_write_that_takes_too_long_is_not_repeated():
    async with serving(hang) as bad, serving(hang) as other, running() as mesh:
        mesh.publish([route(timeouts=Timeouts(try_=0.3))], [service("web", *endpoints(bad, other))])
        (response,) = await asked(mesh, 1, post(b"x"))
        assert (response.status, response.reason) == (504, "response-timeout")
        assert len(bad.requests) + len(other.requests) == 1


async def test_no_request_is_tried_more_often_than_the_route_says():
    async with serving(die) as bad, serving(die) as other, running() as mesh:
        mesh.publish(
            [route(retry=Retry(tries=1), timeouts=Timeouts(hold=0.0))], [service("web", *endpoints(bad, other))]
        )
        (response,) = await asked(mesh, 1)
        assert response.status == 502
        assert len(bad.requests) + len(other.requests) == 1


async def test_a_retry_storm_stays_within_the_budget():  # F32
    async with serving(die) as bad, serving() as good, running() as mesh:
        storm = route(retry=Retry(budget_percent=20, budget_per_second=0.0), ejection=NEVER)
        mesh.publish([storm], [service("web", *endpoints(bad, good))])
        responses = await asked(mesh, 200)
        sent = len(bad.requests) + len(good.requests)
        assert sent - 200 <= 0.2 * 200
        assert sent - 200 >= 0.1 * 200
        assert all(one.status == 200 or one.reason == "upstream-closed" for one in responses)


async def test_an_ejected_container_comes_back_after_one_good_answer():
    well = asyncio.Event()

    async def recovering(peer):
        while await peer.request() is not None:
            if not well.is_set():
                return
            await peer.send(ok(b"back"))

    async with serving(recovering) as one, serving() as good, running() as mesh:
        mesh.publish([route(ejection=Ejection(failures=2, seconds=0.3))], [service("web", *endpoints(one, good))])
        client = await mesh.client()
        while len(one.requests) < 2:
            assert (await client.ask(get())).status == 200
        assert [(await client.ask(get())).body for _ in range(5)] == [b"ok"] * 5
        well.set()
        async with asyncio.timeout(10):
            while (await client.ask(get())).body != b"back":  # noqa: ASYNC110  its time must pass
                await asyncio.sleep(0.02)
        assert [(await client.ask(get())).body for _ in range(6)].count(b"back") == 3


async def test_an_ejected_container_is_never_tried_with_a_request_that_must_not_be_sent_twice():
    async def dying(peer):
        await peer.request()

    async with serving(dying) as one, serving() as good, running() as mesh:
        mesh.publish([route(ejection=Ejection(failures=1, seconds=0.2))], [service("web", *endpoints(one, good))])
        client = await mesh.client()
        while not one.requests:
            assert (await client.ask(get())).status == 200
        (out,) = [each for each in mesh.upstreams if each.ejected]
        async with asyncio.timeout(10):
            while not out.trial:  # noqa: ASYNC110  its time must pass
                await asyncio.sleep(0.02)
        assert {(await client.ask(post(b"x"))).status for _ in range(10)} == {200}
        assert len(one.requests) == 1
        assert (await client.ask(get())).status == 200
        assert len(one.requests) == 2


async def test_server_errors_eject_where_the_route_says_so():
    broken = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    async with serving(saying(broken)) as bad, serving() as good, running() as mesh:
        strict = route(ejection=Ejection(failures=3, seconds=30.0, server_errors=True))
        mesh.publish([strict], [service("web", *endpoints(bad, good))])
        assert [response.status for response in await asked(mesh, 20)].count(503) == 3


async def test_when_all_fail_the_last_ones_stay_in_service():  # F31
    async with serving(die) as one, serving(die) as two, running() as mesh:
        mesh.publish([route(ejection=Ejection(failures=1, seconds=30.0))], [service("web", *endpoints(one, two))])
        for response in await asked(mesh, 6):
            assert response.status == 502
        assert max(len(one.requests), len(two.requests)) >= 5


async def test_other_routes_do_not_notice_a_service_that_hangs():  # F3, F5
    async with serving(hang) as bad, serving() as good, running() as mesh:
        mesh.publish(
            [route(limits=Limits(endpoint_requests=2)), route("b.test", backends={"good": 1})],
            [service("web", *endpoints(bad)), service("good", endpoint(good.address, "good"))],
        )
        stuck = [await mesh.client() for _ in range(50)]
        for client in stuck:
            await client.send(get())
        await until(lambda: len(bad.requests) == 2)
        client = await mesh.client()
        assert {(await client.ask(get(host="b.test"))).status for _ in range(20)} == {200}


@pytest.mark.parametrize("request_bytes", [post(b"x"), b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx"])
async def test_a_write_is_not_lost_on_a_pooled_connection_that_the_container_has_closed(request_bytes):
    """The router's loop is busy when the FIN comes: only the kernel knows of it when the request is read."""
    closing = asyncio.Event()

    async def once(peer):
        await peer.request()
        await peer.send(ok())
        if peer.number == 1:
            await closing.wait()
            return
        await peer.request()
        await peer.send(ok(b"second"))

    async with serving(once) as origin, running(origin) as mesh:
        client = await mesh.client()
        assert (await client.ask(get())).status == 200
        (upstream,) = mesh.upstreams
        (idle,) = upstream.idle
        assert not idle.ended()
        idle.transport.pause_reading()  # as if the loop had not come to it yet
        closing.set()
        await until(idle.ended)
        assert (await client.ask(request_bytes)).status == 200


async def test_a_dead_service_is_asked_now_and_then_not_by_everybody_who_waits():
    with refusing() as nobody:
        address = nobody.getsockname()
        async with running() as mesh:
            mesh.publish([route()], [service("web", endpoint(address))])
            clients = [await mesh.client() for _ in range(50)]
            for client in clients:
                await client.send(get())
            await until(lambda: len(mesh.failures) >= 50)
            before, began = len(mesh.failures), asyncio.get_running_loop().time()
            await until(lambda: len(mesh.failures) >= before + 6)
            assert (
                asyncio.get_running_loop().time() - began > 0.3
            )  # all of them at once would be 50 in the first moment
            async with serving(sock=nobody.dup()):
                assert all([(await client.response()).status == 200 for client in clients])
