"""The DNS server: its TCP connections, and all that runs while it serves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import cast

from tidegate.config import DnsConfig
from tidegate.dns import wire
from tidegate.dns.account import Account
from tidegate.dns.datagram import Datagrams
from tidegate.dns.desk import Desk, Forwarder, Send
from tidegate.dns.querylog import QueryLog
from tidegate.dns.stream import Framing, framed
from tidegate.dns.tally import Durations
from tidegate.dns.zone import Zone
from tidegate.routing import Delta, RoutingTable
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics, NullMetrics

MAX_STREAMS = 1024
MAX_STREAM_QUERIES = 128  # forwarded queries one connection may have open; then it is not read
IDLE_SECONDS = 10.0  # RFC 7766 6.2.3 asks for "a few seconds"; Knot's default
CROWDED_IDLE_SECONDS = 2.0  # from half of MAX_STREAMS on
MESSAGE_SECONDS = 5.0  # from a message's first octet to its last

_FLUSH_SECONDS = 0.25
_PROGRAMMING_SECONDS = tuple(0.001 * 2**power for power in range(16))  # buckets, as CoreDNS has them


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
        came = self._desk.clock()
        messages = self._framing.feed(data)
        if messages is None:
            self._desk.dropped["malformed"] += 1
            self._transport.abort()
            return
        replies = [reply for reply in map(self._take, messages) if reply is not None]
        self._replied(replies)
        if replies:
            self._desk.durations["tcp"].add(self._desk.clock() - came, len(replies))
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

    def retire(self) -> None:
        """Take no more queries; close when those that are open have their replies, and what is written has gone."""
        self._is_ended = True
        if self._transport is None:
            return
        if not self._open:
            self._transport.close()
        elif self._transport.is_reading():
            self._transport.pause_reading()

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
        self.log = QueryLog(config.query_log, config.query_log_sample, zone.name_of) if config.query_log else None
        self._forwarder = forwarder if config.forward else None
        self._settle_seconds = config.forward_total_seconds
        self._metrics = metrics or NullMetrics()
        self._account = Account(self._metrics)
        self._programming = Durations(_PROGRAMMING_SECONDS)
        self._streams: set[Stream] = set()
        self._desk: Desk | None = None  # from the start of `run`
        self._stopping = asyncio.Event()

    async def run(self, udp: list[socket.socket], tcp: list[socket.socket]) -> None:
        """Answer until `stop`, or until cancelled. After `stop` nothing more is read from the sockets, and what was read
        gets its reply; who is cancelled only finishes writing."""
        async with Tasks("dns") as tasks:
            self._desk = Desk(self.zone, self._forwarder, self.log)
            background = self._start(tasks)
            try:
                async with self._hearing(self._desk, udp, tcp):
                    await self._stopping.wait()
                for stream in list(self._streams):
                    stream.retire()
                await self._desk.settle(self._settle_seconds)
            finally:
                self._end(background)

    def stop(self) -> None:
        """Let `run` end, with every query that came answered: another process hears the same sockets from now on."""
        self._stopping.set()

    def apply(self, table: RoutingTable, delta: Delta) -> None:
        """Follow the routing table."""
        self.zone.apply(table, delta)
        if self.log is not None:
            self.log.forget()
        if delta.since and delta.names:
            self._programming.add(max(0.0, time.monotonic() - delta.since))

    def counters(self) -> dict[str, int]:
        """What happened since the start, as flat numbers: `responses.<type>.<rcode>`, `dropped.<reason>`, `streams`, and
        those of the forwarder."""
        found = {f"responses.{t.kind}.{wire.RCODES.get(t.rcode, 'other')}": t.count for t in self.zone.tallies.all()}
        if self._desk is not None:
            found.update({f"dropped.{reason}": count for reason, count in self._desk.dropped.items()})
        if self._forwarder is not None:
            found.update({f"forward.{name}": count for name, count in self._forwarder.counters().items()})
        return found | {"streams": len(self._streams)}

    def report(self) -> None:
        """Give the metrics what has been added since the last report."""
        account = self._account
        account.zone(self.zone)
        if self._desk is not None:
            account.desk(self._desk.durations, self._desk.dropped, self._desk.blocked)
        if self._forwarder is not None:
            self._forwarder.report(account)
        if self.log is not None:
            account.count("tidegate_dns_log_lines_dropped_total", self.log.dropped)
        account.times("tidegate_dns_programming_duration_seconds", self._programming)
        self._metrics.gauge("tidegate_dns_streams", len(self._streams))

    def _start(self, tasks: Tasks) -> list[asyncio.Task[None]]:
        """What runs beside the sockets."""
        background = [tasks.spawn("tend", self._tend())]
        if self._forwarder is not None:
            self._forwarder.reload()  # a query may be read before the first step of any task
            background.append(tasks.spawn("upstreams", self._forwarder.run()))
        if self.log is not None:
            self.log.open()
            background.append(tasks.spawn("log", _flush(self.log)))
        return background

    def _end(self, background: list[asyncio.Task[None]]) -> None:
        for stream in list(self._streams):
            stream.end()
        for task in background:
            task.cancel()
        if self.log is not None:
            self.log.close()
        self.report()

    @contextlib.asynccontextmanager
    async def _hearing(self, desk: Desk, udp: list[socket.socket], tcp: list[socket.socket]) -> AsyncIterator[None]:
        """While it lasts, what comes to the sockets is read."""
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            for sock in (*udp, *tcp):  # an inherited descriptor may come blocking, and would then stop the whole loop
                sock.setblocking(False)
            for sock in udp:
                loop.add_reader(sock.fileno(), Datagrams(sock, desk).on_readable)
                stack.callback(loop.remove_reader, sock.fileno())
            for sock in tcp:
                server = await loop.create_server(self._stream, sock=sock.dup())
                stack.callback(server.close)
            yield

    def _stream(self) -> Stream:
        assert self._desk is not None, "connections come only while running"
        return Stream(self._desk, self._streams, asyncio.get_running_loop().time)

    async def _tend(self) -> None:
        """Once a second: end what is idle or stalled, report. One timer for all connections."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(1.0)
            now = clock()
            for stream in list(self._streams):
                stream.sweep(now)
            self.report()


async def _flush(log: QueryLog) -> None:
    while True:
        await asyncio.sleep(_FLUSH_SECONDS)
        log.flush()


def _packed(address: tuple[str, int]) -> bytes:
    host = address[0].partition("%")[0]
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
