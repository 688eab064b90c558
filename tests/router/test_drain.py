from __future__ import annotations

import asyncio
import os
import socket
import time

import pytest

from tests.router.test_tunnel import echo, opened, switching
from tests.support.client import GET
from tests.support.origin import ok, serving
from tests.support.router import quick, running, until


async def test_a_connection_between_requests_is_closed_at_once():
    async with serving() as origin, running(origin, config=quick(drain_seconds=60.0)) as mesh:
        client = await mesh.client()
        await client.ask(GET)
        mesh.router.stop()
        assert await client.closed()
        await until(mesh.done.is_set)


async def test_beside_a_successor_a_connection_between_requests_may_have_one_more_soon():
    async with serving() as origin, running(origin, config=quick(drain_seconds=60.0)) as mesh:
        client, silent = await mesh.client(), await mesh.client()
        for each in (client, silent):
            await each.ask(GET)
        mesh.router.retire()
        await until(lambda: mesh.core.draining)
        response = await client.ask(GET)
        assert (response.status, response.headers["connection"]) == (200, "close")
        assert await silent.closed()
        await until(mesh.done.is_set)


async def test_a_connection_that_has_just_come_may_send_its_request():
    async with serving() as origin, running(origin, config=quick(drain_seconds=60.0)) as mesh:
        client = await mesh.client()
        await until(lambda: mesh.core.connections)
        mesh.router.stop()
        await until(lambda: mesh.core.draining)
        response = await client.ask(GET)
        assert (response.status, response.headers["connection"]) == (200, "close")
        await until(mesh.done.is_set)


async def test_a_request_that_has_arrived_unread_is_answered_and_not_reset():
    async with serving() as origin, running(origin, config=quick(drain_seconds=60.0)) as mesh:
        client = await mesh.client()
        await client.ask(GET)
        client.writer.write(GET)  # straight into the router's socket, before its loop turns
        for connection in list(mesh.core.connections):
            connection.drain()
        mesh.router.stop()
        assert (await client.response()).status == 200
        await until(mesh.done.is_set)


@pytest.mark.parametrize("parting", [False, True])
async def test_a_request_that_has_arrived_when_the_time_of_its_idle_connection_is_up_is_answered(parting):
    async with serving() as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.ask(GET)
        (connection,) = mesh.core.connections
        if parting:
            connection.part()
        client.writer.write(GET)  # straight into the router's socket, before its loop turns
        connection.on_deadline(mesh.core.clock() + 1000.0)
        response = await client.response()
        assert (response.status, response.headers.get("connection")) == (200, "close" if parting else None)


@pytest.mark.parametrize("how", ["its time is up", "it makes room"])
async def test_the_end_of_an_idle_connection_is_on_the_wire_at_once(how):
    """Until it is, a request may come that the close would reset."""
    async with serving() as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.ask(GET)
        (connection,) = mesh.core.connections
        with socket.socket(fileno=os.dup(client.writer.get_extra_info("socket").fileno())) as same:
            if how == "its time is up":
                connection.on_deadline(mesh.core.clock() + 1000.0)
            else:
                assert connection.leave()
            assert same.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""  # the loop has not turned since
        await mesh.at_rest()


async def test_who_waits_in_the_accept_queue_when_we_stop_is_answered():
    async with serving() as origin, running(origin, config=quick(drain_seconds=60.0)) as mesh:
        await (await mesh.client()).ask(GET)
        mesh.core.draining = True  # so that the listeners stay as they are
        for listener in mesh.router._listeners:
            listener.pause()
        clients = [await mesh.client() for _ in range(20)]
        for client in clients:
            await client.send(GET)
        mesh.router.stop()
        answers = [await client.response() for client in clients]
        assert [(each.status, each.headers["connection"]) for each in answers] == [(200, "close")] * 20
        await until(mesh.done.is_set)


async def test_requests_are_cut_at_their_deadline_and_tunnels_at_theirs():
    async def never(peer):
        if b"Upgrade" in (head := await peer.head() or b""):
            await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            await echo(peer)
        assert head
        await peer.ended()

    config = quick(drain_seconds=0.3, tunnel_drain_seconds=1.2)
    async with serving(never) as origin, running(origin, config=config) as mesh:
        tunnel, request = await opened(mesh), await mesh.client()
        await request.send(GET)
        await until(lambda: sum(one.in_flight for one in mesh.upstreams) == 2)
        mesh.router.retire()
        assert await request.closed()
        await tunnel.send(b"still here")
        assert await tunnel.read() == b"still here"
        assert await tunnel.closed()
        await until(mesh.done.is_set)


async def test_a_stop_after_all_leaves_tunnels_no_longer_than_requests():
    config = quick(drain_seconds=0.3, tunnel_drain_seconds=600.0)
    async with serving(switching(echo)) as origin, running(origin, config=config) as mesh:
        client = await opened(mesh)
        mesh.router.retire()
        await until(lambda: mesh.core.draining)
        mesh.router.retire()  # again is the same
        mesh.router.stop()
        assert await client.closed()
        await until(mesh.done.is_set)


async def test_a_drain_ends_with_its_last_connection_and_not_with_its_deadline():
    go = asyncio.Event()

    async def slow(peer):
        while await peer.request() is not None:
            await go.wait()
            await peer.send(ok(b"slow"))

    async with serving(slow) as origin, running(origin, config=quick(drain_seconds=600.0)) as mesh:
        client = await mesh.client()
        await client.send(GET)
        await until(lambda: origin.requests)
        mesh.router.stop()
        began = time.monotonic()
        go.set()
        assert (await client.response()).body == b"slow"
        await until(mesh.done.is_set)
        assert time.monotonic() - began < 600.0
