from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl

import dns.message
import msgspec
import pytest
import trustme

from tests.support.upstream import ScriptedUpstream, answer, until
from tidegate.dns import pipe as module
from tidegate.dns import wire
from tidegate.dns.cache import key_of
from tidegate.dns.entropy import Entropy
from tidegate.dns.pipe import Pipe
from tidegate.dns.upstream import Upstream, query_for
from tidegate.tasks import Tasks

DEADLINE = 10
NAME = "dns.example"


def query(name="www.example.org"):
    return query_for(key_of(wire.parse(dns.message.make_query(name, "A", use_edns=0).to_wire())))


def good(data, _stream):
    return [answer(data, "60 A 192.0.2.1")]


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@contextlib.asynccontextmanager
async def over_tls(script, authority, tmp_path, *, name=NAME, hosts=(NAME,), seconds=5.0):
    """An upstream over TLS that proves to be `hosts`, asked as `name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts).configure_cert(context)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    async with ScriptedUpstream(script, tls=context) as server, Tasks("test") as tasks:
        place = msgspec.structs.replace(server.address, tls=True, name=name)
        entropy = Entropy()
        upstream = Upstream(place, Pipe(place, entropy, str(file)), seconds, entropy)
        running = tasks.spawn("upstream", upstream.run())
        yield upstream, server
        running.cancel()


async def ask(upstream, *queries):
    """The answers, in the order of the queries."""
    futures = [asyncio.get_running_loop().create_future() for _ in queries]
    for each, future in zip(queries, futures, strict=True):
        assert upstream.ask(each, lambda _asking, found, future=future: future.set_result(found))
    async with asyncio.timeout(DEADLINE):
        return await asyncio.gather(*futures)


async def test_queries_go_over_one_verified_connection_and_none_by_udp(authority, tmp_path):
    async with over_tls(good, authority, tmp_path) as (upstream, server):
        for _ in range(3):
            assert [found.rcode for found in await ask(upstream, query(), query("b.example"))] == [0, 0]
        assert (len(server.streamed), server.connections, server.asked) == (6, 1, [])


async def test_the_address_is_what_is_proven_where_no_name_is_given(authority, tmp_path):
    async with over_tls(good, authority, tmp_path, name="", hosts=("127.0.0.1",)) as (upstream, _):
        assert (await ask(upstream, query()))[0].rcode == wire.NOERROR


@pytest.mark.parametrize("hosts", [("other.example",), ("127.0.0.2",)])
async def test_who_cannot_prove_who_it_is_is_not_asked_and_told_of_once(authority, tmp_path, hosts, caplog):
    with caplog.at_level(logging.WARNING):
        async with over_tls(good, authority, tmp_path, hosts=hosts) as (upstream, server):
            for _ in range(2):
                assert await ask(upstream, query()) == [None]
            assert server.streamed == []
    assert len([record for record in caplog.records if "cannot reach DNS upstream" in record.message]) == 1


async def test_who_is_signed_by_strangers_is_not_asked(authority, tmp_path):
    async with over_tls(good, trustme.CA(), tmp_path) as (upstream, server):
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        assert await ask(upstream, query()) == [None]
        assert server.streamed == []


async def test_answers_may_come_in_any_order(authority, tmp_path):
    held = []

    def backwards(data, _stream):
        held.append(answer(data, f"60 A 192.0.2.{len(held) + 1}"))
        return list(reversed(held)) if len(held) == 3 else None

    async with over_tls(backwards, authority, tmp_path) as (upstream, _):
        found = await ask(upstream, *(query(f"{letter}.example") for letter in "abc"))
        assert [each.body[-1] for each in found] == [1, 2, 3]


async def test_a_broken_connection_fails_what_is_open_and_the_next_query_makes_another(authority, tmp_path):
    answers = iter([[b"short"], [b"short"]])

    def breaking(data, _stream):
        return next(answers, None) or good(data, True)

    async with over_tls(breaking, authority, tmp_path) as (upstream, server):
        assert await ask(upstream, query()) == [None]
        assert await ask(upstream, query()) == [None]
        assert (await ask(upstream, query()))[0].rcode == wire.NOERROR
        assert server.connections == 3


async def test_an_idle_connection_is_closed_and_opened_when_wanted(authority, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.02)
    async with over_tls(good, authority, tmp_path) as (upstream, server):
        await ask(upstream, query())
        await until(lambda: upstream._stream._line is None)
        assert (await ask(upstream, query()))[0].rcode == wire.NOERROR
        assert server.connections == 2


async def test_a_forged_answer_is_counted_and_the_true_one_still_taken(authority, tmp_path):
    def forging(data, _stream):
        return [answer(data, "60 A 10.0.0.1").replace(b"www", b"wwx"), *good(data, True)]

    async with over_tls(forging, authority, tmp_path) as (upstream, _):
        assert (await ask(upstream, query()))[0].body.endswith(b"\xc0\x00\x02\x01")
        assert upstream.rejected == 1


async def test_only_so_many_queries_are_open(authority, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_OPEN", 1)
    async with over_tls(lambda _data, _stream: None, authority, tmp_path, seconds=0.05) as (upstream, _):
        first = asyncio.get_running_loop().create_future()
        assert upstream.ask(query(), lambda _asking, found: first.set_result(found))
        assert not upstream.ask(query(), lambda _asking, _found: None)
        async with asyncio.timeout(DEADLINE):
            assert await first is None
