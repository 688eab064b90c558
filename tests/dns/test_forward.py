from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import dns.message
import pytest

from tests.support.dns import LOCAL, zone_of
from tests.support.upstream import ScriptedUpstream, answer, until
from tidegate.config import DnsConfig, ForwardZone
from tidegate.dns import forward, wire
from tidegate.dns.cache import key_of
from tidegate.dns.forward import UpstreamForwarder, is_own
from tidegate.dns.record import packed
from tidegate.dns.standing import State
from tidegate.model import Address, Nameserver
from tidegate.tasks import Tasks

DEADLINE = 10
DATA = dns.message.make_query("www.example.org", "A", use_edns=0, id=7).to_wire()
QUERY = wire.parse(DATA)
ASKER = zone_of().asker(packed("10.1.0.9"), LOCAL)
SHAPE = 1
NOWHERE = Path("/nonexistent/resolv.conf")


def query(name="www.example.org", qtype="A", **more):
    return wire.parse(dns.message.make_query(name, qtype, **({"use_edns": 0} | more)).to_wire())


def good(data, _stream):
    return [answer(data, "60 A 192.0.2.1")]


def silent(_data, _stream):
    return None


def refusing(data, _stream):
    return [answer(data, rcode=5)]


class Asking:
    """A forwarder with scripted upstreams, to ask from a coroutine. `age` turns the forwarder's clock on."""

    def __init__(self, forwarder, servers):
        self.forwarder = forwarder
        self.servers = servers

    async def ask(self, asked=QUERY, room=1232):
        future = asyncio.get_running_loop().create_future()

        def arrived(reply):
            self.answering = self.forwarder.answering
            future.set_result(reply)

        reply = self.forwarder.take(asked, room, SHAPE, lambda: arrived)
        async with asyncio.timeout(DEADLINE):
            return dns.message.from_wire(reply if reply is not None else await future)

    def now(self, asked=QUERY):
        """The reply if it comes at once."""
        reply = self.forwarder.take(asked, 1232, SHAPE, lambda: lambda _reply: None)
        return None if reply is None else dns.message.from_wire(reply)

    def age(self, seconds):
        before = asyncio.get_running_loop().time
        turned = getattr(self, "turned", 0.0) + seconds
        self.turned = turned
        self.forwarder._clock = lambda: before() + turned

    @property
    def counts(self):
        return self.forwarder.counters()


@contextlib.asynccontextmanager
async def forwarding(*scripts, seconds=0.2, zones=(), resolv_conf=NOWHERE, **settings):
    """`zones` are names, each with the last upstream as its own."""
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(ScriptedUpstream(script)) for script in scripts]
        places = tuple(server.address for server in servers)
        general = places[:-1] if zones else places
        values = {
            "upstreams": general,
            "forward_zones": tuple(ForwardZone(zone=zone, upstreams=places[-1:]) for zone in zones),
            "forward_timeout_seconds": seconds,
            "forward_total_seconds": 2.0,
            "loop_check": False,
        }
        forwarder = UpstreamForwarder(DnsConfig(**(values | settings)), resolv_conf)
        forwarder.reload()
        tasks = await stack.enter_async_context(Tasks("test"))
        running = tasks.spawn("forwarder", forwarder.run())
        yield Asking(forwarder, servers)
        running.cancel()


def first_address(reply):
    return reply.answer[0][0].address


async def test_while_an_answer_is_sent_it_is_known_whose_it_is():
    async with forwarding(refusing, good) as asking:
        await asking.ask()
        assert asking.answering == str(asking.servers[1].address)
    async with forwarding(refusing, refusing) as asking:
        await asking.ask()
        assert asking.answering in {str(each.address) for each in asking.servers}
    async with forwarding(silent) as asking:
        await asking.ask()
        assert asking.answering == ""
    async with forwarding(good) as asking:
        await asking.ask()
        asking.age(100.0)
        asking.servers[0].script = silent
        assert (await asking.ask()).answer
        assert asking.answering == ""


async def test_an_upstream_s_answer_reaches_the_asker_and_then_comes_from_the_cache():
    async with forwarding(good) as asking:
        assert asking.forwarder.recall(DATA, ASKER, SHAPE) is None
        reply = await asking.ask()
        assert (reply.id, first_address(reply)) == (7, "192.0.2.1")
        assert reply.flags & 0x8580 == 0x8180
        asking.age(10.0)
        again = asking.now()
        assert again.answer[0].ttl in (49, 50)  # whole seconds of age
        assert asking.forwarder.recall(DATA, ASKER, SHAPE) is not None
        assert asking.forwarder.recall(DATA, ASKER, SHAPE + 1) is None
        assert len(asking.servers[0].asked) == 1


async def test_do_and_type_keep_answers_apart():
    async with forwarding(good) as asking:
        for qtype, dnssec in (("TYPE65", False), ("TYPE97", False), ("A", False), ("A", True)):
            await asking.ask(query(qtype=qtype, want_dnssec=dnssec))
        assert len(asking.servers[0].asked) == 4


async def test_the_next_upstream_is_asked_and_then_preferred():
    for first in (silent, refusing):
        async with forwarding(first, good) as asking:
            assert (await asking.ask()).rcode() == 0
            bad, fine = asking.servers
            assert bad.asked
            for number in range(100):  # where this process is held up, the other one may be asked as well
                before = len(bad.asked), len(fine.asked)
                assert (await asking.ask(query(f"n{number}.example.org"))).rcode() == 0
                if (len(bad.asked), len(fine.asked)) == (before[0], before[1] + 1):
                    break
            else:
                pytest.fail("the upstream that does not answer was always asked too")


async def test_when_all_are_silent_the_asker_hears_why_and_no_storm_follows():
    async with forwarding(silent, seconds=0.05) as asking:
        reply = await asking.ask()
        assert reply.rcode().name == "SERVFAIL"
        assert [option.code for option in reply.options] == [wire.EDE_NO_REACHABLE]
        asked = len(asking.servers[0].asked)
        assert asking.now().rcode().name == "SERVFAIL"
        assert len(asking.servers[0].asked) == asked


async def test_when_all_refuse_the_refusal_is_passed_on_and_kept_for_a_moment():
    async with forwarding(refusing, refusing) as asking:
        assert (await asking.ask()).rcode().name == "REFUSED"
        assert asking.now().rcode().name == "REFUSED"
        assert [len(server.asked) for server in asking.servers] == [1, 1]


async def test_identical_misses_are_asked_once():
    async with forwarding(good) as asking:
        replies = await asyncio.gather(*(asking.ask(query(id=number)) for number in range(100)))
        assert {reply.id for reply in replies} == set(range(100))
        assert len(asking.servers[0].asked) == 1
        assert asking.counts["coalesced"] == 99


async def test_ttl_0_and_cut_answers_are_not_kept():
    def cut(data, stream):
        return None if stream else [answer(data, "60 A 192.0.2.1", truncated=True)]

    for script in (lambda data, _: [answer(data, "0 A 192.0.2.1")], cut):
        async with forwarding(script, seconds=0.05) as asking:
            assert (await asking.ask()).answer
            assert asking.now() is None


@pytest.mark.parametrize("rcode", [0, 3])
async def test_denials_are_kept_for_as_long_as_their_soa_says(rcode):
    def denying(data, _stream):
        return [answer(data, rcode=rcode, authority=["600 SOA ns. root. 1 2 3 4 30"])]

    async with forwarding(denying) as asking:
        await asking.ask()
        asking.age(25.0)
        assert asking.now().rcode() == rcode
        asking.age(10.0)
        assert asking.now() is None


async def test_in_the_last_tenth_of_its_time_an_answer_is_renewed_once_beside_the_reply():
    async with forwarding(good) as asking:
        await asking.ask()
        asking.age(56.0)
        for _ in range(5):
            assert asking.now().answer[0].ttl in (3, 4)
        await until(lambda: asking.now().answer[0].ttl == 60)
        assert len(asking.servers[0].asked) == 2
        assert asking.counts["prefetched"] == 1


async def dead(asking):
    """All upstreams go silent."""
    for server in asking.servers:
        server.script = silent


async def test_when_upstreams_fail_an_expired_answer_serves_with_its_sign():
    async with forwarding(good, good, seconds=0.05) as asking:
        await asking.ask()
        asking.age(100.0)
        await dead(asking)
        for _ in range(3):
            reply = await asking.ask()
            assert (first_address(reply), reply.answer[0].ttl) == ("192.0.2.1", 30)
            assert [option.code for option in reply.options] == [wire.EDE_STALE]
        asking.age(90000.0)
        assert (await asking.ask()).rcode().name == "SERVFAIL"


async def test_a_stale_answer_comes_before_the_upstreams_time_is_up():
    async with forwarding(good, seconds=60.0, forward_total_seconds=60.0, stale_seconds=0.05) as asking:
        await asking.ask()
        asking.age(100.0)
        await dead(asking)
        assert (await asking.ask()).answer[0].ttl == 30
        assert asking.now().answer[0].ttl == 30  # the search goes on, but nobody waits for it any more
        assert asking.counts["stale"] == 2


async def test_a_stale_denial_says_so():
    def denying(data, _stream):
        return [answer(data, rcode=3, authority=["60 SOA ns. root. 1 2 3 4 30"])]

    async with forwarding(denying, seconds=0.05) as asking:
        await asking.ask()
        asking.age(100.0)
        await dead(asking)
        reply = await asking.ask()
        assert (reply.rcode(), [option.code for option in reply.options]) == (3, [wire.EDE_STALE_NXDOMAIN])


async def test_with_all_upstreams_known_to_be_down_a_stale_answer_comes_at_once():
    async with forwarding(good) as asking:
        await asking.ask()
        asking.age(100.0)
        await dead(asking)
        (upstream,) = asking.forwarder.upstreams()
        for _ in range(3):
            upstream.standing.failed(0.0)
        assert upstream.standing.state is State.DOWN
        assert asking.now().answer[0].ttl == 30


async def test_an_answer_that_expires_while_it_is_being_renewed_serves_as_stale():
    async with forwarding(good, seconds=0.2) as asking:
        await asking.ask()
        await dead(asking)
        asking.age(58.0)
        assert asking.now().answer[0].ttl < 3
        asking.age(5.0)
        assert asking.counts["prefetched"] == 1
        reply = await asking.ask()
        assert [option.code for option in reply.options] == [wire.EDE_STALE]


async def test_a_fresh_answer_replaces_the_stale_one():
    async with forwarding(good, seconds=0.05) as asking:
        await asking.ask()
        asking.age(100.0)
        asking.servers[0].script = lambda data, _: [answer(data, "60 A 192.0.2.2")]
        assert first_address(await asking.ask()) == "192.0.2.2"


async def test_only_so_much_is_asked_at_a_time(monkeypatch):
    monkeypatch.setattr(forward, "MAX_INQUIRIES", 2)
    async with forwarding(silent, seconds=0.05) as asking:
        assert asking.now(query("a.example")) is None
        assert asking.now(query("b.example")) is None
        reply = asking.now(query("c.example"))
        assert reply.rcode().name == "SERVFAIL"
        assert [option.code for option in reply.options] == [wire.EDE_NETWORK]
        assert asking.counts["overload"] == 1
        assert asking.now(query("a.example")) is None  # who asks the same can still wait


async def test_only_so_many_wait(monkeypatch):
    monkeypatch.setattr(forward, "MAX_WAITERS", 2)
    async with forwarding(silent, seconds=0.05) as asking:
        assert [asking.now() for _ in range(2)] == [None, None]
        assert asking.now().rcode().name == "SERVFAIL"


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254"])
async def test_a_stranger_s_private_address_is_taken_out_and_it_says_so(address):
    async with forwarding(lambda data, _: [answer(data, f"60 A {address}", "60 A 192.0.2.1")]) as asking:
        for reply in (await asking.ask(), asking.now()):
            assert [rdata.address for rdata in reply.answer[0]] == ["192.0.2.1"]
            assert [option.code for option in reply.options] == [wire.EDE_BLOCKED]
        assert asking.counts["stripped"] == 1
        assert len(asking.servers[0].asked) == 1


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "host.docker.internal"),
        ({"private_answers": ("corp.example",)}, "db.corp.example"),
        ({"private_answers": (".",)}, "www.example.org"),
        ({"zones": ("corp.example",)}, "db.corp.example"),
    ],
)
async def test_zones_that_may_answer_with_private_addresses_do(settings, name):
    scripts = [lambda data, _: [answer(data, "60 A 10.0.0.1")]] * 2
    async with forwarding(*scripts, **settings) as asking:
        assert first_address(await asking.ask(query(name))) == "10.0.0.1"


async def test_the_host_s_own_domains_may_answer_with_private_addresses(tmp_path):
    file = tmp_path / "resolv.conf"
    file.write_text("search corp.example\n")
    async with forwarding(lambda data, _: [answer(data, "60 A 10.0.0.1")], resolv_conf=file) as asking:
        assert first_address(await asking.ask(query("db.corp.example"))) == "10.0.0.1"
        assert not (await asking.ask(query("db.example"))).answer


async def test_a_zone_with_upstreams_of_its_own_is_asked_there_only():
    async with forwarding(good, good, zones=("corp.example",)) as asking:
        general, own = asking.servers
        await asking.ask(query("www.corp.example"))
        assert (len(general.asked), len(own.asked)) == (0, 1)
        await asking.ask(query("notcorp.example"))
        assert (len(general.asked), len(own.asked)) == (1, 1)


def test_who_is_asked_for_a_name_can_be_told_without_asking():
    general, own = (Nameserver(host=f"192.0.2.{n}") for n in (1, 2))
    config = DnsConfig(upstreams=(general,), forward_zones=(ForwardZone(zone="corp.example", upstreams=(own,)),))
    forwarder = UpstreamForwarder(config, NOWHERE)
    names = ("www.example.org", "db.corp.example")
    assert [forwarder.asked(wire.encode(name)) for name in names] == [("192.0.2.1:53",), ("192.0.2.2:53",)]


async def test_without_upstreams_the_answer_is_a_failure():
    async with forwarding() as asking:
        assert asking.now() is None
        assert (await asking.ask(query("b.example"))).rcode().name == "SERVFAIL"


async def test_upstreams_follow_resolv_conf(tmp_path, monkeypatch):
    monkeypatch.setattr(forward, "RELOAD_SECONDS", 0.01)
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 192.0.2.1\nnameserver 127.0.0.1\n")
    config = DnsConfig(listeners=(Address(host="0.0.0.0", port=53),), loop_check=False)
    forwarder = UpstreamForwarder(config, file)
    async with Tasks("test") as tasks:
        running = tasks.spawn("forwarder", forwarder.run())
        for text in ("192.0.2.1", "192.0.2.20"):
            file.write_text(f"nameserver {text}\nnameserver 127.0.0.1\n")
            await until(lambda text=text: [each.server.host for each in forwarder.upstreams()] == [text])
        running.cancel()


async def test_an_upstream_that_sends_our_queries_back_is_not_asked():
    listeners = (Address(host="127.0.0.1", port=5399),)
    other = UpstreamForwarder(DnsConfig(listeners=listeners), NOWHERE)

    def looping(data, _stream):
        reply = other.take(wire.parse(data), 1232, SHAPE, lambda: lambda _reply: None)
        return [reply] if reply else None

    async with forwarding(looping, good, loop_check=True, listeners=listeners) as asking:
        first, second = asking.forwarder.upstreams()
        await until(lambda: first.standing.state is State.LOOPING)
        for number in range(5):
            await asking.ask(query(f"n{number}.example"))
        assert (len(asking.servers[0].asked), second.standing.state) == (1, State.UP)


async def test_one_of_two_upstreams_dies_under_load_and_nobody_notices():
    async with forwarding(good, good, seconds=1.5, forward_total_seconds=4.5) as asking:
        failed = 0
        for turn in range(20):
            if turn == 5:
                asking.servers[0].script = silent
            replies = await asyncio.gather(*(asking.ask(query(f"n{turn}-{n}.example")) for n in range(100)))
            failed += sum(reply.rcode() != 0 for reply in replies)
        assert failed == 0


def test_we_are_not_our_own_upstream():
    listeners = (Address(host="0.0.0.0", port=53),)
    found = [is_own(Nameserver(host=host), listeners) for host in ("127.0.0.1", "127.0.0.11", "10.0.0.2", "0.0.0.0")]
    assert found == [True, False, False, True]
    assert not is_own(Nameserver(host="127.0.0.1", port=54), listeners)


def test_a_key_tells_questions_apart():
    keys = {
        key_of(query(name, qtype, want_dnssec=do))
        for name in ("a.example", "b.example")
        for qtype in ("A", "AAAA")
        for do in (False, True)
    }
    assert len(keys) == 8
    assert key_of(query("A.EXAMPLE")) in keys
