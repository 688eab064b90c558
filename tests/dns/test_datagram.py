from __future__ import annotations

import select
import socket

import dns.message
import pytest

from tests.support.dns import name, publish, target, zone_of
from tidegate.dns.access import Access
from tidegate.dns.datagram import Datagrams
from tidegate.dns.desk import Desk
from tidegate.dns.gate import Gate
from tidegate.dns.listener import bind
from tidegate.dns.rate import Rates
from tidegate.dns.zone import Zone
from tidegate.model import Address

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
