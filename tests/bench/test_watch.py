"""Good traffic that counts failures, against real sockets."""

import asyncio

import pytest

from bench.macro.misbehaving import Misbehaving
from bench.macro.watch import CONNECTIONS, Traffic, complete


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 503 Service Unavailable\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_an_answer_has_its_status_once_all_of_it_is_there(answer):
    assert complete(answer) == 503
    assert {complete(answer[:end]) for end in range(len(answer))} == {None}


async def traffic(protocol, *, fresh=True):
    """200 requests to a server of this protocol; what they saw, and how many connections it took."""
    made = 0

    def count():
        nonlocal made
        made += 1
        return protocol()

    server = await asyncio.get_running_loop().create_server(count, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    seen = await asyncio.to_thread(lambda: Traffic(port, "a.test", 2000.0, 0.1, fresh=fresh).run())
    server.close()
    return seen, made


async def test_good_answers_are_no_failures_and_some_come_on_new_connections():
    seen, made = await traffic(Misbehaving)
    assert (seen.requests, seen.failed) == (200, 0)
    assert made > CONNECTIONS


async def test_connections_are_kept_where_told_so():
    _, made = await traffic(Misbehaving, fresh=False)
    assert made == CONNECTIONS


class Closing(asyncio.Protocol):
    """Hangs up on every request."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.close()


async def test_every_request_that_is_hung_up_on_is_a_failure():
    seen, _ = await traffic(Closing)
    assert (seen.requests, seen.failed) == (200, 200)
