from __future__ import annotations

import asyncio

import pytest

from tests.support.client import GET, Cut, get
from tests.support.origin import ok, refusing, serving
from tests.support.router import endpoint, quick, route, running, service, until
from tidegate.model import HealthState


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


async def test_connections_idle_for_too_long_are_closed(monkeypatch):
    monkeypatch.setattr("tidegate.router.worker._REAP_SECONDS", 0.2)
    async with serving() as origin, running(origin, config=quick(upstream_idle_seconds=0.2)) as mesh:
        client = await mesh.client()
        await client.ask(GET)
        await until(lambda: not origin.open)
        assert (await client.ask(GET)).status == 200
