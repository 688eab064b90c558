from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.support.dns import name, target, zone_of
from tests.support.dns_server import DEADLINE, framed, query, rcode, running
from tests.support.upstream import ScriptedUpstream
from tidegate.dns import connection
from tidegate.dns.connection import Stream, Streams
from tidegate.dns.desk import Desk


async def test_two_queries_in_one_segment_get_two_answers():
    async with running() as server:
        replies = await server.tcp(framed(query(id=1)) + framed(query(id=2)), answers=2)
        assert [reply[:2] for reply in replies] == [b"\0\1", b"\0\2"]


async def test_a_query_in_single_octets_is_answered():
    async with running() as server:
        assert len(await server.tcp(*(bytes((octet,)) for octet in framed(query())), answers=1)) == 1


async def test_what_must_be_asked_elsewhere_holds_up_nothing_behind_it():
    async with ScriptedUpstream(lambda *_: None) as upstream, running(upstreams=[upstream.address]) as server:
        replies = await server.tcp(framed(query("www.example.org", id=1)) + framed(query(id=2)), answers=2)
        assert [(reply[:2], rcode(reply)) for reply in replies] == [(b"\0\2", "NOERROR"), (b"\0\1", "SERVFAIL")]


@pytest.mark.parametrize("qtype", ["AXFR", "IXFR"])
async def test_nobody_gets_a_whole_zone(qtype):
    async with running() as server:
        (reply,) = await server.tcp(framed(query("mesh.test", qtype)), answers=1)
        assert rcode(reply) == "REFUSED"


async def test_a_half_closed_client_still_gets_its_answers():
    async with running() as server:
        assert len(await server.tcp(framed(query()), answers=1, end=True)) == 1


@pytest.mark.parametrize("data", [b"\0\0", b"\0\5hello"])
async def test_a_length_below_a_header_closes_the_connection(data):
    async with running() as server, asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(data)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()


async def test_a_message_that_stalls_ends_its_connection_even_if_it_drips(monkeypatch):
    monkeypatch.setattr(connection, "MESSAGE_SECONDS", 0.01)
    async with running() as server, asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"\xff\xffGET /")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()


async def test_a_silent_connection_ends_and_the_more_there_are_the_sooner(monkeypatch):
    monkeypatch.setattr(connection, "MAX_STREAMS", 4)
    streams = Streams()
    seen = []
    for _ in range(4):
        seen.append(streams.idle_seconds())
        streams.admit(Silent(streams))
    assert [*seen, streams.idle_seconds()] == [10.0, 10.0, 2.0, 2.0, 0.5]


async def test_a_thousand_silent_connections_keep_nobody_out():
    async with running() as server, asyncio.timeout(DEADLINE * 3), contextlib.AsyncExitStack() as stack:
        for _ in range(connection.MAX_STREAMS + 76):
            _, writer = await asyncio.open_connection(server.host, server.port)
            stack.callback(writer.transport.abort)
        assert len(await server.tcp(framed(query()), answers=1)) == 1
        assert (await server.ask("web", "A")).answer
        assert server.server.counters()["streams"] <= connection.MAX_STREAMS


async def test_a_newcomer_takes_the_place_of_who_was_silent_longest(monkeypatch):
    monkeypatch.setattr(connection, "MAX_STREAMS", 2)
    async with running() as server, asyncio.timeout(DEADLINE):
        kept = [await asyncio.open_connection(server.host, server.port) for _ in range(2)]
        for reader, writer in reversed(kept):  # the first speaks last
            writer.write(framed(query()))
            await reader.readexactly(2)
        newcomer = await asyncio.open_connection(server.host, server.port)
        for reader, writer in (newcomer, kept[0]):
            writer.write(framed(query()))
            assert await reader.readexactly(2)
        with contextlib.suppress(ConnectionResetError):
            assert len(await kept[1][0].read()) < 200
        for _, writer in (newcomer, *kept):
            writer.transport.abort()


async def test_where_all_are_at_work_a_newcomer_is_turned_away(monkeypatch):
    monkeypatch.setattr(connection, "MAX_STREAMS", 1)
    asked = asyncio.Event()
    async with ScriptedUpstream(lambda *_: asked.set()) as upstream, running(upstreams=[upstream.address]) as server:
        async with asyncio.timeout(DEADLINE):
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(framed(query("www.example.org")))
            await asked.wait()
            turned_away, other = await asyncio.open_connection(server.host, server.port)
            with contextlib.suppress(ConnectionResetError):
                assert await turned_away.read() == b""
            assert await reader.readexactly(2)
            assert server.server.counters()["dropped.streams"] == 1
            for each in (writer, other):
                each.transport.abort()


async def test_who_does_not_read_is_not_answered_further_and_stops_nobody():
    asked = 20_000  # some 30 MB of answers
    async with running() as server, asyncio.timeout(DEADLINE * 3):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.transport.pause_reading()
        writer.write(framed(query("many")) * asked)
        answered = await settled(server, "responses.A.NOERROR")
        assert answered < asked / 2
        assert (await server.ask("web", "A")).answer
        writer.transport.resume_reading()
        for _ in range(asked):
            await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        writer.close()


async def settled(server, counter):
    """The value at which a counter stands still for twenty queries of somebody else, which it counts too."""
    before = -1
    while True:
        for _ in range(20):
            await server.ask("web", "AAAA")
        found = server.server.counters()[counter]
        if found == before:
            return found
        before = found


class Wire:
    """A transport that keeps what is written."""

    def __init__(self):
        self.written, self.is_paused, self.is_ended = [], False, False

    def get_extra_info(self, _name):
        return ("127.0.0.1", 1)

    def write(self, data):
        self.written.append(data)

    def pause_reading(self):
        self.is_paused = True

    def resume_reading(self):
        self.is_paused = False

    def is_reading(self):
        return not self.is_paused

    def close(self):
        self.is_ended = True

    abort = close


class Silent(Stream):
    """A connection nobody speaks on."""

    def __init__(self, streams):
        super().__init__(None, streams, None)


@pytest.fixture
async def stream():
    zone = zone_of(name("web", target("1.web", "10.1.0.1")))
    made = Stream(Desk(zone, None), Streams(), asyncio.get_running_loop())
    made.connection_made(Wire())
    return made


async def test_a_long_read_is_answered_in_turns_each_in_one_write(stream):
    wire = stream._transport
    stream.data_received(framed(query()) * 150)
    assert wire.is_paused
    for _ in range(3):
        await asyncio.sleep(0)
    assert not wire.is_paused
    sizes = [len(written) for written in wire.written]
    assert [size * 150 // sum(sizes) for size in sizes] == [64, 64, 22]


async def test_who_ends_while_queries_wait_gets_all_answers_first(stream):
    wire = stream._transport
    stream.data_received(framed(query()) * 100)
    assert stream.eof_received()
    assert not wire.is_ended
    await asyncio.sleep(0)
    assert wire.is_ended
    assert len(b"".join(wire.written)) % 100 == 0
    assert not stream.eof_received()


async def test_who_does_not_read_long_enough_is_ended(stream):
    wire = stream._transport
    stream.pause_writing()
    stream.data_received(framed(query()) * 3)
    stream.sweep(stream.deadline - 0.01)
    assert not wire.is_ended
    stream.sweep(stream.deadline)
    assert wire.is_ended
    assert not wire.written


async def test_a_turn_that_is_due_when_the_connection_is_cut_does_nothing(stream):
    wire = stream._transport
    stream.data_received(framed(query()) * 100)
    stream.abort()
    await asyncio.sleep(0)
    assert (len(wire.written), wire.is_ended) == (1, True)


async def test_what_was_waiting_is_answered_when_the_client_reads_again(stream):
    stream.pause_writing()
    stream.data_received(framed(query()) * 3)
    stream.resume_writing()
    await asyncio.sleep(0)
    assert len(stream._transport.written) == 1
