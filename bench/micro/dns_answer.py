"""Cost of one answer from our own names, without and with sockets: `python -m bench.micro.dns_answer`.

Prints microseconds per answer, the best of several rounds, and what a table change costs at 100 and 10 000 names.
"""

from __future__ import annotations

import socket
import time

from tidegate.dns import wire, zone
from tidegate.dns.batch import DEPTH, ManyBatch, PlainBatch
from tidegate.dns.cookie import Jar
from tidegate.dns.listener import bind
from tidegate.dns.record import packed
from tidegate.dns.zone import Zone
from tidegate.model import Address, DnsName, DnsTarget, NetworkAddress
from tidegate.routing import Delta, RoutingTable, with_delta

ROUNDS = 5
NAMES = 10_000
JAR = Jar(bytes(16), int(time.time()))
OPTIONS = {
    "no option": b"",
    "another option": b"\0\x0c\0\x14" + bytes(20),
    "a client's cookie": b"\0\x0a\0\x08abcdefgh",
    "a full cookie": JAR.option(b"abcdefgh", packed("127.0.0.1")),
}


def query(name: str, qtype: int = wire.A, opt: bytes = b"") -> bytes:
    head = b"\x12\x34\x01\0\0\1\0\0\0\0\0" + bytes((bool(opt),))
    return head + wire.encode(name) + qtype.to_bytes(2) + b"\0\1" + opt


def entry(index: int, octet: int = 0) -> DnsName:
    address = f"10.{octet}.{index >> 8 & 255}.{index & 255}"
    place = NetworkAddress(network="n", name="n", ipv4=address)
    return DnsName(name=f"s{index}", targets=(DnsTarget(name=f"1.s{index}", addresses=(place,), ports=(80,)),))


def filled(count: int) -> tuple[Zone, RoutingTable]:
    made = Zone("mesh.test", jar=JAR)
    table = RoutingTable(version=1, names={f"s{n}": entry(n) for n in range(count)})
    made.apply(table, Delta(base=0, version=1, names=dict(table.names)))
    return made, table


def best(work, count: int) -> float:
    """Microseconds per item of `work()`, which does `count`."""
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took) / count * 1e6


def answers(made: Zone, packets: list[bytes]) -> float:
    asker = made.asker(packed("127.0.0.1"), packed("127.0.0.1"))
    for packet in packets:
        made.resolve(wire.parse(packet), asker)

    def work() -> None:
        for packet in packets:
            assert made.answer(packet, asker)

    return best(work, len(packets))


def batches(kind: type[ManyBatch | PlainBatch]) -> float:
    """A whole batch in and out of a socket, the kernel's part included."""
    udp, tcp = bind(Address(host="127.0.0.1", port=0))
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(udp.getsockname())
    took = []
    with udp, tcp, client:
        batch = kind(udp)
        for _ in range(50):
            for _ in range(DEPTH):
                client.send(b"x" * 40)
            start = time.perf_counter()
            for index in range(batch.receive()):
                batch.source(index)
                batch.reply(index, batch.data(index))
            batch.flush()
            took.append(time.perf_counter() - start)
            for _ in range(DEPTH):
                client.recv(100)
    return min(took) / DEPTH * 1e6


def change(count: int) -> float:
    """Milliseconds to follow one changed name among `count`, the slowest of many."""
    made, table = filled(count)
    took = []
    for turn in range(200):
        name = entry(turn, octet=1 + turn % 2)
        delta = Delta(base=table.version, version=table.version + 1, names={name.name: name})
        table = with_delta(table, delta)
        start = time.perf_counter()
        made.apply(table, delta)
        took.append(time.perf_counter() - start)
    return max(took) * 1e3


def main() -> None:
    print(f"zone from {zone.__file__}")
    start = time.perf_counter()
    made, _ = filled(NAMES)
    print(f"first table of {NAMES} names      {(time.perf_counter() - start) * 1e3:8.1f} ms")
    print(f"A                              {answers(made, [query(f's{n}.mesh.test') for n in range(NAMES)]):8.2f} us")
    for what, options in OPTIONS.items():
        opt = wire.option_record(do=False, options=options)
        asked = [query(f"s{n}.mesh.test", opt=opt) for n in range(NAMES)]
        print(f"A with EDNS, {what:17} {answers(made, asked):8.2f} us")
    denied = [query(f"s{n}.mesh.test", wire.AAAA) for n in range(NAMES)]
    print(f"AAAA that is not there         {answers(made, denied):8.2f} us")
    for kind in (PlainBatch, ManyBatch):
        print(f"{kind.__name__:12} in and out, kernel too {batches(kind):5.2f} us")
    for count in (100, NAMES):
        print(f"one change among {count:6} names  {change(count):8.2f} ms (slowest of 200)")


if __name__ == "__main__":
    main()
