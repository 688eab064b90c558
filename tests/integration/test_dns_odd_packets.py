"""Odd packets get from us what they get from servers of long standing, asked with the same bytes in the same run."""

from __future__ import annotations

import contextlib
import time
from collections import Counter

import dns.message
import pytest

from tests.support.dns_peers import PEERS, Started, outcome, streamed
from tests.support.dns_server import framed, query, running
from tests.support.odd_packets import PACKETS
from tidegate.dns.cookie import Jar
from tidegate.dns.zone import Zone

# Where we are of another opinion than all of the peers, and why.
ALONE = {"version.bind": "nobody needs to know; the others can be told to say no more"}
# Where at least one peer agrees with us but more of them agree on something else.
MINORITY = {
    "AXFR": "as by TCP, and as Unbound does; Knot and NSD tell UDP apart",
    "MAILB": "never built, as BIND says; Knot and NSD take it for a type like any other",
    "MAILA": "as MAILB",
    "all 0x7f": "opcode 15 comes before the rest, as in NSD",
}

STREAMS = {
    "two in one segment": framed(query(id=1)) * 2,
    "a length of 0": b"\0\0",
    "a length of 11": b"\0\x0b" + query()[:11],
    "HTTP": b"GET / HTTP/1.1\r\nHost: mesh.test\r\n\r\n",
    "half a query behind a whole one": framed(query()) + framed(query())[:20],
    "a reply": framed(query()[:2] + b"\x81" + query()[3:]),
    "nothing": b"",
}


@pytest.fixture
async def everybody(tmp_path):
    """The ports of all peers that are installed and, last, our own."""
    found = [peer for peer in PEERS if peer.path]
    assert len(found) >= 2, f"install two of {', '.join(peer.package for peer in PEERS)}"
    async with contextlib.AsyncExitStack() as stack:
        started = [stack.enter_context(Started(peer, tmp_path / peer.name)) for peer in found]
        for each in started:
            await each.ready()
        zone = Zone("mesh.test", jar=Jar(bytes(16), int(time.time())))
        ours = await stack.enter_async_context(running(zone=zone))
        yield {each.peer.name: each.port for each in started} | {"ours": ours.port}


async def test_every_odd_packet_gets_what_most_others_make_of_it(everybody):
    table = {}
    for case, packet in PACKETS.items():
        table[case] = {name: await outcome(port, packet) for name, port in everybody.items()}
    alone = {case: found for case, found in table.items() if not _is_shared(found)}
    assert set(alone) <= set(ALONE), alone
    minority = {case: found for case, found in table.items() if case not in alone and not _is_of_the_most(found)}
    assert set(minority) <= set(MINORITY), minority


async def test_odd_streams_get_what_somebody_else_makes_of_them(everybody):
    for case, data in STREAMS.items():
        found = {name: await streamed(port, data) for name, port in everybody.items()}
        assert _is_shared(found), (case, found)


async def test_the_last_packet_finds_us_as_we_were(everybody):
    for packet in PACKETS.values():
        await outcome(everybody["ours"], packet)
    assert await outcome(everybody["ours"], dns.message.make_query("web.mesh.test", "A").to_wire()) == "NOERROR+"


def _is_shared(found):
    return any(theirs == found["ours"] for name, theirs in found.items() if name != "ours")


def _is_of_the_most(found):
    votes = Counter(theirs for name, theirs in found.items() if name != "ours")
    return votes[found["ours"]] == max(votes.values())
