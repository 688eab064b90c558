from __future__ import annotations

import asyncio
import contextlib

import dns.message
import pytest

from tests.support.upstream import ScriptedUpstream, answer, until
from tidegate.dns import message, wire
from tidegate.dns.cache import key_of
from tidegate.dns.entropy import Entropy
from tidegate.dns.group import Group
from tidegate.dns.inquiry import Inquiry
from tidegate.dns.pipe import Pipe
from tidegate.dns.standing import State
from tidegate.dns.upstream import Upstream, query_for

DEADLINE = 10
KEY = key_of(wire.parse(dns.message.make_query("www.example.org", "A", use_edns=0).to_wire()))
STALE = message.read(answer(dns.message.make_query("www.example.org", "A").to_wire(), "60 A 192.0.2.9"))


def good(data, _stream):
    return [answer(data, "60 A 192.0.2.1")]


def silent(_data, _stream):
    return None


def saying(rcode):
    return lambda data, _stream: [answer(data, rcode=rcode)]


class Search:
    """An inquiry at scripted upstreams and what it came to."""

    def __init__(self, servers, seconds):
        entropy = Entropy()
        self.upstreams = [
            Upstream(server.address, Pipe(server.address, entropy), seconds, entropy) for server in servers
        ]
        self.group = Group(self.upstreams)
        self.late = asyncio.Event()

    async def find(self, total=5.0, stale=None, stale_seconds=1.8):
        done = asyncio.get_running_loop().create_future()
        inquiry = Inquiry(
            KEY, query_for(KEY), self.group, lambda _inquiry, found: done.set_result(found), lambda _: self.late.set()
        )
        if stale is not None:
            inquiry.offer(stale, stale_seconds)
        inquiry.start(total)
        async with asyncio.timeout(DEADLINE):
            self.found = await done
        self.inquiry = inquiry
        return self.found


@contextlib.asynccontextmanager
async def searching(*scripts, seconds=0.1):
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(ScriptedUpstream(script)) for script in scripts]
        search = Search(servers, seconds)
        for upstream in search.upstreams:
            stack.callback(upstream.close)
        yield search, servers


async def test_the_first_usable_answer_is_it():
    async with searching(good, good) as (search, servers):
        assert (await search.find()).is_positive
        assert sum(len(server.asked) for server in servers) == 1


@pytest.mark.parametrize("rcode", [1, 2, 4, 5], ids=["FORMERR", "SERVFAIL", "NOTIMP", "REFUSED"])
async def test_a_refusal_sends_it_to_the_next_at_once(rcode):
    async with searching(saying(rcode), good, seconds=60.0) as (search, (bad, _)):
        assert (await search.find()).is_positive
        assert len(bad.asked) == 1


async def test_a_denial_is_an_answer():
    async with searching(saying(3), good) as (search, (_, other)):
        assert (await search.find()).rcode == wire.NXDOMAIN
        assert not other.asked


async def test_when_all_refuse_each_is_asked_once_and_the_first_refusal_is_the_result():
    async with searching(saying(5), saying(2), seconds=60.0) as (search, servers):
        assert (await search.find()).rcode == wire.REFUSED
        assert [len(server.asked) for server in servers] == [1, 1]


@pytest.mark.parametrize("rcode", [1, 2, 4, 5], ids=["FORMERR", "SERVFAIL", "NOTIMP", "REFUSED"])
async def test_before_a_refusal_is_the_result_who_was_left_out_as_down_is_asked_too(rcode):
    async with searching(saying(rcode), good, seconds=60.0) as (search, (bad, left_out)):
        for _ in range(3):
            search.upstreams[1].standing.failed(asyncio.get_running_loop().time())
        assert (await search.find()).is_positive
        assert [len(server.asked) for server in (bad, left_out)] == [1, 1]


async def test_who_was_left_out_and_stays_silent_is_asked_once_and_the_refusal_is_the_result():
    async with searching(saying(5), silent, seconds=0.05) as (search, (bad, left_out)):
        for _ in range(3):
            search.upstreams[1].standing.failed(asyncio.get_running_loop().time())
        assert (await search.find()).rcode == wire.REFUSED
        assert [len(server.asked) for server in (bad, left_out)] == [1, 1]


async def test_silence_is_hedged_before_its_time_is_up():
    async with searching(silent, good, seconds=60.0) as (search, _):
        assert (await search.find()).is_positive
        assert search.inquiry.hedges == 1


async def test_silence_is_hedged_with_who_was_left_out_as_down_where_nobody_else_is():
    async with searching(silent, good, seconds=60.0) as (search, (mute, left_out)):
        for _ in range(3):
            search.upstreams[1].standing.failed(asyncio.get_running_loop().time())
        assert (await search.find()).is_positive
        assert search.inquiry.hedges == 1
        assert [len(server.asked) for server in (mute, left_out)] == [1, 1]


async def test_who_was_left_out_as_down_is_asked_once_of_all_however_long_the_silence():
    async with searching(silent, silent, seconds=0.5) as (search, (mute, left_out)):
        for _ in range(3):
            search.upstreams[1].standing.failed(asyncio.get_running_loop().time())
        assert await search.find() is None
        assert [len(server.asked) for server in (mute, left_out)] == [2, 1]


async def test_a_lost_datagram_is_asked_again():
    seen = []

    def losing(data, _stream):
        seen.append(data)
        return good(data, False) if len(seen) > 1 else None

    async with searching(losing) as (search, _):
        assert (await search.find()).is_positive
        assert search.inquiry.tries == 2


async def test_silence_everywhere_ends_after_two_rounds():
    async with searching(silent, silent, seconds=0.05) as (search, servers):
        assert await search.find() is None
        assert [len(server.asked) for server in servers] == [2, 2]


async def test_who_is_known_to_be_down_is_asked_once_when_all_are():
    async with searching(silent, seconds=0.05) as (search, (server,)):
        for _ in range(3):
            search.upstreams[0].standing.failed(0.0)
        assert await search.find() is None
        assert len(server.asked) == 1


async def test_the_time_for_all_of_it_is_kept():
    async with searching(silent, silent, seconds=60.0) as (search, _):
        started = asyncio.get_running_loop().time()
        assert await search.find(total=0.2) is None
        assert asyncio.get_running_loop().time() - started < DEADLINE / 2


async def test_a_stale_answer_has_its_time_and_the_search_goes_on():
    seen = []

    def slow(data, _stream):
        seen.append(data)
        return None if len(seen) == 1 else good(data, False)

    async with searching(slow, seconds=0.2) as (search, _):
        assert (await search.find(stale=STALE, stale_seconds=0.02)).is_positive
        assert search.late.is_set()
        assert search.inquiry.is_late


async def test_without_a_stale_answer_nothing_is_late():
    async with searching(silent, seconds=0.05) as (search, _):
        await search.find(stale_seconds=0.01)
        assert not search.late.is_set()


async def test_one_that_was_down_is_tried_beside_and_comes_back():
    async with searching(good, good) as (search, (back, _)):
        standing = search.upstreams[0].standing
        for _ in range(3):
            standing.failed(asyncio.get_running_loop().time() - 60.0)
        assert (await search.find()).is_positive
        await until(lambda: standing.state is State.UP)
        assert len(back.asked) == 1


async def test_without_upstreams_there_is_no_answer():
    async with searching() as (search, _):
        assert await search.find() is None


async def test_a_cut_answer_that_cannot_be_had_whole_is_the_last_resort():
    def cut(data, stream):
        return None if stream else [answer(data, "60 A 192.0.2.1", truncated=True)]

    async with searching(cut, seconds=0.05) as (search, _):
        assert (await search.find()).truncated
