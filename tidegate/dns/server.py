"""The DNS server: all that runs while it serves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

from tidegate.config import DnsConfig
from tidegate.dns import host, wire
from tidegate.dns.account import Account
from tidegate.dns.connection import Stream, Streams
from tidegate.dns.datagram import Datagrams
from tidegate.dns.desk import Desk, Forwarder
from tidegate.dns.gate import Gate
from tidegate.dns.querylog import QueryLog
from tidegate.dns.rate import Rates
from tidegate.dns.tally import Durations
from tidegate.dns.zone import Zone
from tidegate.routing import Delta, RoutingTable
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics, NullMetrics

_FLUSH_SECONDS = 0.25
_AT_ONCE = 32  # connections ended in one go
_LOOK_SECONDS = 10.0  # between looks at what addresses this host has
_PROGRAMMING_SECONDS = tuple(0.001 * 2**power for power in range(16))  # buckets, as CoreDNS has them


class DnsServer:
    """Serves DNS on sockets that are bound already; they stay the caller's."""

    def __init__(
        self, config: DnsConfig, zone: Zone, forwarder: Forwarder | None = None, metrics: Metrics | None = None
    ) -> None:
        self.zone = zone
        self.log = QueryLog(config.query_log, config.query_log_sample, zone.name_of) if config.query_log else None
        self._forwarder = forwarder if config.forward else None
        self._rate = config.response_rate
        self._settle_seconds = config.forward_total_seconds
        self._metrics = metrics or NullMetrics()
        self._account = Account(self._metrics)
        self._programming = Durations(_PROGRAMMING_SECONDS)
        self._streams = Streams()
        self._desk: Desk | None = None  # from the start of `run`
        self._stopping = asyncio.Event()

    async def run(self, udp: list[socket.socket], tcp: list[socket.socket]) -> None:
        """Answer until `stop`, or until cancelled. After `stop` nothing more is read from the sockets, and what was read
        gets its reply; who is cancelled only finishes writing."""
        loop = asyncio.get_running_loop()
        gate = Gate(Rates(self._rate), self.zone.jar, loop.time) if self._rate else None
        async with Tasks("dns") as tasks:
            self._desk = Desk(self.zone, self._forwarder, self.log, gate=gate)
            background = self._start(tasks)
            try:
                async with self._hearing(self._desk, udp, tcp):
                    await self._stopping.wait()
                for stream in self._streams:
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
        """What happened since the start, as flat numbers: `responses.<type>.<rcode>`, `dropped.<reason>`,
        `limited.<outcome>`, `streams`, and those of the forwarder."""
        found = {f"responses.{t.kind}.{wire.RCODES.get(t.rcode, 'other')}": t.count for t in self.zone.tallies.all()}
        if self._desk is not None:
            found.update({f"dropped.{reason}": count for reason, count in self._desk.dropped.items()})
            if self._desk.gate is not None:
                found.update({f"limited.{outcome}": count for outcome, count in self._desk.gate.counts.items()})
        if self._forwarder is not None:
            found.update({f"forward.{name}": count for name, count in self._forwarder.counters().items()})
        return found | {"streams": len(self._streams)}

    def report(self) -> None:
        """Give the metrics what has been added since the last report."""
        account = self._account
        account.zone(self.zone)
        if self._desk is not None:
            account.desk(self._desk.durations, self._desk.dropped, self._desk.blocked)
            for outcome, count in self._desk.gate.counts.items() if self._desk.gate is not None else ():
                account.count("tidegate_dns_limited_total", count, outcome=outcome)
        if self._forwarder is not None:
            self._forwarder.report(account)
        if self.log is not None:
            account.count("tidegate_dns_log_lines_dropped_total", self.log.dropped)
        account.times("tidegate_dns_programming_duration_seconds", self._programming)
        self._metrics.gauge("tidegate_dns_streams", len(self._streams))

    def _start(self, tasks: Tasks) -> list[asyncio.Task[None]]:
        """What runs beside the sockets."""
        self.zone.stand_at(host.addresses())
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
        return Stream(self._desk, self._streams, asyncio.get_running_loop())

    async def _tend(self) -> None:
        """Once a second: end what is idle or stalled, set the cookies' clock, report. One timer for all connections."""
        clock = asyncio.get_running_loop().time
        look_at = clock() + _LOOK_SECONDS
        while True:
            await asyncio.sleep(1.0)
            now = clock()
            if now >= look_at:
                look_at = now + _LOOK_SECONDS
                self.zone.stand_at(host.addresses())
            if self.zone.jar is not None:
                self.zone.jar.now = int(time.time())
            await self._sweep(now)
            self.report()

    async def _sweep(self, now: float) -> None:
        """End what is idle or stalled, a few at a time: queries go between."""
        for number, stream in enumerate(self._streams):
            stream.sweep(now)
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)


async def _flush(log: QueryLog) -> None:
    while True:
        await asyncio.sleep(_FLUSH_SECONDS)
        log.flush()
