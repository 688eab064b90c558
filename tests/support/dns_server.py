"""A DNS server on loopback, and ways to ask it: what the tests over sockets share."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import dns.message
from msgspec import structs

from tests.support.dns import name, publish, target
from tidegate.config import DnsConfig
from tidegate.dns.forward import UpstreamForwarder
from tidegate.dns.listener import bind
from tidegate.dns.server import DnsServer
from tidegate.dns.zone import Zone
from tidegate.model import Address
from tidegate.tasks import Tasks

WEB = name("web", target("1.web", "127.0.0.2", ports=[80]))
MANY = name("many", *(target(f"{n}.many", f"10.1.0.{n}") for n in range(1, 101)))
CONFIG = DnsConfig(domain="mesh.test", forward_timeout_seconds=0.2, forward_total_seconds=1.0, loop_check=False)
DEADLINE = 10


class Running:
    """A server with the zone `mesh.test` on loopback, and ways to ask it."""

    def __init__(self, server, zone, tasks, task, udp, host):
        self.server, self.zone, self.tasks, self.task, self.host = server, zone, tasks, task, host
        self.udp_sockets, self.port = [udp], udp.getsockname()[1]

    async def udp(self, *packets):
        """Send all packets from one socket, then wait for as many answers."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((self.host, self.port))
            for packet in packets:
                await loop.sock_sendall(sock, packet)
            async with asyncio.timeout(DEADLINE):
                return [await loop.sock_recv(sock, 65535) for _ in packets]

    async def first(self, packet):
        """The first answer on a socket that sent `packet`, then a good query: tells a dropped query without waiting."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((self.host, self.port))
            for data in (packet, SENTINEL):
                await loop.sock_sendall(sock, data)
            async with asyncio.timeout(DEADLINE):
                return await loop.sock_recv(sock, 65535)

    async def ask(self, *args, **more):
        (reply,) = await self.udp(dns.message.make_query(*args, **more).to_wire())
        return dns.message.from_wire(reply)

    async def tcp(self, *chunks, answers, end=False):
        """Write the chunks one by one; the messages that come back."""
        async with asyncio.timeout(DEADLINE):
            reader, writer = await asyncio.open_connection(self.host, self.port)
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
            if end:
                writer.write_eof()
            replies = [await reader.readexactly(int.from_bytes(await reader.readexactly(2))) for _ in range(answers)]
            if end:
                assert await reader.read() == b""
            writer.close()
            return replies


SENTINEL = dns.message.make_query("sentinel.mesh.test", "A", id=0xBEEF).to_wire()


@contextlib.asynccontextmanager
async def running(
    *names, upstreams=(), host="127.0.0.1", reached="127.0.0.1", zone=None, forwarder=None, config=CONFIG, metrics=None
):
    """Serve `names` beside `web` and `many`, in `zone` or one of its own."""
    zone = zone or Zone("mesh.test")
    publish(zone, WEB, MANY, *names)
    config = structs.replace(config, upstreams=tuple(upstreams))
    forwarder = forwarder or (UpstreamForwarder(config) if upstreams else None)
    server = DnsServer(config, zone, forwarder, metrics)
    udp, tcp = bind(Address(host=host, port=0))
    for sock in (udp, tcp):
        sock.setblocking(True)  # as a socket made from an inherited descriptor may be
    with udp, tcp:
        async with Tasks("test") as tasks:
            task = tasks.spawn("server", server.run([udp], [tcp]))
            made = Running(server, zone, tasks, task, udp, reached)
            await made.udp(SENTINEL)
            yield made
            task.cancel()


def query(qname="web.mesh.test", qtype="A", **more):
    return dns.message.make_query(qname, qtype, **more).to_wire()


def framed(data):
    return len(data).to_bytes(2) + data


def rcode(reply):
    """The name of the code in a reply that must be well-formed to its end."""
    return dns.message.from_wire(reply, ignore_trailing=False).rcode().name
