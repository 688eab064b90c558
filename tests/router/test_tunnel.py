from __future__ import annotations

import gc

import pytest
import websockets
from websockets.asyncio.server import serve

from tests.support.client import GET, Client
from tests.support.origin import ok, saying, serving
from tests.support.router import quick, running, until
from tidegate.router.connection import UpstreamConnection
from tidegate.router.downstream import Downstream
from tidegate.router.reactor import Wire
from tidegate.router.tunnel import Tunnel, TunnelSide

HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def switching(talk):
    """A script that accepts the upgrade and goes on with `talk(peer)`."""

    async def script(peer):
        await peer.head()
        await peer.send(SWITCH)
        await talk(peer)

    return script


async def echo(peer):
    while data := await peer.reader.read(65536):
        await peer.send(data)


async def opened(mesh):
    client = await mesh.client()
    await client.send(HANDSHAKE)
    assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return client


async def test_real_websockets_talk_through_it():
    async def handler(connection):
        async for message in connection:
            await connection.send(message)

    async with serve(handler, "127.0.0.1", 0) as server:
        origin = type("Origin", (), {"address": server.sockets[0].getsockname()[:2]})
        async with running(origin) as mesh:
            host, port = mesh.address
            async with websockets.connect("ws://a.test/chat", host=host, port=port, proxy=None) as client:
                for message in ("hello", b"\x00" * 200_000, "x" * 70_000):
                    await client.send(message)
                    assert await client.recv() == message
                assert [one.in_flight for one in mesh.upstreams] == [1]
            await mesh.at_rest()
            assert mesh.core.accepted == 1


async def test_bytes_sent_before_the_container_agreed_arrive_once_it_does():
    async with serving(switching(echo)) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(HANDSHAKE + b"early")
        assert (await client.until(b"early")).endswith(b"\r\n\r\nearly")


async def test_a_half_close_passes_and_the_other_direction_goes_on():
    async def talk(peer):
        assert await peer.reader.read() == b"all I say"
        await peer.send(b"and my answer")

    async with serving(switching(talk)) as origin, running(origin) as mesh:
        client = await opened(mesh)
        await client.send(b"all I say")
        client.end()
        assert await client.rest() == b"and my answer"
        await mesh.at_rest()


async def test_when_the_client_is_gone_the_container_hears_of_it():
    async with serving(switching(echo)) as origin, running(origin) as mesh:
        client = await opened(mesh)
        client.reset()
        await until(lambda: not origin.open)
        await mesh.at_rest()


async def test_a_client_that_does_not_read_holds_the_container_back():
    sent = 0

    async def flood(peer):
        nonlocal sent
        while True:
            await peer.send(b"x" * 65536)
            sent += 65536

    async with serving(switching(flood)) as origin, running(origin) as mesh:
        client = await Client.connect(mesh.address, receive_buffer=65536)
        await client.send(HANDSHAKE)
        await until(lambda: sent)
        (tunnel,) = mesh.core.connections
        await until(lambda: not tunnel.container.transport.is_reading())
        assert tunnel.transport.get_write_buffer_size() <= 1 << 20
        client.reset()
        await mesh.at_rest()


async def test_a_tunnel_in_which_nothing_moves_is_ended():
    config = quick(tunnel_idle_timeout_seconds=0.4)
    async with serving(switching(lambda peer: peer.ended())) as origin, running(origin, config=config) as mesh:
        client = await opened(mesh)
        assert await client.closed()
        await mesh.at_rest()


async def test_a_tunnel_in_which_bytes_move_lives():
    config = quick(tunnel_idle_timeout_seconds=60.0)
    async with serving(switching(echo)) as origin, running(origin, config=config) as mesh:
        client, now, clock = await opened(mesh), mesh.core.clock(), mesh.core.clock
        (tunnel,) = mesh.core.connections
        for passed in range(0, 600, 40):
            mesh.core.clock = lambda passed=passed: now + passed
            tunnel.on_deadline(now + passed)  # 40 s since the last bytes, and then up to ten minutes in all
            await client.send(b"x")
            assert await client.read() == b"x"
        mesh.core.clock = clock


async def test_a_refused_upgrade_is_an_ordinary_answer():
    async with serving(saying(ok(b"no"))) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(HANDSHAKE)
        assert (await client.response()).body == b"no"
        assert (await client.ask(GET)).body == b"no"
    assert origin.connections == 1


@pytest.mark.parametrize(
    "answer",
    [SWITCH.replace(b"websocket", b"h2c"), b"HTTP/1.1 101 Switching Protocols\r\n\r\n"],
)
async def test_a_switch_to_something_else_is_a_502(answer):
    async with serving(saying(answer)) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(HANDSHAKE)
        assert (await client.response()).status == 502


async def test_a_switch_that_nobody_asked_for_is_a_502():
    async with serving(saying(SWITCH)) as origin, running(origin) as mesh:
        client = await mesh.client()
        assert (await client.ask(GET)).status == 502


async def test_tunnels_end_with_the_drain():
    async with serving(switching(echo)) as origin, running(origin, config=quick(drain_seconds=0.3)) as mesh:
        client = await opened(mesh)
        mesh.router.stop()
        await client.send(b"still here")
        assert await client.read() == b"still here"
        assert await client.closed()
        await until(mesh.done.is_set)
        assert [one.in_flight for one in mesh.upstreams] == [0]


def left_over():
    """What connections consist of, and is still there."""
    kinds = (Downstream, Wire, UpstreamConnection, Tunnel, TunnelSide)
    return [each for each in gc.get_objects() if isinstance(each, kinds)]


async def test_connections_and_tunnels_that_ended_need_no_garbage_collector():
    gc.collect()
    before = len(left_over())
    gc.disable()
    try:
        async with (
            serving(switching(echo)) as origin,
            running(origin) as mesh,
        ):
            clients = [await opened(mesh) for _ in range(3)]
            idle = [await mesh.client() for _ in range(3)]
            await until(lambda: len(left_over()) > before + 20)
            for client in (*clients, *idle):
                client.reset()
            await mesh.at_rest()
            mesh.core.wheel.slots.clear()  # it would let go of them with time
            await until(lambda: len(left_over()) <= before)
    finally:
        gc.enable()
