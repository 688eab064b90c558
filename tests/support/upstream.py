"""A scripted DNS upstream on loopback, UDP and TCP on one port. Its script turns a query into the answers to send."""

from __future__ import annotations

import asyncio
import contextlib

import dns.flags
import dns.message
import dns.rrset

from tidegate.dns.listener import bind
from tidegate.model import Address, Nameserver

DEADLINE = 10


async def until(condition):
    """Let the loop turn until `condition` holds; fails after the deadline."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110  what is waited for has no event of its own
            await asyncio.sleep(0.001)


def answer(data, *records, rcode=0, truncated=False, authority=()):
    """An answer to the query in `data` with `records` such as `60 A 192.0.2.1`."""
    query = dns.message.from_wire(data)
    reply = dns.message.make_response(query)
    reply.set_rcode(rcode)
    owner = query.question[0].name
    for section, texts in ((reply.answer, records), (reply.authority, authority)):
        for text in texts:
            ttl, rtype, rdata = text.split(maxsplit=2)
            section.append(dns.rrset.from_text(owner, int(ttl), "IN", rtype, rdata))
    if truncated:
        reply.flags |= dns.flags.TC
    return reply.to_wire(max_size=65535)


class ScriptedUpstream:
    """`asked` are the queries in order, `streamed` those by TCP, over `connections` of them. `script(data, stream)` gives
    the messages to send; with `tls`, an SSL context, TCP connections speak TLS. What is sent by UDP while it is `slow`
    waits for `release`."""

    def __init__(self, script, tls=None, *, slow=False):
        self.script = script
        self.tls = tls
        self.slow = slow
        self._held = []
        self.asked = []
        self.streamed = []
        self.connections = 0
        self.ports = set()

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        self._udp, tcp = bind(Address(host="127.0.0.1", port=0))
        self.address = Nameserver(host="127.0.0.1", port=self._udp.getsockname()[1])
        loop.add_reader(self._udp, self._on_datagram)
        self._server = await asyncio.start_server(self._on_stream, sock=tcp, ssl=self.tls)
        return self

    async def __aexit__(self, *_):
        self.close()

    def close(self):
        """Stop listening; a second time does nothing."""
        if self._udp.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._udp)
            self._udp.close()
            self._server.close()

    def _on_datagram(self):
        with contextlib.suppress(BlockingIOError):
            data, address = self._udp.recvfrom(4096)
            self.asked.append(data)
            self.ports.add(address[1])
            self._held += [(reply, address) for reply in self.script(data, False) or ()]
            if not self.slow:
                self.release()

    def release(self):
        """Send what waits."""
        for reply, address in self._held:
            self._udp.sendto(reply, address)
        self._held.clear()

    async def _on_stream(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                data = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                self.streamed.append(data)
                for reply in self.script(data, True) or ():
                    writer.write(len(reply).to_bytes(2) + reply)
        writer.close()
