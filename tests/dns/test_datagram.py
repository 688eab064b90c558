from __future__ import annotations

import asyncio
import contextlib
import select
import socket

import dns.message
import pytest

from tests.support.dns import name, publish, target, zone_of
from tests.support.upstream import ScriptedUpstream, answer
from tidegate.config import DnsConfig
from tidegate.dns.access import Access
from tidegate.dns.copies import Copies
from tidegate.dns.datagram import Datagrams
from tidegate.dns.desk import Desk
from tidegate.dns.forward import UpstreamForwarder
from tidegate.dns.gate import Gate
from tidegate.dns.listener import bind
from tidegate.dns.rate import Rates
from tidegate.dns.zone import Zone
from tidegate.model import Address
from tidegate.tasks import Tasks

WEB = dns.message.make_query("web", "A", id=7).to_wire()


@pytest.fixture
def sockets():
    udp, tcp = bind(Address(host="127.0.0.1", port=0))
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(udp.getsockname())
    client.settimeout(5)
    with udp, tcp, client:
        yield udp, client


def woken(datagrams, udp):
    assert select.select([udp], [], [], 5)[0]
    datagrams.on_readable()


async def test_one_wake_answers_what_is_there_and_skips_what_gets_no_answer(sockets):
    udp, client = sockets
    datagrams = Datagrams(udp, Desk(zone_of(name("web", target("1.web", "10.1.0.1"))), None))
    for packet in (WEB, b"short", WEB[:2] + b"\x81" + WEB[3:], b"\0\x08" + WEB[2:]):
        client.send(packet)
    woken(datagrams, udp)
    assert [client.recv(512)[:2] for _ in range(2)] == [b"\0\7", b"\0\x08"]


def test_who_is_limited_comes_through_the_gate_also_where_the_answer_is_prepared(sockets):
    udp, client = sockets
    zone = Zone("mesh.test", access=Access(()))
    publish(zone, name("web", target("1.web", "10.1.0.1")))
    datagrams = Datagrams(udp, Desk(zone, None, gate=Gate(Rates(2), None, lambda: 0.0)))
    for number in range(4):
        client.send(bytes((0, number)) + WEB[2:])
    woken(datagrams, udp)
    replies = [client.recv(512) for _ in range(3)]
    assert [(reply[1], bool(reply[2] & 2)) for reply in replies] == [(0, False), (1, False), (3, True)]


async def test_a_fault_in_the_hot_path_costs_one_datagram(sockets):
    class Faulty(Zone):
        def asker(self, source, local, stream=False):
            faults.append(source)
            if len(faults) == 1:
                raise RuntimeError("a fault of ours")
            return super().asker(source, local, stream)

    faults = []
    udp, client = sockets
    desk = Desk(Faulty("mesh.test"), None)
    datagrams = Datagrams(udp, desk)
    client.send(WEB)
    client.send(b"\0\x08" + WEB[2:])
    woken(datagrams, udp)
    assert client.recv(512)[:2] == b"\0\x08"
    assert desk.dropped["fault"] == 1


class Client:
    """Asks a zone that forwards, over its socket."""

    def __init__(self, sock, zone, forwarder):
        self.sock = sock
        self.zone = zone
        self.forwarder = forwarder

    async def ask(self, *names):
        """The first address of each, in the order of the names, which are asked for at once."""
        loop = asyncio.get_running_loop()
        for number, text in enumerate(names):
            await loop.sock_sendall(self.sock, dns.message.make_query(text, "A", id=number).to_wire())
        async with asyncio.timeout(10):
            replies = [dns.message.from_wire(await loop.sock_recv(self.sock, 4096)) for _ in names]
        return [reply.answer[0][0].address for reply in sorted(replies, key=lambda reply: reply.id)]


@contextlib.asynccontextmanager
async def forwarding(sockets, ttl):
    """Foreign names are the address 192.0.2.N where N is how many letters the first label has."""
    udp, sock = sockets

    def script(data, _stream):
        return [answer(data, f"{ttl} A 192.0.2.{data[12]}")]

    loop = asyncio.get_running_loop()
    async with ScriptedUpstream(script) as server, Tasks("test") as tasks:
        zone = zone_of(name("web", target("1.web", "10.1.0.1")))
        copies = Copies(zone.udp_meter, zone.tallies, 1 << 20)
        config = DnsConfig(upstreams=(server.address,), loop_check=False)
        forwarder = UpstreamForwarder(config, copies=copies)
        running = tasks.spawn("forwarder", forwarder.run())
        forwarder.reload()
        sock.setblocking(False)
        udp.setblocking(False)
        loop.add_reader(udp, Datagrams(udp, Desk(zone, forwarder)).on_readable)
        yield Client(sock, zone, forwarder), server
        loop.remove_reader(udp)
        running.cancel()


async def test_a_foreign_answer_is_asked_for_once_and_then_goes_out_from_the_copies_until_its_name_is_ours(sockets):
    async with forwarding(sockets, 300) as (client, server):
        for _ in range(4):
            assert await client.ask("abc.example.org") == ["192.0.2.3"]
        assert len(server.asked) == 1
        assert client.forwarder.counters()["cached"] == 3
        assert client.forwarder.copies(client.zone.shape).hits == 2
        tallies = client.zone.tallies.of(1, 0).lanes()
        assert tallies[0] == 4
        publish(client.zone, name("abc.example.org", target("1.abc", "10.1.0.7"), absolute=True))
        assert await client.ask("abc.example.org") == ["10.1.0.7"]
        publish(client.zone)
        assert await client.ask("abc.example.org") == ["192.0.2.3"]


async def test_answers_that_come_later_reach_who_asked_each_in_its_place(sockets):
    async with forwarding(sockets, 0) as (client, server):
        names = ["x" * length + ".example.org" for length in range(1, 41)]
        for _ in range(3):
            assert await client.ask("web", *names) == ["10.1.0.1", *(f"192.0.2.{n}" for n in range(1, 41))]
        assert len(server.asked) == 3 * len(names)
        assert client.forwarder.counters()["answered"] == 3 * len(names)
