"""DNS queries at a steady rate, whatever comes back; afterwards one knows which were never answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import dns.message
import dns.rcode

from tests.support.serve import until

TICK_SECONDS = 0.01
DEADLINE = 10.0  # for the last answers; a client gives up after 5 s


class DnsLoad:
    """Asks `names` in turn from `sockets` sockets, which the kernel spreads over the workers' own. `lost` are the names of
    queries without an answer; `codes` counts answers by name and code. `mark` says what happens now; `odd` tells of each
    query that went wrong when that was, seen from the last mark."""

    def __init__(self, address, names, *, rate, sockets=16):
        self._address = address
        self._rate = rate
        self._packets = [dns.message.make_query(name, "A", id=0).to_wire() for name in names]
        self._names = names
        self._sockets = [_Socket() for _ in range(sockets)]
        self.sent = 0
        self.codes = Counter()
        self.stall = 0.0  # the longest that the load itself stood still, in seconds
        self._marks = []

    @property
    def lost(self):
        return [self._names[query.number] for each in self._sockets for query in each.open.values()]

    def mark(self, what):
        """From now on this happens."""
        self._marks.append((asyncio.get_running_loop().time(), what))

    def odd(self, *right):
        """A line for each query that was lost or whose code is none of `right`, then what may be the reason."""
        queries = [each for one in self._sockets for each in (*one.open.values(), *one.unwanted(right))]
        lines = [self._told(each) for each in sorted(queries, key=lambda each: each.asked)]
        return (
            [*lines, f"load stood still for {self.stall:.3f} s", f"dropped by sockets: {self._drops}"] if lines else []
        )

    def _told(self, query):
        since, what = next((mark for mark in reversed(self._marks) if mark[0] <= query.asked), (self._began, "start"))
        after = f"{query.seconds:.3f} s later" if query.code is not None else "never answered"
        code = "" if query.code is None else dns.rcode.to_text(query.code)
        return f"{self._names[query.number]} {code} {after}, asked {query.asked - since:.3f} s after {what}"

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            await loop.create_datagram_endpoint(lambda each=each: each, remote_addr=self._address)
        self._began = self._ticked = loop.time()
        self._timer = loop.call_soon(self._tick)
        return self

    async def __aexit__(self, *failure):
        self._timer.cancel()
        try:
            if failure == (None, None, None):
                await until(lambda: not self.lost or self._is_over(), DEADLINE + 1)
        finally:
            self._drops = drops(
                self._address[1], *(each.transport.get_extra_info("sockname")[1] for each in self._sockets)
            )
            for each in self._sockets:
                each.transport.close()
                for query in each.done:
                    self.codes[self._names[query.number], dns.rcode.to_text(query.code)] += 1

    def _is_over(self):
        return asyncio.get_running_loop().time() > self._timer.when() + DEADLINE

    def _tick(self):
        loop = asyncio.get_running_loop()
        self.stall = max(self.stall, loop.time() - self._ticked)
        self._ticked = loop.time()
        for _ in range(min(int((loop.time() - self._began) * self._rate) - self.sent, self._rate)):
            number = self.sent % len(self._packets)
            self._sockets[self.sent % len(self._sockets)].ask(self._packets[number], number)
            self.sent += 1
        self._timer = loop.call_later(TICK_SECONDS, self._tick)


class _Query:
    """One query: the number of its name, when it was sent, and once it is answered its code and how long that took."""

    __slots__ = ("asked", "code", "number", "seconds")

    def __init__(self, number, asked):
        self.number = number
        self.asked = asked
        self.code = None
        self.seconds = 0.0


class _Socket(asyncio.DatagramProtocol):
    """One socket, what is open on it by id, and what was answered."""

    def __init__(self):
        self.open = {}
        self.done = []
        self._next = 0

    def unwanted(self, right):
        """The answers whose code is none of these."""
        return [each for each in self.done if dns.rcode.to_text(each.code) not in right]

    def connection_made(self, transport):
        self.transport = transport
        self._clock = asyncio.get_running_loop().time

    def ask(self, packet, number):
        self._next = (self._next + 1) % 65536
        assert self._next not in self.open, "an id came around while its query was open"
        self.open[self._next] = _Query(number, self._clock())
        self.transport.sendto(self._next.to_bytes(2) + packet[2:])

    def datagram_received(self, data, _address):
        query = self.open.pop(int.from_bytes(data[:2]), None)
        if query is not None:
            query.code = data[3] & 15
            query.seconds = self._clock() - query.asked
            self.done.append(query)


def drops(*ports):
    """Datagrams that the kernel threw away at the UDP sockets of these ports: the last column of /proc/net/udp."""
    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    found = Counter({int(row[1].rpartition(":")[2], 16): int(row[-1]) for row in rows if int(row[-1])})
    return {port: found[port] for port in ports if found[port]}
