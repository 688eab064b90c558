"""Hosts that vanish: packets to them are dropped, so that nothing refuses, resets or answers."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.support.client import Cut, get, post
from tests.support.origin import ok, polite, saying, serving
from tests.support.router import endpoint, route, running, service, until
from tests.support.vanishing import hosts  # noqa: F401  a fixture
from tidegate.policy import Ejection, Retry, Timeouts
from tidegate.router import attempts, link, live

QUICK = Timeouts(connect=0.3)


async def ask_all(mesh, number, request=None, host="a.test"):
    """That many requests at once, each on a connection of its own: their statuses."""

    async def one():
        client = await mesh.client()
        response = await client.ask(request or get(host=host))
        client.reset()
        return response.status

    return Counter(await asyncio.gather(*(one() for _ in range(number))))


@pytest.fixture
async def pair(hosts):  # noqa: F811
    """A host that will vanish and one that stays, as origins."""
    gone, stays = hosts.addresses
    async with (
        serving(saying(ok(b"gone")), sock=hosts.listening(gone)) as bad,
        serving(saying(ok(b"stays")), sock=hosts.listening(stays)) as good,
    ):
        yield bad, good


@pytest.mark.parametrize("request_bytes", [get(), post(b"x")])
async def test_nobody_notices_that_one_of_two_hosts_takes_no_connections(hosts, pair, request_bytes):  # noqa: F811
    bad, good = pair
    async with running() as mesh:
        ejecting = route(timeouts=QUICK, ejection=Ejection(failures=3, seconds=60.0))
        mesh.publish([ejecting], [service("web", endpoint(bad.address), endpoint(good.address))])
        hosts.vanish(bad.address[0])
        assert await ask_all(mesh, 40, request_bytes) == {200: 40}
        assert {reason.token for _, reason in mesh.failures} == {"connect-timeout"}
        failed = len(mesh.failures)
        assert await ask_all(mesh, 40, request_bytes) == {200: 40}
        assert len(mesh.failures) == failed, "ejected: nobody is sent there any more"
        assert not bad.requests


async def test_a_host_that_comes_back_is_served_from_again(hosts, pair):  # noqa: F811
    bad, good = pair
    async with running() as mesh:
        ejecting = route(timeouts=QUICK, ejection=Ejection(failures=3, seconds=0.5))
        mesh.publish([ejecting], [service("web", endpoint(bad.address), endpoint(good.address))])
        hosts.vanish(bad.address[0])
        assert await ask_all(mesh, 20) == {200: 20}
        hosts.come_back(bad.address[0])
        async with asyncio.timeout(10):
            while not bad.requests:
                assert await ask_all(mesh, 4) == {200: 4}


async def test_other_services_do_not_notice_a_host_that_is_waited_for(hosts, pair):  # noqa: F811
    bad, good = pair
    async with running() as mesh:
        alone = route("b.test", timeouts=Timeouts(connect=60.0), backends={"lost": 1})
        mesh.publish(
            [route(), alone], [service("web", endpoint(good.address)), service("lost", endpoint(bad.address, "lost"))]
        )
        hosts.vanish(bad.address[0])
        stuck = [await mesh.client() for _ in range(50)]
        for client in stuck:
            await client.send(get(host="b.test"))
        await until(lambda: sum(one.in_flight for one in mesh.upstreams) == 50)
        assert await ask_all(mesh, 100) == {200: 100}
        assert not mesh.failures, "all that time the others waited for their connection"
        hosts.come_back(bad.address[0])
        assert {(await client.response()).body for client in stuck} == {b"gone"}


async def test_a_request_on_a_kept_connection_to_a_vanished_host_goes_elsewhere_where_tries_are_bounded(hosts, pair):  # noqa: F811
    bad, good = pair
    async with running() as mesh:
        trying = route(
            timeouts=Timeouts(connect=0.3, try_=0.3),
            retry=Retry(budget_per_second=100.0),
            ejection=Ejection(failures=3, seconds=60.0),
        )
        mesh.publish([trying], [service("web", endpoint(bad.address), endpoint(good.address))])
        assert await ask_all(mesh, 20) == {200: 20}
        assert {bool(one.idle) for one in mesh.upstreams} == {True}
        hosts.vanish(bad.address[0])
        assert await ask_all(mesh, 40) == {200: 40}
        failed = len(mesh.failures)
        assert await ask_all(mesh, 40) == {200: 40}
        assert len(mesh.failures) == failed


async def test_a_request_on_a_kept_connection_to_a_vanished_host_goes_elsewhere_once_packets_were_lost(hosts, pair):  # noqa: F811
    bad, good = pair
    async with running() as mesh:
        patient = route(
            timeouts=QUICK, retry=Retry(budget_per_second=100.0), ejection=Ejection(failures=3, seconds=60.0)
        )
        alone = route("b.test", backends={"lost": 1})
        both = service("web", endpoint(bad.address), endpoint(good.address))
        mesh.publish([patient, alone], [both, service("lost", endpoint(bad.address, "lost"))])
        assert await ask_all(mesh, 20) == {200: 20}
        posting, posted = await mesh.client(), post(b"x").replace(b"a.test", b"b.test")
        assert (await posting.ask(posted)).status == 200
        hosts.vanish(bad.address[0])
        await posting.send(posted)
        assert await ask_all(mesh, 20) == {200: 20}
        assert {reason.token for _, reason in mesh.failures} == {"response-timeout"}
        failed = len(mesh.failures)
        assert await ask_all(mesh, 20) == {200: 20}
        assert len(mesh.failures) == failed, "ejected"
        assert sum(one.in_flight for one in mesh.upstreams) == 1, "what must not be sent twice waits on"
        hosts.come_back(bad.address[0])
        assert (await posting.response()).body == b"gone"


async def test_what_must_not_be_sent_twice_to_a_vanished_host_is_answered_within_seconds(hosts, monkeypatch):  # noqa: F811
    monkeypatch.setattr(attempts, "LOST_SECONDS", 2.0)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(link, "KEEP_ALIVE", tuple((option, 1) for option, _ in link.KEEP_ALIVE))
    all_here = asyncio.Barrier(3)

    async def slow_at_the_second(peer):
        await peer.head()
        await peer.reader.readexactly(1)
        await all_here.wait()
        await peer.send(ok())
        if await peer.head() is not None:
            await asyncio.Event().wait()

    gone = hosts.addresses[0]
    async with serving(slow_at_the_second, sock=hosts.listening(gone)) as bad, running() as mesh:
        mesh.publish([route()], [service("web", endpoint(bad.address))])
        connections = mesh.router.core.connections
        clients = [await mesh.client() for _ in range(3)]
        assert {each.status for each in await asyncio.gather(*(one.ask(post(b"x")) for one in clients))} == {200}
        thought_of, lost, half = clients
        await thought_of.send(post(b"x"))
        await until(lambda: any(each.connection is not None and each.connection.watched for each in connections))
        hosts.vanish(gone)
        await lost.send(post(b"x"))
        half.writer.write(post(bytes(8 << 20)))
        answers = await asyncio.gather(*(one.response() for one in clients))
        assert [(each.status, each.reason) for each in answers] == [
            (502, "upstream-closed"),
            (504, "response-timeout"),
            (504, "response-timeout"),
        ]
        assert bad.connections == 3, "nothing was sent twice"


async def test_a_container_that_reads_no_further_for_a_while_is_waited_for(monkeypatch):
    monkeypatch.setattr(attempts, "LOST_SECONDS", 0.2)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(link, "KEEP_ALIVE", tuple((option, 1) for option, _ in link.KEEP_ALIVE))
    go_on = asyncio.Event()

    async def resting(peer):
        head = await peer.head()
        await go_on.wait()
        await peer.reader.readexactly(16 << 20)
        await peer.send(ok(head[:4]))

    async with serving(resting) as origin, running(origin) as mesh:
        client = await mesh.client()
        client.writer.write(post(bytes(16 << 20)))
        asyncio.get_running_loop().call_later(1.5, go_on.set)
        assert (await client.response()).body == b"POST"


async def test_an_answer_whose_host_vanishes_in_the_middle_is_a_visible_cut_and_hurts_nobody_else(hosts):  # noqa: F811
    gone, stays = hosts.addresses

    async def half(peer):
        while await peer.request() is not None:
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    async with (
        serving(half, sock=hosts.listening(gone)) as bad,
        serving(polite, sock=hosts.listening(stays)) as good,
        running() as mesh,
    ):
        late = route("b.test", timeouts=Timeouts(response=0.5), backends={"lost": 1})
        mesh.publish(
            [route(), late], [service("web", endpoint(good.address)), service("lost", endpoint(bad.address, "lost"))]
        )
        client = await mesh.client()
        await client.send(get(host="b.test"))
        assert (await client.until(b"half")).startswith(b"HTTP/1.1 200")
        hosts.vanish(gone)
        assert await ask_all(mesh, 100) == {200: 100}
        with pytest.raises(Cut):
            await client.response()
        assert [reason.token for _, reason in mesh.failures] == ["response-timeout"]
        assert await ask_all(mesh, 10) == {200: 10}
        await mesh.at_rest()
