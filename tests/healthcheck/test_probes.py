"""Each probe against real sockets that behave well and badly."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from tests.support.misbehaving import Server, closed_port
from tidegate.errors import EngineError, EngineUnreachable, Problem
from tidegate.healthcheck import probes
from tidegate.healthcheck.state import Verdict
from tidegate.model import Address


@pytest.fixture
async def server():
    server = Server()
    await server.start()
    yield server
    await server.close()


@pytest.mark.parametrize(
    ("answer", "verdict", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", Verdict.OK, ""),
        (b"HTTP/1.0 204 No Content\r\nServer: x\r\n\r\n", Verdict.OK, ""),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", Verdict.OK, ""),
        (b"HTTP/1.1 399 \r\n\r\n", Verdict.OK, ""),
        (b"HTTP/1.1 200\r\n\r\n", Verdict.OK, ""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Verdict.OK, ""),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 503 No\r\n\r\n", Verdict.FAILED, "status 503"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", Verdict.FAILED, "status 101"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Verdict.FAILED, "status 404"),
        (b"HTTP/1.1 503 Unavailable\r\n\r\n", Verdict.FAILED, "status 503"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Verdict.FAILED, "not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", Verdict.FAILED, "not HTTP"),
        (b"HTTP/1.1 banana\r\n\r\n", Verdict.FAILED, "not HTTP"),
        (b"HTTP/1.1 020 x\r\n\r\n", Verdict.FAILED, "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n", Verdict.FAILED, "closed before it answered"),
        (b"", Verdict.FAILED, "closed before it answered"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, Verdict.FAILED, "head larger than 65536 bytes"),
    ],
)
async def test_an_answer_decides(server, answer, verdict, reason):
    server.answer = answer
    outcome = await probes.http(server.address, "/", 5.0)
    assert outcome.verdict is verdict
    assert outcome.reason.startswith(reason)
    assert outcome.ok is (verdict is Verdict.OK)


async def test_the_head_may_come_byte_by_byte(server):
    server.answer, server.piece = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", 1
    assert (await probes.http(server.address, "/", 5.0)).ok


async def test_a_head_that_never_ends_times_out(server):
    server.answer, server.hang = b"HTTP/1.1 200 OK\r\nA: b\r\n", True
    outcome = await probes.http(server.address, "/", 0.05)
    assert outcome.reason == "timed out after 0.05 s"


async def test_a_server_that_says_nothing_times_out(server):
    server.answer, server.hang = b"", True
    assert (await probes.http(server.address, "/", 0.05)).reason == "timed out after 0.05 s"


async def test_an_endless_body_is_not_read(server):
    server.answer, server.hang = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000, True
    assert (await probes.http(server.address, "/", 5.0)).ok


async def test_the_request_names_the_address_and_the_path(server):
    await probes.http(server.address, "/health z?a=b\r\nX: y", 5.0)
    head = server.received[0].decode()
    assert head.startswith("GET /health%20z?a=b%0D%0AX:%20y HTTP/1.1\r\n")
    assert f"\r\nHost: {server.address}\r\n" in head
    assert "\r\nConnection: close\r\n" in head


async def test_an_accepted_connection_is_enough_for_tcp(server):
    server.hang = True
    assert (await probes.tcp(server.address, 5.0)).ok


@pytest.mark.parametrize("ask", [lambda at: probes.tcp(at, 5.0), lambda at: probes.http(at, "/", 5.0)])
async def test_a_closed_port_is_refused(ask):
    outcome = await ask(closed_port())
    assert (outcome.verdict, outcome.reason) == (Verdict.REFUSED, "connection refused")


async def test_a_full_accept_queue_times_out():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = Address(host="127.0.0.1", port=listener.getsockname()[1])
        outcomes = [await probes.tcp(address, 0.1) for _ in range(6)]
    # The kernel still completes a few handshakes of connections that were closed again meanwhile.
    assert all(outcome.ok or outcome.reason == "timed out after 0.1 s" for outcome in outcomes)


async def test_ipv6_works():
    server = Server("::1")
    await server.start()
    server.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    assert (await probes.http(server.address, "/", 5.0)).ok
    assert b"Host: [::1]:" in server.received[0]
    await server.close()


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL])
def test_a_lack_of_our_own_says_nothing_about_the_endpoint(code):
    assert probes._from_error(OSError(code, "x")).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EHOSTUNREACH, "no route to host"),
        (errno.ENETUNREACH, "network unreachable"),
        (errno.EIO, "input/output error"),
    ],
)
def test_errors_are_told_in_words(code, reason):
    outcome = probes._from_error(OSError(code, "Input/output error"))
    assert (outcome.verdict, outcome.reason) == (Verdict.FAILED, reason)


def test_every_split_of_an_answer_decides_alike():
    whole = b"HTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 503 No\r\n\r\n"
    for cut in range(len(whole)):
        outcome, kept = probes.read_head(whole[:cut])
        assert outcome is None
        assert probes.read_head(kept + whole[cut:])[0].reason == "status 503"


async def run(exit_code: int, output: str = ""):
    async def execute(instance, command, timeout_seconds):
        return exit_code, output

    return await probes.command(execute, "c1", ("check",), 5.0)


@pytest.mark.parametrize(
    ("exit_code", "output", "reason"),
    [
        (0, "fine", ""),
        (1, "", "exit code 1"),
        (7, "a\nno database\n", "exit code 7: no database"),
        (127, "", "exit code 127"),
    ],
)
async def test_a_command_succeeds_with_exit_code_zero(exit_code, output, reason):
    outcome = await run(exit_code, output)
    assert (outcome.ok, outcome.reason) == (exit_code == 0, reason)


async def test_a_command_that_hangs_times_out():
    async def execute(instance, command, timeout_seconds):
        await asyncio.get_running_loop().create_future()

    assert (await probes.command(execute, "c1", ("check",), 0.05)).reason == "timed out after 0.05 s"


@pytest.mark.parametrize(("error", "verdict"), [(EngineUnreachable, Verdict.UNKNOWN), (EngineError, Verdict.FAILED)])
async def test_an_engine_that_is_away_is_not_the_endpoints_fault(error, verdict):
    async def execute(instance, command, timeout_seconds):
        raise error(Problem(code="T1", text="gone"))

    outcome = await probes.command(execute, "c1", ("check",), 5.0)
    assert outcome.verdict is verdict
    assert "gone" in outcome.reason
