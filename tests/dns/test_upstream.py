from __future__ import annotations

import asyncio
import contextlib

import dns.message
import pytest

from tests.support.upstream import ScriptedUpstream, answer, until
from tidegate.dns import upstream as module
from tidegate.dns import wire
from tidegate.dns.cache import key_of
from tidegate.dns.entropy import Entropy
from tidegate.dns.pipe import Pipe
from tidegate.dns.standing import State
from tidegate.dns.upstream import POOL, QUERIES_PER_SOCKET, Upstream, query_for
from tidegate.tasks import Tasks

DEADLINE = 10
KEY = key_of(wire.parse(dns.message.make_query("WWW.example.org", "A", use_edns=0).to_wire()))
QUERY = query_for(KEY)


def good(data, _stream):
    return [answer(data, "60 A 192.0.2.1")]


class Asking:
    """An upstream to ask from a coroutine."""

    def __init__(self, server, seconds, **more):
        entropy = Entropy()
        self.upstream = Upstream(server, Pipe(server, entropy), seconds, entropy, **more)

    def begin(self, query=QUERY):
        """A future of the answer."""
        future = asyncio.get_running_loop().create_future()
        assert self.upstream.ask(query, lambda _asking, found: future.set_result(found))
        return future

    async def ask(self, query=QUERY):
        async with asyncio.timeout(DEADLINE):
            return await self.begin(query)


@contextlib.asynccontextmanager
async def asking(script, seconds=5.0, **more):
    async with ScriptedUpstream(script) as server, Tasks("test") as tasks:
        made = Asking(server.address, seconds, **more)
        running = tasks.spawn("upstream", made.upstream.run())
        yield made, server
        running.cancel()


def test_what_is_asked_is_lower_case_with_rd_and_our_own_edns():
    asked = dns.message.from_wire(QUERY)
    assert asked.question[0].name.to_text() == "www.example.org."
    assert (asked.flags, asked.payload) == (0x0100, 1232)


@pytest.mark.parametrize(("flags", "want", "flag"), [(0x0110, False, "CD"), (0x0100, True, "DO")])
def test_do_and_cd_are_asked_as_they_were(flags, want, flag):
    query = dns.message.make_query("a.example", "A", use_edns=0, want_dnssec=want, flags=flags)
    asked = dns.message.from_wire(query_for(key_of(wire.parse(query.to_wire()))))
    assert (asked.flags, asked.ednsflags) == (query.flags, query.ednsflags), flag


async def test_an_answer_comes_back_under_a_random_id():
    async with asking(good) as (made, server):
        for _ in range(20):
            assert (await made.ask()).rcode == wire.NOERROR
    assert len({data[:2] for data in server.asked}) > 15


async def test_queries_leave_from_many_ports_that_are_renewed():
    async with asking(good) as (made, server):
        for _ in range(POOL * 2):
            await made.ask()
        assert len(server.ports) == POOL >= 64
        for port in made.upstream._ports:
            port.sent = QUERIES_PER_SOCKET
        for _ in range(POOL):
            await made.ask()
        assert len(server.ports) > POOL


async def test_a_port_with_an_open_question_is_renewed_without_losing_it():
    held = []

    def holding(data, _stream):
        held.append(data)
        return None if len(held) == 1 else good(data, False)

    async with asking(holding) as (made, server):
        waiting = made.begin()
        await until(lambda: held)
        (port,) = made.upstream._ports
        port.retire()
        server._udp.sendto(answer(held[0], "60 A 192.0.2.1"), ("127.0.0.1", next(iter(server.ports))))
        async with asyncio.timeout(DEADLINE):
            assert (await waiting).rcode == wire.NOERROR
        assert port.sock.fileno() == -1


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

    async with asking(script) as (made, _):
        assert (await made.ask()).rcode == wire.NOERROR
        assert made.upstream.rejected == 1


async def test_an_answer_from_another_port_never_arrives():
    async with ScriptedUpstream(good) as other:

        def script(data, _):
            other._udp.sendto(answer(data, "60 A 203.0.113.1"), ("127.0.0.1", max(server.ports)))
            return good(data, False)

        async with asking(script) as (made, server):
            assert b"\xc0\x00\x02\x01" in (await made.ask()).body


async def test_mixed_case_is_asked_and_its_repetition_demanded():
    async with asking(good, mixed_case=True) as (made, server):
        for _ in range(8):
            assert (await made.ask()).rcode == wire.NOERROR
        asked = {data[12:-15] for data in server.asked}
        assert len(asked) > 1
        assert {name.lower() for name in asked} == {QUERY[12:-15]}

    def folding(data, _):
        return [answer(data[:12] + data[12:29].lower() + data[29:], "60 A 192.0.2.1")]

    async with asking(folding, seconds=0.05, mixed_case=True) as (made, _):
        assert await made.ask() is None
        assert made.upstream.rejected == 1


async def test_a_cut_answer_is_asked_for_again_by_tcp_over_one_connection():
    def script(data, stream):
        return [answer(data, *(f"60 A 192.0.2.{n}" for n in range(100 if stream else 1)), truncated=not stream)]

    async with asking(script) as (made, server):
        for found in (await made.ask(), await made.ask()):
            assert (len(found.ends), found.truncated) == (100, False)
        assert (len(server.streamed), server.connections) == (2, 1)


async def test_a_cut_answer_is_better_than_none():
    def script(data, stream):
        return None if stream else [answer(data, "60 A 192.0.2.1", truncated=True)]

    async with asking(script, seconds=0.1) as (made, server):
        found = await made.ask()
        assert (len(found.ends), found.truncated) == (1, True)
        assert len(server.streamed) == 1


async def test_silence_is_none_after_the_time_and_leaves_nothing_open():
    async with asking(lambda _data, _stream: None, seconds=0.05) as (made, _):
        assert await made.ask() is None
        assert made.upstream.open == 0
        assert not any(port._open for port in made.upstream._ports)
        assert sum(made.upstream.durations["timeout"].counts) == 1


async def test_nobody_there_is_none_at_once_and_three_times_is_down():
    async with asking(lambda _data, _stream: None, seconds=60.0) as (made, server):
        server.close()
        for _ in range(3):
            assert await made.ask() is None
        assert made.upstream.standing.state is State.DOWN
        assert sum(made.upstream.durations["error"].counts) == 3


async def test_only_so_many_questions_are_open(monkeypatch):
    monkeypatch.setattr(module, "MAX_OPEN", 2)
    async with asking(lambda _data, _stream: None, seconds=0.05) as (made, _):
        waiting = [made.begin(), made.begin()]
        assert not made.upstream.ask(QUERY, lambda _asking, _found: None)
        async with asyncio.timeout(DEADLINE):
            assert await asyncio.gather(*waiting) == [None, None]


async def test_closing_ends_what_is_open():
    async with asking(lambda _data, _stream: None) as (made, _):
        waiting = made.begin()
        made.upstream.close()
        assert waiting.result() is None
        assert not made.upstream.ask(QUERY, lambda _asking, _found: None)


async def test_what_became_of_tries_is_counted_by_rcode():
    async with asking(lambda data, _: [answer(data, rcode=2)]) as (made, _):
        await made.ask()
        durations = made.upstream.durations["SERVFAIL"]
        assert sum(durations.counts) == 1
        assert 0 < durations.total < DEADLINE
