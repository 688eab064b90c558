from __future__ import annotations

import asyncio

import dns.message
import pytest

from tests.support.dns import LOCAL, STRANGER, name, target, zone_of
from tidegate.dns import wire
from tidegate.dns.desk import Desk
from tidegate.dns.gate import Gate
from tidegate.dns.rate import Rates
from tidegate.dns.record import packed

NEIGHBOUR = packed("10.1.0.9")
FOREIGN = dns.message.make_query("www.example.org", "A", use_edns=0).to_wire()


class Echo:
    """A forwarder that knows one code: `in_cache` says whether at once or later."""

    def __init__(self, *, in_cache):
        self.in_cache = in_cache

    def copies(self, _shape):
        return None

    def recall(self, _data, _asker, _shape):
        return None

    def take(self, query, _room, _shape, send):
        reply = wire.reply(query, wire.NXDOMAIN)
        return reply if self.in_cache else send()(reply)

    async def run(self):
        await asyncio.get_running_loop().create_future()

    def counters(self):
        return {}


def unasked():
    raise AssertionError("nothing is to be sent later")


async def taken(data, *, source=NEIGHBOUR, forwarder=None, send=unasked):
    """What the desk says at once, and the desk."""
    zone = zone_of(name("web", target("1.web", "10.1.0.1")), name("mail", target("mail", external="smtp.example.org")))
    desk = Desk(zone, forwarder)
    return desk.take(data, zone.asker(source, LOCAL), send), desk


async def test_an_own_name_is_answered_at_once():
    reply, _ = await taken(dns.message.make_query("web", "A").to_wire())
    assert len(dns.message.from_wire(reply).answer) == 1


async def test_what_cannot_be_answered_is_dropped_and_counted():
    reply, desk = await taken(b"\0" * 11)
    assert (reply, desk.dropped["malformed"]) == (None, 1)


async def test_a_refused_query_is_counted_by_its_code():
    reply, desk = await taken(FOREIGN[:2] + b"\x28" + FOREIGN[3:])
    assert dns.message.from_wire(reply).rcode().name == "NOTIMP"
    (tally,) = [each for each in desk.zone.tallies.all() if each.count]
    assert (tally.kind, wire.RCODES[tally.rcode], tally.udp4) == ("other", "NOTIMP", 1)
    assert desk.zone.udp_meter.queries.total == len(FOREIGN)


@pytest.mark.parametrize(("source", "rcode"), [(NEIGHBOUR, "NXDOMAIN"), (STRANGER, "REFUSED")])
async def test_only_neighbours_get_foreign_names(source, rcode):
    reply, desk = await taken(FOREIGN, source=source, forwarder=Echo(in_cache=True))
    message = dns.message.from_wire(reply)
    assert message.rcode().name == rcode
    assert desk.blocked == (rcode == "REFUSED")
    assert [option.code for option in message.options] == ([18] if rcode == "REFUSED" else [])
    assert bool(message.flags & 0x0080) is False or source == NEIGHBOUR


@pytest.mark.parametrize(
    ("more", "ede"),
    [
        ({"rdclass": "CH"}, 21),
        ({"rdtype": "AXFR"}, 21),
        ({"rdtype": "ANY"}, 21),
        ({"flags": 0}, 20),
    ],
)
async def test_a_refusal_says_why(more, ede):
    asked = {"qname": "www.example.org", "rdtype": "A", "use_edns": 0} | more
    reply, _ = await taken(dns.message.make_query(**asked).to_wire(), forwarder=Echo(in_cache=True))
    (option,) = dns.message.from_wire(reply).options
    assert option.code == ede


def test_strangers_come_through_the_gate_and_others_do_not():
    zone = zone_of(name("web", target("1.web", "10.1.0.1")))
    desk = Desk(zone, None, gate=Gate(Rates(1), None, lambda: 0.0))
    query = dns.message.make_query("web", "A").to_wire()
    for source, stream, answers in ((STRANGER, False, 2), (STRANGER, True, 4), (NEIGHBOUR, False, 4)):
        replies = [desk.take(query, zone.asker(source, LOCAL, stream), unasked) for _ in range(4)]
        assert sum(reply is not None for reply in replies) == answers
    assert desk.gate.counts == {"dropped": 2, "truncated": 1}


async def test_what_is_not_in_the_cache_is_sent_later():
    sent = []
    reply, _ = await taken(FOREIGN, forwarder=Echo(in_cache=False), send=lambda: sent.append)
    assert reply is None
    assert [dns.message.from_wire(data).rcode().name for data in sent] == ["NXDOMAIN"]


async def test_a_forwarder_s_fault_is_counted_and_stops_nothing():
    class Broken(Echo):
        def take(self, _query, _room, _shape, _send):
            raise RuntimeError("a fault of ours")

    reply, desk = await taken(FOREIGN, forwarder=Broken(in_cache=False), send=lambda: print)
    assert (reply, desk.dropped["fault"]) == (None, 1)


@pytest.mark.parametrize("in_cache", [True, False])
async def test_a_name_of_ours_for_something_outside_is_followed_there(in_cache):
    sent = []
    query = dns.message.make_query("mail", "A")
    reply, _ = await taken(query.to_wire(), forwarder=Echo(in_cache=in_cache), send=lambda: sent.append)
    message = dns.message.from_wire(reply if in_cache else sent[0])
    assert query.is_response(message)
    assert (message.rcode().name, message.answer[0][0].target.to_text()) == ("NXDOMAIN", "smtp.example.org.")
