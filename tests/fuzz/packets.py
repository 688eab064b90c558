"""`python -m tests.fuzz.packets`: DNS packets that nobody wrote, through everything a datagram passes here.

Seeds are the odd packets and sound queries for every kind of name; each is changed in one to four places. For every packet: nothing
raises; what is no query gets nothing; a reply repeats id, opcode and question, keeps to the size it may have and is well-formed for a
strict reader (one in `--read`, since that reader is the slowest part); strangers never get foreign names.

The slowest packet is told twice: by the clock on the wall, which counts what the machine gave to others meanwhile, and by the CPU time of
this thread, which counts the machine's interrupts and the collector. What the same packet takes anew, in a zone that has not heard of it, is
beside it: what a packet costs by itself it costs every time.
"""

from __future__ import annotations

import random
import time
from collections import Counter

import click
import dns.message

from tests.support.dns import name, publish, target
from tests.support.odd_packets import AAAA, ANY, IN, PACKETS, SOA, A, opt, option, query
from tests.support.upstream import answer
from tidegate.dns import message, wire
from tidegate.dns.cache import Cache, key_of
from tidegate.dns.cookie import Jar
from tidegate.dns.copies import Copies
from tidegate.dns.desk import Desk
from tidegate.dns.gate import Gate
from tidegate.dns.rate import Rates
from tidegate.dns.record import packed
from tidegate.dns.zone import Zone
from tidegate.model import DnsMode

LOCAL, NEIGHBOUR, STRANGER = packed("10.9.0.1"), packed("10.1.0.9"), packed("198.51.100.7")
NAMES = ("web", "many", "wild.any", "one", "by.proxy", "_80._tcp.web", "_tcp.web", "nope", "mesh.test", "ns.mesh.test",
         "1.0.1.10.in-addr.arpa", "localhost", "x.onion", "example.org", "web.mesh.test", "nope.mesh.test")  # fmt: skip
TYPES = (A, AAAA, SOA, ANY, 2, 12, 16, 33, 65, 251, 252, 1000)
OPTIONS = (
    (),
    (opt(),),
    (opt(option(10, b"abcdefgh")),),
    (opt(option(10, bytes(24)), option(12, bytes(64)), size=4096, flags=0x8000),),
)
WORDS = (b"\0", b"\xc0\x0c", b"\xff", b"\x3f", b"\x40", b"\0\0\x29\x04\xd0\0\0\0\0\0\0", b"\0\x0a\0\x08abcdefgh", b"\3web", b"\4mesh\4test\0",
         b"\0\1\0\1", b"\0\xff", b"\0\x0a\0\x18", b"\4_tcp", b"\1*")  # fmt: skip
BOUNDS = (100_000, 1_000_000)  # nanoseconds
LONGEST = 2048  # of a datagram; what TCP could bring is tested by its steps


class Cached:
    """A forwarder that knows every foreign name at once; only who may have them gets so far."""

    def copies(self, _shape):
        return None

    def recall(self, _data, _asker, _shape):
        return None

    def take(self, asked, room, _shape, _send):
        return wire.assemble(asked, wire.FLAG_RA, wire.NOERROR, room)

    async def run(self):
        raise AssertionError("nothing runs here")

    def counters(self):
        return {}


def seeds():
    """Packets to change."""
    sound = [
        query(wire.encode(qname), qtype, IN, *additional)
        for qname in NAMES
        for qtype in TYPES
        for additional in OPTIONS
    ]
    return [*PACKETS.values(), *sound]


def mutant(rng, among):
    """One of `among`, changed in up to four places."""
    data = bytearray(rng.choice(among))
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        rng.choice(_CHANGES)(rng, data, among)
    return bytes(data[:LONGEST])


def _octet(rng, data, _):
    if data:
        data[rng.randrange(len(data))] = rng.choice((0, 1, 255, 0xC0, rng.randrange(256)))


def _header(rng, data, _):
    if len(data) >= 12:
        data[rng.randrange(2, 12)] = rng.choice((0, 0, 1, 2, 255, rng.randrange(256)))


def _insert(rng, data, _):
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice(WORDS)


def _replace(rng, data, _):
    at = rng.randrange(len(data) + 1)
    word = rng.choice(WORDS)
    data[at : at + len(word)] = word


def _cut(rng, data, _):
    del data[rng.randrange(len(data) + 1) :]


def _delete(rng, data, _):
    at = rng.randrange(len(data) + 1)
    del data[at : at + rng.choice((1, 1, 2, 4, 11))]


def _repeat(rng, data, _):
    at = rng.randrange(len(data) + 1)
    data[at:at] = bytes(data[at : at + 30]) * rng.choice((1, 2, 40))


def _splice(rng, data, among):
    other = rng.choice(among)
    data[rng.randrange(len(data) + 1) :] = other[rng.randrange(len(other) + 1) :]


_CHANGES = (_octet, _octet, _header, _insert, _replace, _cut, _delete, _repeat, _splice)


def check(data, reply, asker, *, strict=True):
    """Raise AssertionError unless `reply` may be what `asker` gets for `data`."""
    if len(data) < 12 or data[2] & 0x80:
        assert reply is None, "an answer to what is no query"
    if reply is None:
        return
    assert reply[:2] == data[:2]
    assert reply[2] & 0xF8 == 0x80 | data[2] & 0x78
    assert asker.stream or len(reply) <= 1232
    if reply[5]:
        end = wire.name_end(reply, 12) + 4
        assert reply[12:end] == data[12:end]
    if strict:
        dns.message.from_wire(reply, ignore_trailing=False)
    if not asker.recursion:
        assert not reply[3] & 0x80


class Table:
    """A desk with all kinds of names, foreign answers that are kept, and the askers that come to it. `take` gives what a packet
    gets, by UDP from the sheet or the copies where these have it."""

    def __init__(self):
        zone = Zone("mesh.test", jar=Jar(bytes(16), 1_800_000_000))
        many = [target(f"{n}.many", f"10.1.1.{n}", ports=[80]) for n in range(1, 101)]
        publish(
            zone,
            name("web", target("1.web", "10.1.0.1", "fd00::1", ports=[80])),
            name("many", *many),
            name("one", *many[:3], mode=DnsMode.ONE),
            name("by.proxy", *many[:3], mode=DnsMode.PROXY),
            name("*.any", target("1.any", "10.1.0.2")),
        )
        self.desk = Desk(zone, Cached(), gate=Gate(Rates(1_000_000), zone.jar, lambda: 0.0))
        self.askers = [
            zone.asker(source, LOCAL, stream) for source in (NEIGHBOUR, STRANGER) for stream in (False, True)
        ]

        self.copies = _copies(zone, self.askers[0])

    def take(self, data, asker):
        zone = self.desk.zone
        if asker.limited:
            return self.desk.take(data, asker, _unasked)
        if not asker.stream and (found := zone.sheet.answer(data, asker) or self.copies.answer(data, asker)):
            return found
        reply = zone.answer(data, asker)
        if reply is None:
            return self.desk.take(data, asker, _unasked)
        if not asker.stream:
            zone.write(data, asker)
        return reply


def _copies(zone, asker):
    """Those of a cache in which some foreign answers were found."""
    copies = Copies(zone.udp_meter, zone.tallies, 1 << 20, cookies=True)
    cache = Cache(1 << 20, copies, cookies=True)
    for qtype, *records in (
        (A, *(f"60 A 192.0.2.{n}" for n in range(30))),
        (AAAA, "60 AAAA 2001:db8::1"),
        (16, "9 TXT x"),
    ):
        for additional in OPTIONS[:2]:
            data = query(wire.encode("example.org"), qtype, IN, *additional)
            cache.put(key_of(wire.parse(data)), message.read(answer(data, *records)), 0.0, zone.shape)
            assert cache.recall(data, asker, zone.shape, 1.0)
    copies.turn(zone.shape, 5.0)
    return copies


def _unasked():
    raise AssertionError("nothing is to be sent later")


class Slowest:
    """The packet that took longest by one clock, and how many took longer than each of `BOUNDS`."""

    def __init__(self, name):
        self.name = name
        self.spent = 0
        self.packet = b""
        self.asker = 0
        self.over = Counter()

    def add(self, spent, packet, asker):
        if spent > BOUNDS[0]:
            self.over.update(bound for bound in BOUNDS if spent > bound)
        if spent > self.spent:
            self.spent, self.packet, self.asker = spent, packet, asker

    def __str__(self):
        over = ", ".join(f"{self.over[bound]} over {bound // 1000} us" for bound in BOUNDS)
        return (
            f"{self.name}: slowest {self.spent / 1000:.0f} us, anew {self._anew() / 1000:.0f} us; {over}\n"
            f"  {len(self.packet)} octets {self.packet[:80].hex()}"
        )

    def _anew(self):
        """The least of five, each as the first packet of a new table."""
        taken = []
        for _ in range(5):
            table = Table()
            began = time.thread_time_ns()
            table.take(self.packet, table.askers[self.asker])
            taken.append(time.thread_time_ns() - began)
        return min(taken)


def run(packets, seed, read):
    """Put `packets` through; the outcomes, and the slowest by CPU time and by the clock on the wall."""
    rng, among, outcomes = random.Random(seed), seeds(), Counter()
    cpu, wall = Slowest("CPU"), Slowest("wall")
    table = Table()
    for number in range(packets):
        data, asker = mutant(rng, among), table.askers[number & 3]
        started, began = time.perf_counter_ns(), time.thread_time_ns()
        reply = table.take(data, asker)
        spent, passed = time.thread_time_ns() - began, time.perf_counter_ns() - started
        check(data, reply, asker, strict=number % read == 0)
        outcomes["nothing" if reply is None else wire.RCODES.get(reply[3] & 15, "other")] += 1
        cpu.add(spent, data, number & 3)
        wall.add(passed, data, number & 3)
    assert not table.desk.dropped["fault"]
    return outcomes, cpu, wall


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--packets", default=100_000, show_default=True)
@click.option("--seed", default=0, help="Of the random numbers; 0 takes a new one.")
@click.option("--read", default=20, show_default=True, help="One reply in so many is read by dnspython.")
def main(packets, seed, read):
    """Mutated DNS packets; ends with a traceback where something does not hold."""
    seed = seed or random.SystemRandom().randrange(1, 1 << 31)
    click.echo(f"zone from {wire.__file__}, seed {seed}")
    outcomes, cpu, wall = run(packets, seed, read)
    click.echo(f"{packets} packets: " + ", ".join(f"{count} {kind}" for kind, count in outcomes.most_common()))
    click.echo(f"{cpu}\n{wall}")


if __name__ == "__main__":
    main()
