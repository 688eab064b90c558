"""What a worker process is made of: router and DNS server on inherited sockets, following control through the channel.

Loads neither aiohttp nor pydantic: a worker is small and starts fast. It serves from the remembered table before control
has spoken, and goes on with the last one when control is gone.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tidegate import __version__
from tidegate.app.channel import ChannelClient
from tidegate.app.cookiekey import cookie_key, dns_cookie_key
from tidegate.app.folder import desks
from tidegate.app.garbage import tend_garbage
from tidegate.app.launch import Launch, adopt
from tidegate.app.messages import Drained, Failed, Message
from tidegate.app.peerkey import PeerKey
from tidegate.app.pulse import Pulse
from tidegate.app.report import Reporter
from tidegate.config import Config, DnsConfig
from tidegate.control.snapshot import Memory
from tidegate.dns.access import Access, elsewhere
from tidegate.dns.cookie import Jar
from tidegate.dns.copies import SHARE, Copies
from tidegate.dns.forward import UpstreamForwarder
from tidegate.dns.server import DnsServer
from tidegate.dns.wire import encode
from tidegate.dns.zone import Zone
from tidegate.router.worker import Router
from tidegate.routing import Delta, RoutingTable
from tidegate.tasks import Tasks
from tidegate.telemetry import logger
from tidegate.tls.shelf import Shelf

if TYPE_CHECKING:
    from tidegate.tracing.exporter import Exporter

_REPORT_SECONDS = 1.0
_MAX_REPORT_SECONDS = 10.0
_LARGE_DELTA = 1000  # names, routes and services
_SERIES_A_SECOND = 2000  # with more routes and endpoints under traffic than this, reports come less often
# For control to send the table; who connects meanwhile waits in the accept queue. With a remembered table the wait is
# short: control may be the one that is down. Without one, to serve means to refuse.
_FIRST_TABLE_SECONDS = (0.5, 5.0)
_log = logger("worker")


class DataPlane:
    """Router and DNS server of one worker; `send` tells control. Used by worker processes and by single mode."""

    def __init__(self, config: Config, slot: int, send: Callable[[Message], None]) -> None:
        key = cookie_key(Path(config.state.folder))
        self.zone = Zone(
            config.dns.domain,
            config.dns.ttl_seconds,
            recursion=config.dns.forward,
            delegated=frozenset(encode(each.zone) for each in config.dns.forward_zones),
            across_networks=config.dns.across_networks,
            access=Access(config.dns.clients or None, elsewhere(config.docker.urls, config.node.address)),
            jar=_jar(config.dns, key),
        )
        self.spans = _exporter(config, slot)
        self.router = Router(
            config.http,
            offset=slot,
            workers=config.workers,
            cookie_key=key,
            records=config.access_log,
            tracing=config.tracing,
            spans=self.spans,
            on_failure=lambda endpoint, reason: send(Failed(endpoint=endpoint, reason=reason.token)),
            on_drained=lambda endpoint: send(Drained(endpoint=endpoint)),
            shelf=Shelf(config.tls, config.files),
            max_handshakes=config.tls.max_handshakes,
            node=config.node.name,
            secret=PeerKey(Path(config.state.folder)),
            desks=desks(config.state.folder),
        )
        self._reporter = Reporter(slot, self.spans)
        self.dns = DnsServer(config.dns, self.zone, _forwarder(config.dns, self.zone), self._reporter)
        self._lame_duck_seconds = config.dns.lame_duck_seconds
        self._send = send

    def apply(self, table: RoutingTable, delta: Delta) -> None:
        """Follow a published table."""
        self.router.apply(table, delta)
        self.dns.apply(table, delta)
        if len(delta.services) + len(delta.routes) + len(delta.names) > _LARGE_DELTA:
            gc.freeze()  # they stay; no collection need walk them

    def reopen_log(self) -> None:
        """Write the logs to whatever files have their names now."""
        self.router.records.reopen()
        if self.dns.log is not None:
            self.dns.log.reopen()

    async def run(self, launch: Launch, stop: asyncio.Event, serves: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop`, then drain: requests in flight finish, and DNS answers on for a moment, or where nobody takes
        over for as long as they last. `serves` is called when the listeners are open."""
        if self.spans is not None:
            self.spans.start()
        async with Tasks("dataplane") as tasks:
            reports = tasks.spawn("reports", self._report())
            udp, tcp = adopt(launch.dns_udp), adopt(launch.dns_tcp)
            dns = tasks.spawn("dns", self.dns.run(udp, tcp)) if udp else None
            listening = self.router.run(adopt(launch.http), adopt(launch.https), serves, peers=adopt(launch.peers))
            router = tasks.spawn("router", listening)
            await stop.wait()
            if not self.router.stopping:
                self.router.stop()
            await asyncio.sleep(self._lame_duck_seconds if dns is not None else 0.0)
            if not self.router.succeeded:
                await router
            self.dns.stop()
            if dns is not None:
                await dns
            await router
            reports.cancel()
        if self.spans is not None:
            await asyncio.to_thread(self.spans.close)
        self._send(self._reporter.report(self.router))

    async def _report(self) -> None:
        wait = _REPORT_SECONDS
        while True:
            await asyncio.sleep(wait)
            report = self._reporter.report(self.router)
            self._send(report)
            wait = min(_MAX_REPORT_SECONDS, max(_REPORT_SECONDS, len(report.counted) / _SERIES_A_SECOND))


def _jar(config: DnsConfig, key: bytes) -> Jar | None:
    return Jar(dns_cookie_key(key), int(time.time())) if config.cookies else None


def _forwarder(config: DnsConfig, zone: Zone) -> UpstreamForwarder:
    copies = Copies(zone.udp_meter, zone.tallies, config.cache_bytes // SHARE, cookies=config.cookies)
    return UpstreamForwarder(config, copies=copies)


def _exporter(config: Config, slot: int) -> Exporter | None:
    if not config.tracing.otlp:
        return None
    from tidegate.tracing.exporter import Exporter  # noqa: PLC0415  its HTTP client costs 15 ms, most workers have none

    name = config.node.name
    resource = [("service.name", "tidegate"), ("service.version", __version__)]
    resource += [("service.instance.id", f"{name}-{slot}"), ("host.name", name)]
    return Exporter(config.tracing, resource, __version__)


async def run_worker(launch: Launch, pulse: Pulse) -> int:
    """A worker process: until SIGTERM, or until SIGHUP says that its successor serves, and tunnels have longer to end."""
    stop = asyncio.Event()
    channel: ChannelClient
    plane = DataPlane(launch.config, launch.slot, lambda message: channel.send(message))  # noqa: PLW0108  bound later
    _listen_to_signals(stop, plane.router)
    channel = ChannelClient(launch.channel_path, launch.slot, plane.apply)
    remembered, problem = Memory(Path(launch.config.state.folder)).load()
    if problem is not None:
        _log.error("%s", problem)
    if remembered is not None:
        channel.start_from(remembered.table)
    async with Tasks("worker") as tasks:
        tending = tasks.spawn("garbage", tend_garbage())
        following = tasks.spawn("channel", channel.run())
        await _first_table(channel, stop, _FIRST_TABLE_SECONDS[remembered is None])
        await plane.run(launch, stop, pulse.ready)
        following.cancel()
        tending.cancel()
    _log.info("stopped", extra={"pid": os.getpid()})
    return 0


async def _first_table(channel: ChannelClient, stop: asyncio.Event, seconds: float) -> None:
    """Wait until control has spoken, we are told to stop, or the time is up."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), Tasks("worker.start") as tasks:
            stopping = tasks.spawn("stop", stop.wait())
            telling = tasks.spawn("table", channel.told.wait())
            await asyncio.wait((stopping, telling), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            telling.cancel()


def _listen_to_signals(stop: asyncio.Event, router: Router) -> None:
    def end(begin: Callable[[], None]) -> None:
        begin()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, router.stop)
    loop.add_signal_handler(signal.SIGHUP, end, router.retire)
