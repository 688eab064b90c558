from __future__ import annotations

import asyncio
import contextlib

import dns.message
import pytest

from tests.support.upstream import ScriptedUpstream, answer
from tidegate.config import DnsConfig
from tidegate.dns import wire
from tidegate.dns.forward import UpstreamForwarder, upstreams_of
from tidegate.model import Address
from tidegate.tasks import Tasks

QUERY = wire.parse(dns.message.make_query("www.example.org", "A", use_edns=0).to_wire())


def good(data, _stream):
    return [answer(data, "60 A 192.0.2.1")]


def silent(_data, _stream):
    return None


def refusing(data, _stream):
    return [answer(data, rcode=5)]


@contextlib.asynccontextmanager
async def forwarding(*scripts, try_seconds=0.2):
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(ScriptedUpstream(script)) for script in scripts]
        config = DnsConfig(forward_timeout_seconds=try_seconds, forward_total_seconds=2.0)
        forwarder = UpstreamForwarder(config, [server.address for server in servers])
        tasks = await stack.enter_async_context(Tasks("test"))
        running = tasks.spawn("forwarder", forwarder.run())
        yield forwarder, servers
        running.cancel()


async def resolved(forwarder, query=QUERY):
    return dns.message.from_wire(await forwarder.resolve(query, 1232))


async def test_an_upstream_s_answer_reaches_the_asker_and_then_comes_from_the_cache():
    async with forwarding(good) as (forwarder, (server,)):
        now = asyncio.get_running_loop().time()
        assert forwarder.cached(QUERY, 1232, now) is None
        reply = await resolved(forwarder)
        assert (reply.id, reply.answer[0][0].address) == (int.from_bytes(QUERY.id), "192.0.2.1")
        assert reply.flags & 0x8580 == 0x8180
        again = dns.message.from_wire(forwarder.cached(QUERY, 1232, now + 10.0))
        assert again.answer[0].ttl in (50, 51)  # whole seconds of age
        assert len(server.asked) == 1


@pytest.mark.parametrize("first", [silent, refusing], ids=["silent", "refusing"])
async def test_the_next_upstream_is_asked_and_then_preferred(first):
    async with forwarding(first, good) as (forwarder, (bad, fine)):
        assert (await resolved(forwarder)).rcode() == 0
        other = wire.parse(dns.message.make_query("other.example.org", "A").to_wire())
        assert (await resolved(forwarder, other)).rcode() == 0
        assert (len(bad.asked), len(fine.asked)) == (1, 2)


async def test_a_lost_datagram_is_asked_again():
    seen = []

    def losing(data, _stream):
        seen.append(data)
        return good(data, False) if len(seen) > 1 else None

    async with forwarding(losing) as (forwarder, _):
        assert (await resolved(forwarder)).rcode() == 0


async def test_when_all_are_silent_the_asker_hears_why_and_no_storm_follows():
    async with forwarding(silent) as (forwarder, (server,)):
        reply = await resolved(forwarder)
        assert reply.rcode().name == "SERVFAIL"
        assert [option.code for option in reply.options] == [wire.EDE_NO_REACHABLE]
        asked = len(server.asked)
        await resolved(forwarder)
        assert len(server.asked) == asked


async def test_when_all_refuse_the_refusal_is_passed_on():
    async with forwarding(refusing, refusing) as (forwarder, servers):
        assert (await resolved(forwarder)).rcode().name == "REFUSED"
        assert [len(server.asked) for server in servers] == [1, 1]


async def test_identical_misses_are_asked_once():
    async with forwarding(good) as (forwarder, (server,)):
        replies = await asyncio.gather(*(resolved(forwarder) for _ in range(100)))
        assert {reply.rcode() for reply in replies} == {0}
        assert len(server.asked) == 1
        assert forwarder.counters()["coalesced"] == 99


async def test_do_and_type_keep_answers_apart():
    async with forwarding(good) as (forwarder, (server,)):
        for qtype, dnssec in (("TYPE65", False), ("TYPE97", False), ("A", False), ("A", True)):
            made = dns.message.make_query("www.example.org", qtype, use_edns=0, want_dnssec=dnssec)
            await forwarder.resolve(wire.parse(made.to_wire()), 1232)
        assert len(server.asked) == 4


def test_upstreams_come_from_the_configuration_or_the_system_and_are_never_ourselves(tmp_path):
    file = tmp_path / "resolv.conf"
    file.write_text(
        "# x\nnameserver 127.0.0.11\nsearch a\nnameserver 10.0.0.2\nnameserver 127.0.0.1\noptions ndots:0\n"
    )
    at53 = DnsConfig(listeners=(Address(host="0.0.0.0", port=53),))
    assert [a.host for a in upstreams_of(at53, str(file))] == ["127.0.0.11", "10.0.0.2"]
    given = DnsConfig(upstreams=(Address(host="192.0.2.1", port=5300),))
    assert upstreams_of(given, str(file)) == given.upstreams
    assert upstreams_of(DnsConfig(), str(tmp_path / "none")) == ()
