"""DNS queries at a steady rate, whatever comes back; afterwards one knows which were never answered."""

from __future__ import annotations

import asyncio
from collections import Counter

import dns.message
import dns.rcode

from tests.support.serve import until

TICK_SECONDS = 0.01
DEADLINE = 10.0  # for the last answers; a client gives up after 5 s


class DnsLoad:
    """Asks `names` in turn from `sockets` sockets, which the kernel spreads over the workers' own. `lost` are the names of
    queries without an answer; `codes` counts answers by name and code."""

    def __init__(self, address, names, *, rate, sockets=16):
        self._address = address
        self._rate = rate
        self._packets = [dns.message.make_query(name, "A", id=0).to_wire() for name in names]
        self._names = names
        self._sockets = [_Socket() for _ in range(sockets)]
        self.sent = 0
        self.codes = Counter()

    @property
    def lost(self):
        return [self._names[n] for each in self._sockets for n in each.open.values()]

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            await loop.create_datagram_endpoint(lambda each=each: each, remote_addr=self._address)
        self._began = loop.time()
        self._timer = loop.call_soon(self._tick)
        return self

    async def __aexit__(self, *failure):
        self._timer.cancel()
        try:
            if failure == (None, None, None):
                await until(lambda: not self.lost or self._is_over(), DEADLINE + 1)
        finally:
            for each in self._sockets:
                each.transport.close()
                for (number, rcode), count in each.codes.items():
                    self.codes[self._names[number], dns.rcode.to_text(rcode)] += count

    def _is_over(self):
        return asyncio.get_running_loop().time() > self._timer.when() + DEADLINE

    def _tick(self):
        loop = asyncio.get_running_loop()
        for _ in range(min(int((loop.time() - self._began) * self._rate) - self.sent, self._rate)):
            number = self.sent % len(self._packets)
            self._sockets[self.sent % len(self._sockets)].ask(self._packets[number], number)
            self.sent += 1
        self._timer = loop.call_later(TICK_SECONDS, self._tick)


class _Socket(asyncio.DatagramProtocol):
    """One socket and what is open on it: id -> number of the name."""

    def __init__(self):
        self.open = {}
        self.codes = Counter()
        self._next = 0

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, packet, number):
        self._next = (self._next + 1) % 65536
        assert self._next not in self.open, "an id came around while its query was open"
        self.open[self._next] = number
        self.transport.sendto(self._next.to_bytes(2) + packet[2:])

    def datagram_received(self, data, _address):
        number = self.open.pop(int.from_bytes(data[:2]), None)
        if number is not None:
            self.codes[number, data[3] & 15] += 1
