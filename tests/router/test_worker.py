from __future__ import annotations

import asyncio
import json

import pytest

from tests.support.client import GET, Cut, get
from tests.support.origin import ok, refusing, serving
from tests.support.router import endpoint, quick, route, running, service, until
from tidegate.model import HealthState
from tidegate.policy import Timeouts


async def test_a_request_waits_for_a_container_and_is_answered_when_there_is_one():
    async with serving() as origin, running(routes=[route()]) as mesh:
        client = await mesh.client()
        await client.send(GET)
        await until(lambda: waiting(mesh) == 1)
        mesh.serve(origin)
        assert (await client.response()).body == b"ok"


def waiting(mesh):
    return sum(len(live.waiting) for live in mesh.router.book.routes.values())


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
        for client in clients:
            await client.send(GET)
            await asyncio.sleep(0.02)
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


async def test_requests_follow_the_weights_from_one_request_to_the_next():
    async with serving() as old, serving() as new, running() as mesh:
        services = [service("old", endpoint(old.address, "old")), service("new", endpoint(new.address, "new"))]
        mesh.publish([route(backends={"old": 100, "new": 0})], services)
        client = await mesh.client()
        await client.ask(GET)
        mesh.publish([route(backends={"old": 0, "new": 100})])
        await client.ask(GET)
    assert (len(old.requests), len(new.requests)) == (1, 1)


async def test_a_draining_container_finishes_its_request_and_gets_no_other():
    go = asyncio.Event()

    async def slow(peer):
        await peer.request()
        await go.wait()
        await peer.send(ok(b"slow"))
        await peer.ended()

    async with serving(slow) as leaving, serving() as staying, running(leaving) as mesh:
        client = await mesh.client()
        await client.send(GET)
        await until(lambda: leaving.requests)
        both = [endpoint(leaving.address, state=HealthState.DRAINING), endpoint(staying.address)]
        mesh.publish(services=[service("web", *both)])
        other = await mesh.client()
        assert (await other.ask(GET)).body == b"ok"
        assert mesh.drained == []
        go.set()
        assert (await client.response()).body == b"slow"
        await until(lambda: mesh.drained == [both[0].id])
        await until(lambda: not leaving.open)
        assert (await client.ask(GET)).body == b"ok"


async def test_stopping_finishes_what_is_in_flight_and_closes_what_is_idle():
    go = asyncio.Event()

    async def slow(peer):
        await peer.request()
        await go.wait()
        await peer.send(ok(b"slow"))
        await peer.ended()

    async with serving(slow) as origin, running(origin, config=quick(drain_seconds=10.0)) as mesh:
        idle, busy = await mesh.client(), await mesh.client()
        await busy.send(GET)
        await until(lambda: origin.requests and len(mesh.core.connections) == 2)
        mesh.router.stop()
        assert await idle.closed()
        assert not mesh.done.is_set()
        go.set()
        response = await busy.response()
        assert (response.body, response.headers["connection"]) == (b"slow", "close")
        assert await busy.closed()
        await until(mesh.done.is_set)
        await until(lambda: not origin.open)


async def test_what_is_not_finished_by_the_drain_deadline_is_cut_and_counted():
    async with serving(lambda peer: peer.ended()) as origin, running(origin, config=quick(drain_seconds=0.2)) as mesh:
        client = await mesh.client()
        await client.send(GET)
        await until(lambda: origin.open)
        mesh.router.stop()
        with pytest.raises(Cut):
            await client.response()
        await until(mesh.done.is_set)
        assert [one.in_flight for one in mesh.upstreams] == [0]
        assert mesh.core.unrouted.requests + sum(one.counters.requests for one in mesh.upstreams) == 1


async def test_a_fault_of_ours_costs_one_connection():
    def broken(name, reason):
        raise RuntimeError("a bug")

    with refusing() as nobody:
        async with serving() as origin, running(on_failure=broken) as mesh:
            mesh.publish(
                [route(), route("b.test", backends={"good": 1})],
                [service("web", endpoint(nobody.getsockname())), service("good", endpoint(origin.address, "good"))],
            )
            other = await mesh.client()
            await other.ask(get(host="b.test"))
            client = await mesh.client()
            await client.send(GET)
            assert await client.closed()
            assert mesh.router.faults == 1
            assert (await other.ask(get(host="b.test"))).status == 200


async def test_the_access_log_has_a_json_line_for_every_exchange(tmp_path):
    path = tmp_path / "access.log"
    async with serving() as origin, running(origin, config=quick(access_log=str(path))) as mesh:
        client = await mesh.client()
        agent = b'User-Agent: "quoted" \\ back\x80\tslash\r\nReferer: http://x/"\r\n'
        await client.ask(get('/a?b="c"', extra=agent))
        await client.ask(get("/", host="none.test"))
        await client.send(b"garbage\r\n\r\n")
        await client.rest()
        mesh.router.stop()
        await until(mesh.done.is_set)
    good, lost, refused = [json.loads(line) for line in path.read_text().splitlines()]
    assert (good["status"], good["method"], good["host"], good["target"]) == (200, "GET", "a.test", '/a?b="c"')
    assert (good["agent"], good["referer"]) == ('"quoted" \\ back\x80\tslash', 'http://x/"')
    assert (good["service"], good["sent"], good["received"], good["tries"]) == ("web", 2, 0, 1)
    assert good["duration_us"] >= good["first_byte_us"] >= 0
    assert (good["client"], good["route"]) == ("127.0.0.1", "a.test/")
    assert (lost["status"], lost["reason"], "route" in lost) == (404, "no-route", False)
    assert (refused["status"], refused["reason"]) == (400, "bad-request")


async def test_connections_idle_for_too_long_are_closed(monkeypatch):
    monkeypatch.setattr("tidegate.router.worker._REAP_SECONDS", 0.2)
    async with serving() as origin, running(origin, config=quick(upstream_idle_seconds=0.2)) as mesh:
        client = await mesh.client()
        await client.ask(GET)
        await until(lambda: not origin.open)
        assert (await client.ask(GET)).status == 200
