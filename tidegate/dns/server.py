"""The DNS server: its TCP connections, and all that runs while it serves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import cast

from tidegate.config import DnsConfig
from tidegate.dns import wire
from tidegate.dns.datagram import Datagrams
from tidegate.dns.desk import Desk, Forwarder, Send
from tidegate.dns.stream import Framing, framed
from tidegate.dns.zone import Zone
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics, NullMetrics

MAX_STREAMS = 1024
MAX_STREAM_QUERIES = 128  # forwarded queries one connection may have open; then it is not read
IDLE_SECONDS = 10.0  # RFC 7766 6.2.3 asks for "a few seconds"; Knot's default
CROWDED_IDLE_SECONDS = 2.0  # from half of MAX_STREAMS on
MESSAGE_SECONDS = 5.0  # from a message's first octet to its last


class Stream(asyncio.Protocol):
    """One TCP connection. Replies to what one read brought go out in one write; forwarded ones follow as they come."""

    def __init__(self, desk: Desk, streams: set[Stream], clock: Callable[[], float]) -> None:
        self._desk = desk
        self._streams = streams
        self._clock = clock
        self._framing = Framing()
        self._transport: asyncio.Transport | None = None  # from connection_made to connection_lost
        self._source = b""
        self._local = b""
        self._open = 0  # forwarded queries without a reply yet
        self._is_ended = False  # set by the client's FIN: reply to what is open, then close
        self._is_choked = False  # set while the client does not read its replies
        self.deadline = 0.0  # loop time at which `sweep` ends the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # what a TCP server makes; uvloop's does not inherit from it
        if len(self._streams) >= MAX_STREAMS:
            self._desk.dropped["streams"] += 1
            transport.abort()
            return
        self._transport = transport
        self._streams.add(self)
        self._source = _packed(transport.get_extra_info("peername"))
        self._local = _packed(transport.get_extra_info("sockname"))
        self.deadline = self._clock() + self._idle()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  why it broke is the peer's business
        self._transport = None
        self._streams.discard(self)

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        began = self._framing.is_partial
        messages = self._framing.feed(data)
        if messages is None:
            self._desk.dropped["malformed"] += 1
            self._transport.abort()
            return
        self._replied([reply for reply in map(self._take, messages) if reply is not None])
        if self._framing.is_partial and (messages or not began):
            self.deadline = self._clock() + MESSAGE_SECONDS
        elif not self._framing.is_partial:
            self.deadline = self._clock() + self._idle()

    def eof_received(self) -> bool:
        """Half-closed: what is open is still answered (RFC 7766 6.2.3)."""
        self._is_ended = True
        return self._open > 0

    def pause_writing(self) -> None:
        self._is_choked = True
        self._regulate()

    def resume_writing(self) -> None:
        self._is_choked = False
        self._regulate()

    def sweep(self, now: float) -> None:
        """End the connection if its time is up. Open queries hold an idle one for as long as they may last."""
        if self._transport is not None and now >= self.deadline and (not self._open or self._is_choked):
            self._transport.abort()

    def end(self) -> None:
        """Close after what is written has gone."""
        if self._transport is not None:
            self._transport.close()

    def _take(self, message: bytes) -> bytes | None:
        return self._desk.take(message, self._desk.zone.asker(self._source, self._local, stream=True), self._later)

    def _later(self) -> Send:
        self._open += 1
        self._regulate()
        return self._reply_late

    def _reply_late(self, reply: bytes) -> None:
        self._open -= 1
        if self._transport is None:
            return
        self._replied([reply])
        self._regulate()
        if self._is_ended and not self._open:
            self._transport.close()

    def _replied(self, replies: list[bytes]) -> None:
        if replies and self._transport is not None:
            self._transport.write(b"".join(map(framed, replies)))

    def _regulate(self) -> None:
        """Read only while the client takes replies and has not too much open."""
        if self._transport is None or self._is_ended:
            return
        if self._is_choked or self._open >= MAX_STREAM_QUERIES:
            self._transport.pause_reading()
        elif not self._transport.is_reading():
            self._transport.resume_reading()

    def _idle(self) -> float:
        return IDLE_SECONDS if len(self._streams) * 2 < MAX_STREAMS else CROWDED_IDLE_SECONDS


class DnsServer:
    """Serves DNS on sockets that are bound already; they stay the caller's."""

    def __init__(
        self, config: DnsConfig, zone: Zone, forwarder: Forwarder | None = None, metrics: Metrics | None = None
    ) -> None:
        self.zone = zone
        self._forwarder = forwarder if config.forward else None
        self._metrics = metrics or NullMetrics()
        self._streams: set[Stream] = set()
        self._desk: Desk | None = None  # from the start of `run`
        self._reported: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}

    async def run(self, udp: list[socket.socket], tcp: list[socket.socket]) -> None:
        """Answer until cancelled, then let open connections finish their writes."""
        loop = asyncio.get_running_loop()
        for sock in (*udp, *tcp):  # an inherited descriptor may come blocking, and would then stop the whole loop
            sock.setblocking(False)
        async with Tasks("dns") as tasks, contextlib.AsyncExitStack() as stack:
            self._desk = Desk(self.zone, self._forwarder)
            if self._forwarder is not None:
                tasks.spawn("upstreams", self._forwarder.run())
            for sock in udp:
                loop.add_reader(sock.fileno(), Datagrams(sock, self._desk).on_readable)
                stack.callback(loop.remove_reader, sock.fileno())
            for sock in tcp:
                server = await loop.create_server(self._stream, sock=sock.dup())
                stack.callback(server.close)
            stack.callback(self._end_streams)
            await self._tend()

    def counters(self) -> dict[str, int]:
        """What happened since the start, as flat numbers: `responses.<type>.<rcode>`, `refused.<rcode>`,
        `dropped.<reason>`, `streams`, and those of the forwarder."""
        found = {f"responses.{t.kind}.{wire.RCODES[t.rcode]}": t.count for t in self.zone.tallies()}
        if self._desk is not None:
            found.update({f"refused.{rcode}": count for rcode, count in self._desk.refused.items()})
            found.update({f"dropped.{reason}": count for reason, count in self._desk.dropped.items()})
        if self._forwarder is not None:
            found.update({f"forward.{name}": count for name, count in self._forwarder.counters().items()})
        return found | {"streams": len(self._streams)}

    def report(self) -> None:
        """Give the metrics what has been added since the last report."""
        for t in self.zone.tallies():
            self._count("tidegate_dns_responses_total", t.count, type=t.kind, rcode=wire.RCODES[t.rcode])
        if self._desk is not None:
            for rcode, count in self._desk.refused.items():
                self._count("tidegate_dns_responses_total", count, type="refused", rcode=rcode)
            for reason, count in self._desk.dropped.items():
                self._count("tidegate_dns_dropped_total", count, reason=reason)
        if self._forwarder is not None:
            for name, count in self._forwarder.counters().items():
                self._count("tidegate_dns_forward_total", count, outcome=name)
        self._metrics.gauge("tidegate_dns_streams", len(self._streams))

    def _count(self, name: str, total: int, **labels: str) -> None:
        key = (name, tuple(labels.items()))
        added = total - self._reported.get(key, 0)
        if added:
            self._reported[key] = total
            self._metrics.count(name, added, **labels)

    def _stream(self) -> Stream:
        assert self._desk is not None, "connections come only while running"
        return Stream(self._desk, self._streams, asyncio.get_running_loop().time)

    def _end_streams(self) -> None:
        for stream in list(self._streams):
            stream.end()

    async def _tend(self) -> None:
        """Once a second: end what is idle or stalled, report. One timer for all connections."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(1.0)
            now = clock()
            for stream in list(self._streams):
                stream.sweep(now)
            self.report()


def _packed(address: tuple[str, int]) -> bytes:
    host = address[0].partition("%")[0]
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
