"""HTTP over TLS behaves as without it: the catalogue of requests, tunnels, half-closes, large bodies, real clients."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl

import pytest
import websockets
from websockets.asyncio.server import serve

from tests.cases import requests, responses
from tests.integration.worker.test_http1_cases import findings, groups
from tests.support.client import GET, Client, get, post
from tests.support.origin import ok, polite, saying, serving
from tests.support.router import quick, route, running, until
from tests.support.secure import House, open_secure, secure_client
from tidegate.policy import Timeouts, UpstreamTls
from tidegate.tasks import Tasks

GIB_PARTS = 1024  # of a MiB


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.pair("hosts", "a.test", "*.test", "*.example")
    return house


class Door(tuple):
    """An address that is talked to over TLS (`tests.cases.talk`)."""

    __slots__ = ()
    context = None

    async def open(self):
        return await open_secure(self, self.context)


def secure_lane(house):
    """A router between two connections over TLS, as `findings` takes it."""
    Door.context = house.trust()
    house.authority("inside", house.ca)
    container = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    house.ca.issue_cert("web").configure_cert(container)
    held = route(timeouts=Timeouts(hold=0.0), upstream_tls=UpstreamTls(authority="inside"))

    async def lane(stack, script):
        origin = await stack.enter_async_context(serving(script, ssl=container))
        values = {"config": quick(drain_seconds=0.2), "tls": {"shelf": house.shelf()}}
        mesh = await stack.enter_async_context(running(origin, routes=[held], **values))
        return Door(mesh.secure_address), script

    return lane


def told_over_tls(case):
    """The case itself; the one that lies that it came by HTTPS, which is no lie here, with another lie."""
    if case["name"] == "headers/xff-spoof-duplicate":
        return json.loads(json.dumps(case).replace("https", "gopher"))
    return case


@pytest.mark.parametrize("cases", groups("http1-requests.json"))
async def test_requests_come_to_the_same_over_tls_on_both_sides(house, cases):
    told = [told_over_tls(case) for case in cases]
    assert not await findings(told, requests.Recorder, requests.own_finding, secure_lane(house))


@pytest.mark.parametrize("cases", groups("http1-responses.json"))
async def test_responses_come_to_the_same_over_tls_on_both_sides(house, cases):
    assert not await findings(cases, responses.Player, responses.finding, secure_lane(house))


def over_tls(house, *origins, **values):
    return running(*origins, tls={"shelf": house.shelf()}, **values)


async def test_websockets_talk_over_tls(house):
    async def handler(connection):
        async for message in connection:
            await connection.send(message)

    async with serve(handler, "127.0.0.1", 0) as server:
        origin = type("Origin", (), {"address": server.sockets[0].getsockname()[:2]})
        async with over_tls(house, origin) as mesh:
            host, port = mesh.secure_address
            made = websockets.connect("wss://a.test/chat", host=host, port=port, proxy=None, ssl=house.trust())
            async with made as client:
                for message in ("hello", b"\x00" * 200_000, "x" * 70_000):
                    await client.send(message)
                    assert await client.recv() == message
            await mesh.at_rest()


async def test_a_half_closed_tunnel_carries_the_rest_of_the_other_direction(house):
    async def script(peer):
        await peer.head()
        await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        said = await peer.reader.read()
        await peer.send(b"heard " + said)

    asked = get("/chat", extra=b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")  # fmt: skip
    async with serving(script) as origin, over_tls(house, origin) as mesh:
        client = await secure_client(mesh.secure_address, house.trust())
        await client.send(asked)
        await client.until(b"\r\n\r\n")
        await client.send(b"everything")
        client.end()
        assert await client.rest() == b"heard everything"
        client.close()
        await mesh.at_rest()


async def test_a_client_that_has_sent_its_end_still_gets_its_answer(house):
    async with serving(polite) as origin, over_tls(house, origin) as mesh:
        client = await secure_client(mesh.secure_address, house.trust())
        await client.send(GET)
        client.end()
        assert (await client.response()).status == 200


async def test_an_early_answer_reaches_a_client_that_is_still_sending(house):
    async with over_tls(house, routes=[route()]) as mesh:
        client = await secure_client(mesh.secure_address, house.trust())
        await client.send(
            get(host="nobody.test").replace(b"\r\n\r\n", b"\r\nContent-Length: 1000000\r\n\r\n") + bytes(65536)
        )
        assert (await client.response()).status == 404
        await client.send(bytes(65536))
        assert await client.closed()


@pytest.mark.slow
async def test_a_gibibyte_goes_both_ways_in_bounded_memory(house):
    part = bytes(1 << 20)
    size = GIB_PARTS * len(part)

    async def script(peer):
        await peer.head()
        left = size
        while left:
            left -= len(await peer.reader.read(1 << 18))
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(GIB_PARTS):
            await peer.send(part)

    async with serving(script) as origin, over_tls(house, origin) as mesh:
        reader, writer = await asyncio.open_connection(
            *mesh.secure_address[:2], ssl=house.trust(), server_hostname="a.test", limit=1 << 18
        )
        before = resident()
        writer.write(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(GIB_PARTS):
            writer.write(part)
            await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        left = size
        highest = 0
        while left:
            left -= len(await reader.read(1 << 18))
            highest = max(highest, resident()) if left % (1 << 24) < (1 << 18) else highest
        assert highest - before < 64 << 20
        writer.close()
        await mesh.at_rest()


def resident():
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * 4096


async def test_no_request_fails_while_certificates_change_under_load(house):
    async with serving(saying(ok())) as origin, over_tls(house, origin) as mesh:
        done = asyncio.Event()
        answered = []

        async def asking():
            while not done.is_set():
                client = await secure_client(mesh.secure_address, house.trust())
                answered.extend([(await client.ask(GET)).status for _ in range(5)])
                client.close()

        async with Tasks("load") as tasks:
            for _ in range(4):
                tasks.spawn("asking", asking())
            for _ in range(3):
                house.pair("hosts", "a.test", "*.test")
                fresh = (house.certs / "hosts.crt").read_bytes()
                await until(lambda fresh=fresh: [pair.chain for pair in mesh.router.front.view.pairs] == [fresh])
            done.set()
        assert set(answered) == {200}


async def output_of(*command, stdin=None):
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(30):
        out, _ = await process.communicate(stdin)
    return out.decode(errors="replace")


async def test_curl_and_openssl_get_in_and_old_protocols_do_not(house, tmp_path):
    assert shutil.which("curl") and shutil.which("openssl"), "scripts/packages test brings them"
    ca = tmp_path / "ca.pem"
    ca.write_bytes(house.ca.cert_pem.bytes())
    async with serving(saying(ok(b"by curl"))) as origin, over_tls(house, origin) as mesh:
        port = mesh.secure_address[1]
        curl = ("curl", "-s", "--cacert", str(ca), "--resolve", f"a.test:{port}:127.0.0.1", f"https://a.test:{port}/")
        assert await output_of(*curl) == "by curl"
        asked = ("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "a.test", "-CAfile", str(ca))
        good = await output_of(*asked, "-alpn", "http/1.1", stdin=b"")
        assert "Verify return code: 0 (ok)" in good
        assert "ALPN protocol: http/1.1" in good
        assert "Compression: NONE" in good
        old = await output_of(*asked, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", stdin=b"")
        assert "protocol version" in old
        weak = await output_of(*asked, "-tls1_2", "-cipher", "AES128-SHA@SECLEVEL=0", stdin=b"")
        assert "handshake failure" in weak
        renegotiated = await output_of(*asked, "-tls1_2", stdin=b"R\n")
        assert "renegotiat" in renegotiated.lower()
        assert origin.connections


async def test_a_plain_client_that_posts_to_the_https_port_is_told_so(house):
    async with over_tls(house, routes=[route()]) as mesh:
        client = await Client.connect(mesh.secure_address)
        assert (await client.ask(post(b"x"))).status == 400


async def test_tls_1_2_and_1_3_are_both_resumed_at_the_same_host(house):
    async with serving(polite) as origin, over_tls(house, origin) as mesh:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = house.trust()
            context.minimum_version = context.maximum_version = version
            first = await secure_client(mesh.secure_address, context)
            assert (await first.ask(GET)).status == 200
            session = first.writer.pipe.session.session
            again = await secure_client(mesh.secure_address, context, session=session)
            assert again.writer.pipe.session.session_reused
