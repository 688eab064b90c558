"""Foreign names through real servers: what comes back, and what a client notices when upstreams die under load."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.dns import LOCAL, name, publish, target
from tests.support.dns_peers import PEERS, Started
from tests.support.upstream import ScriptedUpstream, answer
from tidegate.config import DnsConfig
from tidegate.dns import wire
from tidegate.dns.desk import Desk
from tidegate.dns.forward import UpstreamForwarder
from tidegate.dns.listener import bind
from tidegate.dns.record import packed
from tidegate.dns.server import DnsServer
from tidegate.dns.zone import Zone
from tidegate.model import Address, Nameserver
from tidegate.tasks import Tasks

KNOT, UNBOUND = PEERS[:2]
CLIENT_SECONDS = 5.0  # what glibc and musl wait
WINDOW = 50


@contextlib.asynccontextmanager
async def forwarding(*servers, **more):
    """A server for the zone `own.test` that forwards to `servers`; gives its port and its zone."""
    config = DnsConfig(domain="own.test", upstreams=servers, loop_check=False, **more)
    zone = Zone("own.test")
    publish(zone, name("web", target("1.web", "10.1.0.1")))
    udp, tcp = bind(Address(host="127.0.0.1", port=0))
    with udp, tcp:
        async with Tasks("test") as tasks:
            running = tasks.spawn("server", DnsServer(config, zone, UpstreamForwarder(config)).run([udp], [tcp]))
            yield udp.getsockname()[1]
            running.cancel()


@contextlib.asynccontextmanager
async def peers(folder, *wanted):
    async with contextlib.AsyncExitStack() as stack:
        started = [stack.enter_context(Started(peer, folder / f"{n}{peer.name}")) for n, peer in enumerate(wanted)]
        for each in started:
            await each.ready()
        yield started


class Client:
    """Asks over one socket, `WINDOW` questions open at a time, and never twice."""

    def __init__(self, port):
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setblocking(False)
        self._sock.connect(("127.0.0.1", port))
        self._open = {}
        self._free = asyncio.Semaphore(WINDOW)
        self._next = 0

    async def __aenter__(self):
        asyncio.get_running_loop().add_reader(self._sock, self._on_readable)
        return self

    async def __aexit__(self, *_):
        asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()

    def _on_readable(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self._sock.recv(4096)
                future = self._open.pop(data[:2], None)
                if future is not None and not future.done():
                    future.set_result(dns.message.from_wire(data))

    async def ask(self, qname, qtype="A"):
        """The reply, or None after what a client waits."""
        async with self._free:
            self._next = (self._next + 1) % 65536
            query = dns.message.make_query(qname, qtype, id=self._next, use_edns=0)
            future = self._open[query.to_wire()[:2]] = asyncio.get_running_loop().create_future()
            await asyncio.get_running_loop().sock_sendall(self._sock, query.to_wire())
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(future, CLIENT_SECONDS)


def place(started):
    return Nameserver(host="127.0.0.1", port=started.port)


@pytest.mark.parametrize("peer", PEERS[:2], ids=lambda peer: peer.name)
async def test_a_real_server_s_answers_come_through(peer, tmp_path):
    async with (
        peers(tmp_path, peer) as (upstream,),
        forwarding(place(upstream), private_answers=("mesh.test",)) as port,
        Client(port) as client,
    ):
        reply = await client.ask("WeB.mesh.test")
        assert (reply.rcode(), reply.answer[0][0].address) == (0, "127.0.0.2")
        assert reply.question[0].name.to_text() == "WeB.mesh.test."
        assert (await client.ask("nope.mesh.test")).rcode() == 3
        assert (await client.ask("mesh.test", "SOA")).answer


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stalled"])
async def test_an_upstream_lost_under_load_costs_less_than_one_query_in_a_thousand(blow, tmp_path):
    async with peers(tmp_path, KNOT, UNBOUND) as both, forwarding(*map(place, both)) as port:
        async with Client(port) as client:
            asked = failed = 0
            for turn in range(30):
                if turn == 10:
                    both[0].process.send_signal(blow)
                replies = await asyncio.gather(*(client.ask(f"n{turn}-{number}.mesh.test") for number in range(100)))
                asked += len(replies)
                failed += sum(reply is None or reply.rcode() != 3 for reply in replies)
        if blow is signal.SIGSTOP:
            both[0].process.send_signal(signal.SIGCONT)
    assert failed * 1000 < asked


async def test_with_all_upstreams_dead_a_known_answer_still_comes_in_time(tmp_path):
    async with (
        peers(tmp_path, KNOT, UNBOUND) as both,
        forwarding(*map(place, both), private_answers=("mesh.test",)) as port,
        Client(port) as client,
    ):
        first = await client.ask("web.mesh.test")
        for each in both:
            each.process.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(CLIENT_SECONDS * 4):
                while not (reply := await client.ask("web.mesh.test")).options:  # noqa: ASYNC110  its TTL must pass
                    await asyncio.sleep(0.2)
        finally:
            for each in both:
                each.process.send_signal(signal.SIGCONT)
        assert reply.answer[0][0].address == first.answer[0][0].address
        assert reply.answer[0].ttl == 30
        assert [option.code for option in reply.options] == [wire.EDE_STALE]


LABEL = st.text("abcdefghij-0123456789_", min_size=1, max_size=12)
LOCAL_NAMES = st.one_of(
    st.lists(LABEL, max_size=4).map(lambda labels: ".".join([*labels, "own.test"])),
    LABEL,
    st.tuples(LABEL, st.sampled_from(["local", "onion", "invalid", "alt", "home.arpa", "localhost"])).map(".".join),
    st.ip_addresses(v=4, network="10.0.0.0/8").map(lambda ip: ip.reverse_pointer),
    st.ip_addresses(v=6, network="fd00::/8").map(lambda ip: ip.reverse_pointer),
)


@settings(max_examples=300, deadline=None)
@given(
    qname=LOCAL_NAMES, qtype=st.sampled_from(["A", "AAAA", "SRV", "PTR", "TXT", "HTTPS", "ANY"]), ready=st.booleans()
)
async def test_no_name_of_ours_and_no_reserved_one_ever_reaches_an_upstream(qname, qtype, ready):
    async with ScriptedUpstream(lambda data, _: [answer(data, "60 A 192.0.2.1")]) as upstream:
        zone = Zone("own.test")
        if ready:
            publish(zone, name("web", target("1.web", "10.1.0.1")))
        forwarder = UpstreamForwarder(DnsConfig(upstreams=(upstream.address,), loop_check=False))
        forwarder.reload()
        desk = Desk(zone, forwarder)
        asker = zone.asker(packed("10.1.0.9"), LOCAL)
        reply = desk.take(dns.message.make_query(qname, qtype).to_wire(), asker, lambda: lambda _reply: None)
        assert reply is not None
        assert forwarder.counters()["cached"] == 0
        assert all(not each.durations and not each.open for each in forwarder.upstreams())
