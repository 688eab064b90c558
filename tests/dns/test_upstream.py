from __future__ import annotations

import asyncio
import contextlib

import dns.message
import pytest

from tests.support.upstream import ScriptedUpstream, answer
from tidegate.dns import wire
from tidegate.dns.upstream import POOL, QUERIES_PER_SOCKET, Upstream, query_for
from tidegate.tasks import Tasks

QUERY = query_for(wire.parse(dns.message.make_query("WWW.example.org", "A", use_edns=0).to_wire()))


@contextlib.asynccontextmanager
async def asking(script):
    async with ScriptedUpstream(script) as server, Tasks("test") as tasks:
        upstream = Upstream(server.address)
        running = tasks.spawn("upstream", upstream.run())
        yield upstream, server
        running.cancel()


def test_what_is_asked_is_lower_case_with_rd_and_our_own_edns():
    asked = dns.message.from_wire(QUERY)
    assert asked.question[0].name.to_text() == "www.example.org."
    assert (asked.flags, asked.payload) == (0x0100, 1232)


async def test_an_answer_comes_back_under_a_random_id():
    async with asking(lambda data, _: [answer(data, "60 A 192.0.2.1")]) as (upstream, server):
        for _ in range(20):
            assert (await upstream.ask(QUERY, 5.0)).rcode == wire.NOERROR
    assert len({data[:2] for data in server.asked}) > 15


async def test_queries_leave_from_many_ports_that_are_renewed():
    async with asking(lambda data, _: [answer(data, "60 A 192.0.2.1")]) as (upstream, server):
        for _ in range(POOL * 3):
            await upstream.ask(QUERY, 5.0)
        assert len(server.ports) == POOL
        for port in upstream._ports:
            port._sent = QUERIES_PER_SOCKET
        for _ in range(POOL):
            await upstream.ask(QUERY, 5.0)
        assert len(server.ports) > POOL


@pytest.mark.parametrize(
    "forge",
    [
        lambda good: bytes((good[0] ^ 1,)) + good[1:],
        lambda good: good.replace(b"www", b"wwx"),
        lambda good: good.replace(b"www", b"WWW"),
        lambda good: good[:-1],
        lambda good: good[:2] + b"\x01" + good[3:],
    ],
    ids=["id", "question", "case", "cut", "query"],
)
async def test_a_forged_answer_is_counted_and_the_true_one_still_taken(forge):
    def script(data, _):
        good = answer(data, "60 A 192.0.2.1")
        return [forge(good), good]

    async with asking(script) as (upstream, _):
        assert (await upstream.ask(QUERY, 5.0)).rcode == wire.NOERROR
        assert upstream.rejected == 1


async def test_a_cut_answer_is_asked_for_again_by_tcp():
    def script(data, stream):
        return [answer(data, *(f"60 A 192.0.2.{n}" for n in range(100 if stream else 1)), truncated=not stream)]

    async with asking(script) as (upstream, server):
        found = await upstream.ask(QUERY, 5.0)
        assert (len(found.records), found.truncated) == (100, False)
        assert len(server.streamed) == 1


async def test_silence_is_none_after_the_time_and_leaves_nothing_open():
    async with asking(lambda _data, _stream: None) as (upstream, _):
        assert await upstream.ask(QUERY, 0.05) is None
        assert not any(port._open for port in upstream._ports)


async def test_nobody_there_is_none_at_once():
    async with asking(lambda _data, _stream: None) as (upstream, server):
        server.close()
        async with asyncio.timeout(5):
            assert await upstream.ask(QUERY, 60.0) is None
