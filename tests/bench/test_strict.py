"""Clients that forgive nothing: what they count as a failure, and what not."""

from __future__ import annotations

import asyncio
import time

import pytest

from bench.macro.strict import Connection, Downloads, Lives, Requests
from tests.support.origin import ok, polite, serving
from tests.support.router import until

GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"


async def one_then(peer, end):
    await peer.request()
    await peer.send(ok())
    await end(peer)


async def test_a_request_that_meets_a_reset_on_a_used_connection_is_a_failure():
    async def end(peer):
        await peer.request()
        peer.reset()

    async with serving(lambda peer: one_then(peer, end)) as origin:
        requests = Requests(origin.address[1], "a.test", clients=1, pause=lambda: 0.0)
        async with asyncio.TaskGroup() as group:
            group.create_task(requests.run())
            await until(lambda: len(requests.tally.latencies) >= 4)
            requests.stop()
        found = requests.tally.figures("kept")
        assert found["kept_failed"] == found["kept_requests"] // 2 > 0


async def test_a_connection_whose_end_has_arrived_is_replaced_and_nothing_failed():
    async def end(peer):
        peer.writer.close()
        await peer.writer.wait_closed()
        closed.set()

    closed = asyncio.Event()
    async with serving(lambda peer: one_then(peer, end)) as origin:
        connection = Connection(origin.address[1])
        for number in range(1, 4):
            assert await connection.ask(GET) == 200
            await closed.wait()
            closed.clear()
            assert origin.connections == number
        connection.close()


async def test_an_answer_that_ends_too_early_is_no_answer():
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")

    async with serving(script) as origin:
        with pytest.raises(EOFError):
            await Connection(origin.address[1]).ask(GET)


async def test_a_download_that_is_cut_before_any_reload_is_early():
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf")

    async with serving(script) as origin:
        downloads = Downloads(origin.address[1], "a.test", "/", Lives([], 30.0), clients=1, size=99, seconds=0.1)
        async with asyncio.TaskGroup() as group:
            group.create_task(downloads.run())
            await until(lambda: downloads.lives.early)
            downloads.stop()


def test_what_is_cut_is_early_or_late_by_the_first_reload_it_met():
    now = time.monotonic()
    lives = Lives([(now - 100.0, now - 99.0), (now - 40.0, now - 39.0), (now - 5.0, float("inf"))], grace=30.0)
    lives.cut(now - 50.0)  # open at the reload 40 s ago: it had its time
    lives.cut(now - 39.5)  # that was under way: the old one may have had it
    lives.cut(now - 10.0)  # open since after that: 5 s are too few
    lives.cut(now - 1.0)  # met none at all
    assert (lives.late, lives.early) == (2, 2)


async def test_a_polite_server_fails_nobody():
    async with serving(polite) as origin:
        for fresh in (False, True):
            requests = Requests(origin.address[1], "a.test", clients=3, pause=lambda: 0.0, fresh=fresh)
            async with asyncio.TaskGroup() as group:
                group.create_task(requests.run())
                await until(lambda requests=requests: len(requests.tally.latencies) >= 30)
                requests.stop()
            assert not requests.tally.faults
