"""Bad input gets a clear error or a correct refusal: never a traceback, never a dead worker."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket

import dns.message
import dns.query
import pytest

from tests.support.cli import piped
from tests.support.serve import free_port, running, until

pytestmark = pytest.mark.system

HOST = "web.example.test"
GARBAGE = [
    b"\x00" * 100,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x01" * 500,  # a TLS client
    b"\r\n" * 5000,
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: web.example.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: web.example.test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: web.example.test\r\nContent-Length: -1\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: [::1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /%zz\x7f HTTP/9.9\r\nHost: \xff\xfe\r\n\r\n",
    b"A" * 200_000,
    *(random.Random(seed).randbytes(600) for seed in range(40)),
]
STATIC = """\
services:
  web:
    endpoints: ["{address}"]
routes:
  - {{host: web.example.test, path: /, backends: {{web: 100}}}}
"""


@pytest.fixture
async def upstream():
    """A server on loopback that says `fine`; its address."""

    async def serve(reader, writer):
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfine\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


@pytest.fixture
def static(tmp_path, upstream):
    """A static file with one good route."""
    path = tmp_path / "static.yaml"
    path.write_text(STATIC.format(address=upstream))
    return path


async def test_garbage_on_every_port_kills_nobody(tmp_path, static, say):
    async with running(tmp_path, "--file", str(static), workers=2) as tidegate:
        await tidegate.answers(HOST)
        before = tidegate.pids()
        statuses = []
        for where in (tidegate.http, tidegate.admin, tidegate.dns):
            for data in GARBAGE:
                reply = await throw(where, data)
                statuses.append(reply.split(b" ", 2)[1] if reply.startswith(b"HTTP/1.") else b"closed")
        await throw_datagrams(tidegate.dns, [*GARBAGE, b"", *mutated_queries()])
        assert (await tidegate.request(HOST)) == (200, b"fine\n")
        assert (await tidegate.get("/healthz"))[0] == 200
        assert "127.0.0.1" in (await asyncio.to_thread(resolved, tidegate.dns, HOST))
        assert tidegate.pids() == before
        say(f"{len(statuses)} throws: { ({s.decode(): statuses.count(s) for s in sorted(set(statuses))}) }")
    assert b"200" not in statuses
    assert b"500" not in statuses


async def test_a_bad_request_gets_the_right_refusal(tmp_path, static):
    async with running(tmp_path, "--file", str(static)) as tidegate:
        await tidegate.answers(HOST)
        good = b"GET / HTTP/1.1\r\nHost: web.example.test\r\n"
        cases = {
            b"431": good + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
            b"414": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: web.example.test\r\n\r\n",
            b"505": b"GET / HTTP/3.0\r\nHost: web.example.test\r\n\r\n",
            b"404": b"GET / HTTP/1.1\r\nHost: unknown.example.test\r\n\r\n",
            b"400": good + b"Bad Name: x\r\n\r\n",
        }
        for status, data in cases.items():
            assert (await throw(tidegate.http, data)).split(b" ", 2)[1] == status
        assert (await throw(tidegate.http, good + b"Y: 1\r\n" * 200 + b"\r\n")).split(b" ", 2)[1] == b"431"


@pytest.mark.parametrize("flag", ["--http", "--dns", "--admin"])
async def test_a_port_in_use_is_told_with_its_flag_and_nothing_is_started(tmp_path, flag):
    ports = {"--http": free_port(), "--dns": free_port(), "--admin": free_port()}
    with socket.create_server(("127.0.0.1", ports[flag])):
        outcome = await asyncio.to_thread(serve_outcome, tmp_path, ports)
    assert outcome.code == 2
    assert ("T1802" if flag == "--dns" else "T1010") in outcome.err
    assert f"127.0.0.1:{ports[flag]}" in outcome.err
    assert flag in outcome.err
    assert "Traceback" not in outcome.err


async def test_a_missing_docker_socket_leaves_the_files_served_and_is_told(tmp_path, static):
    missing = tmp_path / "no-docker.sock"
    async with running(tmp_path, "--file", str(static), docker=f"unix://{missing}", ready=False) as tidegate:
        assert await tidegate.answers(HOST) == b"fine\n"
        text = (await tidegate.cli("status")).out
        assert str(missing) in text
        assert "not ready" in text
    assert str(missing) in tidegate.log()


async def test_without_any_table_yet_the_answer_is_503_and_not_404(tmp_path):
    missing = tmp_path / "no-docker.sock"
    async with running(tmp_path, docker=f"unix://{missing}", ready=False) as tidegate:
        assert (await tidegate.request(HOST))[0] == 503


async def test_a_broken_file_changes_nothing_and_every_mistake_is_told_with_its_line(tmp_path, static):
    async with running(tmp_path, "--file", str(static)) as tidegate:
        await tidegate.answers(HOST)
        broken = (
            static.read_text().replace("web: 100", "web: many") + "  - {host: 'not a host', backends: {}}\nfoo: 1\n"
        )
        static.write_text(broken)
        problems = await until(lambda: _problems(tidegate, 3), what="the problems are told")
        text = str(problems)
        for line in (5, 6, 7):
            assert f"static.yaml:{line}" in text
        assert (await tidegate.request(HOST)) == (200, b"fine\n")
        static.write_text("routes: [unclosed\n")
        await until(lambda: _problems(tidegate, 1), what="the syntax error is told")
        assert (await tidegate.request(HOST)) == (200, b"fine\n")


def test_an_unknown_flag_and_bad_values_are_told_all_at_once():
    unknown = piped("serve", "--htpt", "1")
    assert unknown.code == 2
    assert "--http" in unknown.err
    several = piped("serve", "--http", "nowhere:x", "--workers", "many", "--dns", "1.2.3.4.5:53")
    assert several.code == 2
    for flag in ("--http", "--workers", "--dns"):
        assert flag in several.err
    assert "Traceback" not in unknown.err + several.err


async def test_containers_with_wrong_label_values_harm_nobody(box, tmp_path):
    await box.serve("good", {"aliyun.routing.port_80": f"http://{HOST}"})
    wrong = [
        {"aliyun.routing.port_99999": "http://a.example.test"},
        {"aliyun.routing.port_80": "http://UPPER_case.example.test:80/?q=1;;;"},
        {"aliyun.routing.port_80": "http://b.example.test", "aliyun.probe.url": "ftp://container/"},
        {"aliyun.routing.port_80": "\x01\x02", "tidegate.weight": "heavy", "tidegate.wieght": "1"},
        {"aliyun.routing.port_80": "http://" + "x" * 5000, "aliyun.scale": "-1", "aliyun.lb.port_80": "y"},
    ]
    async with running(tmp_path, docker=box.url) as tidegate:
        await tidegate.answers(HOST)
        names = [await box.serve(f"bad{index}", labels) for index, labels in enumerate(wrong)]
        for name in names:
            assert await until(lambda name=name: _problems_of(tidegate, name), what=f"problems of {name}")
            text = (await tidegate.cli("explain", name)).out
            assert name in text
            assert "T12" in text
        assert (await tidegate.request(HOST))[0] == 200


async def throw(where, data):
    """Send bytes, half-close, and read what comes until the other side closes (or says nothing for a while)."""
    reader, writer = await asyncio.open_connection(*where)
    reply = b""
    try:
        writer.write(data)
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(3):
                await writer.drain()
                writer.write_eof()
                reply = await reader.read(65536)
    finally:
        writer.transport.abort()
    return reply


async def throw_datagrams(where, datagrams):
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for data in datagrams:
            sender.sendto(data[:8000], where)


def mutated_queries():
    """A good query with each byte turned over, and cut at each place."""
    query = dns.message.make_query(HOST, "A", use_edns=0).to_wire()
    for at in range(len(query)):
        yield query[:at] + bytes((query[at] ^ 0xFF,)) + query[at + 1 :]
        yield query[:at]


def resolved(where, name):
    return str(dns.query.udp(dns.message.make_query(name, "A"), where[0], port=where[1], timeout=5).answer)


def serve_outcome(folder, ports):
    flags = [part for flag, port in ports.items() for part in (flag, f"127.0.0.1:{port}")]
    return piped("serve", *flags, "--no-docker", "--state", str(folder / "state"))


async def _problems(tidegate, count):
    found = (await tidegate.api("/v1/problems"))["problems"]
    return found if len(found) >= count else None


async def _problems_of(tidegate, name):
    return [each for each in (await tidegate.api("/v1/problems"))["problems"] if name in str(each)]
