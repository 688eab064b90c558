"""What the control process is made of, and in which order it starts and stops.

providers -> reconciler -> (checker, channel to the workers, memory on disk); store -> overrides -> reconciler; the admin
API reads them all. Every part gets what it needs here, by constructor, and runs as one task of one group.
"""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tidegate.app.channel import ChannelServer
from tidegate.app.cluster import Cluster
from tidegate.app.cookiekey import cookie_key
from tidegate.app.folder import desks
from tidegate.app.launch import Launch, adopt
from tidegate.app.messages import Drained, Failed, Message, Report
from tidegate.app.pulse import Pulse
from tidegate.app.resolve import Resolver
from tidegate.app.stack import Stack
from tidegate.config import Config
from tidegate.control.ejections import Ejections
from tidegate.control.gauges import Gauges
from tidegate.control.helps import HELPS
from tidegate.control.metrics import CounterDelta, Registry
from tidegate.control.neighbours import Neighbours
from tidegate.control.plane import ControlPlane
from tidegate.control.ports import Alone
from tidegate.control.traffic import Traffic
from tidegate.discovery.docker import EngineProvider
from tidegate.discovery.file import FileProvider
from tidegate.discovery.outside import OutsideProvider
from tidegate.discovery.provider import Provider
from tidegate.discovery.sleeping import Dormant, SleepingProvider
from tidegate.dns import host
from tidegate.dns.access import Access, elsewhere
from tidegate.dns.forward import UpstreamForwarder
from tidegate.dns.wire import encode
from tidegate.dns.zone import Zone
from tidegate.engine.docker import DockerEngine
from tidegate.engine.docker_http import TlsFiles
from tidegate.engine.logins import Logins
from tidegate.engine.port import Engine, EngineEvent
from tidegate.engine.process import ProcessEngine
from tidegate.errors import EngineUnreachable, NoSuchThing, Problem
from tidegate.healthcheck.checker import Checker
from tidegate.model import HealthReport, Inventory
from tidegate.router.decision import Decider
from tidegate.routing import RoutingTable, TableCell
from tidegate.stacks.stack import Outside
from tidegate.store.address import parse
from tidegate.store.opening import open_store
from tidegate.store.port import Store
from tidegate.store.recall import Recall
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

_SETTLE_SECONDS = 0.05
_log = logger("control")


class Engines:
    """The engines that are followed, and which instance belongs to which: the checker's way to run commands."""

    def __init__(self, config: Config) -> None:
        self.stacked: Engine | None = None  # where `--stack` runs
        self.maker: DockerEngine | None = None  # of its networks
        self.followed: list[tuple[str, Engine]] = []
        logins = Logins.said(config.docker.registry_config, os.environ)
        for url in config.docker.urls:
            tls = TlsFiles.in_folder(config.docker.tls_folder) if config.docker.tls_folder else None
            version = config.docker.api_version or None
            docker = DockerEngine(url, tls if url.startswith("tcp:") else None, version, logins)
            self.followed.append((f"docker:{url}", docker))
            self.stacked = self.stacked or docker
            self.maker = self.maker or docker
        if config.processes or (config.stack and self.stacked is None):
            self.maker = None
            self.stacked = ProcessEngine(config.state.folder)
            self.followed.insert(0, ("process", self.stacked))  # stacks run on the first one
        if not config.stack:
            self.stacked = None

    async def execute(self, instance: str, command: tuple[str, ...], timeout_seconds: float) -> tuple[int, str]:
        """Run a command inside an instance, on whichever engine has it. Raises errors of `tidegate.errors`."""
        unknown: NoSuchThing | None = None
        for _, engine in self.followed:
            try:
                result = await engine.exec(instance, command, timeout_seconds)
            except NoSuchThing as error:
                unknown = error
                continue
            return result.exit_code, result.output
        raise unknown or EngineUnreachable(Problem(code="T1101", text="no engine is followed"))

    async def close(self) -> None:
        """Let go of all of them."""
        for _, engine in self.followed:
            await engine.close()


class Workers:
    """What the admin API asks of the workers, answered by the channel."""

    def __init__(self, channel: ChannelServer) -> None:
        self._channel = channel

    def workers(self) -> Sequence[Mapping[str, Any]]:
        """One mapping per connected worker."""
        return [
            {"name": f"worker-{each.slot}", "pid": each.pid, "state": "running", "version": each.applied}
            for each in sorted(self._channel.followers, key=lambda each: each.slot)
        ]


class Control:
    """All parts of control, wired; `run` starts them in order and stops them in the other. `settled` is called once the
    table is built from what is seen."""

    def __init__(self, launch: Launch, store: Store, settled: Callable[[], None] = lambda: None) -> None:
        config = launch.config
        self._settled = settled
        self._recall = _recall(config, store) if config.state.store else None
        store = self._store = self._recall or store
        self._node = config.node.name
        self.registry = Registry(HELPS)
        store.report_to(self.registry)
        self.traffic = Traffic(time.monotonic, lambda kind, keys: known(self.cell.table, kind, keys))
        self.gauges = Gauges(time.monotonic, HELPS)
        self.ejections = Ejections(time.monotonic, time.time, lambda kind, keys: known(self.cell.table, kind, keys))
        self.registry.also_lines(self.traffic.lines)
        self.registry.also(self.gauges.families)
        self.registry.also(self.ejections.families)
        self.engines = Engines(config)
        self.channel = ChannelServer(self.take, expected=config.workers)
        self.zone = Zone(
            config.dns.domain,
            config.dns.ttl_seconds,
            recursion=config.dns.forward,
            across_networks=config.dns.across_networks,
            delegated=frozenset(encode(each.zone) for each in config.dns.forward_zones),
            access=Access(config.dns.clients or None, elsewhere(config.docker.urls, config.node.address)),
        )
        self.cell = TableCell()
        self.cell.follow(self.channel.publish)
        self.cell.follow(self.zone.apply)
        self.checker = Checker(self.engines.execute, self._on_health, metrics=self.registry)
        self.providers: list[Provider] = [
            *(
                EngineProvider(
                    engine, name, config.node.name, config.docker, metrics=self.registry, heard=self._hearer(engine)
                )
                for name, engine in self.engines.followed
            ),
            *(FileProvider(path, node=config.node.name) for path in config.files),
        ]
        self.cluster = (
            Cluster(
                config,
                store,
                self.engines.followed,
                self.checker.reports,
                lambda provider: self.plane.reconciler.forget_inventory(provider),  # noqa: PLW0108  bound later
                lambda kind, text: self.plane.journal.tell(kind, text),  # noqa: PLW0108  as above
            )
            if config.state.store
            else None
        )
        if self.cluster is not None:
            self.providers.append(self.cluster.others)
        if self.engines.followed:
            self.providers.append(OutsideProvider(self._outside, config.node.name))
            self.providers.append(
                SleepingProvider(self._dormant, lambda: self.plane.reconciler.inventories, self._whose_sleepers)
            )
        self.stack = (
            Stack.read(self.engines.stacked, config.stack, self.engines.maker) if self.engines.stacked else None
        )
        self.plane = ControlPlane(config, self._neighbours(launch, store))
        if self.plane.stacks.agent is not None:
            self.plane.stacks.agent.deeds.listeners = config.dns.listeners
        self.cell.follow(self.plane.certificates.apply)
        self._listening = adopt((launch.channel,))[0]

    def _neighbours(self, launch: Launch, store: Store) -> Neighbours:
        config = launch.config
        required = (each for each in self.providers if config.docker.required or not isinstance(each, EngineProvider))
        tls_port = config.http.tls_listeners[0].port if config.http.tls_listeners else 0
        return Neighbours(
            publisher=self.cell,
            others=self.cluster or Alone(),
            checks=self.checker,
            store=store,
            resolve=Resolver(self.zone, lambda: self.cell.table, UpstreamForwarder(config.dns).asked),
            decide=Decider(config.http, cookie_key(Path(config.state.folder)), tls_port),
            followers=self.channel,
            status=Workers(self.channel),
            required=[each.name for each in required],
            complaints=self._complaints,
            registry=self.registry,
            traffic=self.traffic,
            ejections=self.ejections,
            desks=desks(config.state.folder) if self.cluster is not None else {},
            own=sorted(str(ipaddress.ip_address(each)) for each in host.addresses()),
            engines=dict(self.engines.followed),
            sockets=adopt(launch.admin),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Run everything until `stop`."""
        async with Tasks("control.parts") as tasks:
            parts = [tasks.spawn("plane", self.plane.run()), tasks.spawn("checker", self.checker.run())]
            parts.append(tasks.spawn("settle", self._settle()))
            parts.append(tasks.spawn("channel", self.channel.run(self._listening)))
            parts += [tasks.spawn(each.name, each.run(self._offerer(each))) for each in self.providers]
            if self.cluster is not None:
                parts.append(tasks.spawn("cluster", self.cluster.run()))
            if self._recall is not None:
                parts.append(tasks.spawn("recall", self._recall.run()))
            stack = tasks.spawn("stack", self.stack.run()) if self.stack is not None else None
            await stop.wait()
            if stack is not None:  # while the rest still follows what it removes
                stack.cancel()
                await asyncio.wait([stack])
            for part in parts:
                part.cancel()
        await self.engines.close()

    async def _settle(self) -> None:
        """Tell the channel when the table is no longer the remembered one but built from what is seen now."""
        await asyncio.sleep(0)  # the plane resumes in its first step
        self.channel.settle()
        while self.plane.reconciler.waiting_for:
            self.plane.reconciler.go_without(each.name for each in self.providers if each.problems)
            await asyncio.sleep(_SETTLE_SECONDS)  # once per start, and the reconciler owes nobody an event
        self.plane.reconciler.settle()
        self.channel.synchronise_all()
        self._settled()
        table = self.cell.table
        _log.info("sees everything", extra={"services": len(table.services), "routes": len(table.routes)})
        gc.freeze()  # what is seen now mostly stays; walking it again and again delays the next change

    def take(self, slot: int, message: Message) -> None:
        """What a worker reports."""
        if isinstance(message, Report):
            self._merge(slot, message)
        elif isinstance(message, Failed):
            self.checker.passive(message.endpoint, message.reason)
        elif isinstance(message, Drained):
            self.plane.journal.tell("drained", f"worker {slot} has nothing in flight to {message.endpoint}")

    def _dormant(self) -> tuple[Dormant, ...] | None:
        """Services of stacks, as their containers would be."""
        if not self.plane.stacks.book.recalled:
            return None
        return tuple(
            Dormant(service=service, labels=spec.labels, image=spec.image, ports=spec.ports)
            for service, spec in self.plane.counts.templates().items()
        )

    def _outside(self) -> dict[str, tuple[Outside, ...]] | None:
        """Services of stacks that are somewhere else, by stack."""
        book = self.plane.stacks.book
        if not book.known:
            return None
        return {name: stack.outside for name, stack in book.stacks.entries.items() if not stack.leaving}

    def _whose_sleepers(self) -> str:
        """The node that is to wake them: one of them, where there are several."""
        leader = self.cluster.leadership.leader if self.cluster is not None else ""
        return leader or self._node

    def _complaints(self) -> tuple[Problem, ...]:
        """What the store, providers and health checks complain of now."""
        seen = (problem for provider in self.providers for problem in provider.problems)
        others = self.cluster.problems if self.cluster is not None else ()
        return (*self._store.problems, *seen, *self.checker.problems(), *others)

    def _offerer(self, provider: Provider) -> Callable[[Inventory], None]:
        """Who is told what a provider sees: the reconciler, and of what runs on this node the others."""
        cluster, offer = self.cluster, self.plane.reconciler.offer_inventory
        if cluster is None or not isinstance(provider, EngineProvider):
            return offer

        def also_tell(inventory: Inventory) -> None:
            offer(inventory)
            cluster.publisher.offer_inventory(inventory)

        return also_tell

    def _hearer(self, engine: Engine) -> Callable[[EngineEvent], None]:
        """Who else hears what an engine says: who takes stock of it."""

        def heard(event: EngineEvent) -> None:
            stock = self.plane.stacks.stock
            if stock is not None and stock.engine is engine:
                stock.heard(event)

        return heard

    def _on_health(self, report: HealthReport) -> None:
        self.plane.reconciler.offer_health(report)
        if self.cluster is not None:
            self.cluster.publisher.offer_health(report)

    def _merge(self, slot: int, report: Report) -> None:
        self.registry.merge(
            CounterDelta(name=each.name, amount=each.value, labels=tuple(sorted(each.labels)))
            for each in report.counters
        )
        for each in report.spreads:
            self.registry.spread(each.name, each.bounds, each.counts, each.total, **dict(each.labels))
        for tally in report.counted:
            self.traffic.add(tally.kind, tally.key, tally.columns)
        for failed in report.failures:
            self.traffic.fail(failed.kind, failed.key[:-1], failed.key[-1], failed.values[0])
        flying = ((each.kind, each.key, each.values[0]) for each in report.in_flight)
        self.traffic.fly(slot, report.pid, flying)
        self.ejections.take(
            slot,
            report.pid,
            ((each.endpoint, each.seconds) for each in report.ejected),
            ((each.key, each.values[0]) for each in report.ejections),
        )
        self.gauges.take(slot, report.pid, ((each.name, each.labels, each.value) for each in report.gauges))


def _recall(config: Config, store: Store) -> Recall:
    return Recall(store, str(parse(config.state.store)), Path(config.state.folder) / "store.recall")


def known(table: RoutingTable, kind: str, keys: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Those of these keys of traffic that the table still has; requests without a route always count."""
    if kind == "route":
        return {key for key in keys if key[0] in table.routes or not key[0]}
    wanted: dict[str, list[tuple[str, ...]]] = {}
    for key in keys:
        wanted.setdefault(key[0], []).append(key)
    found: set[tuple[str, ...]] = set()
    for service, named in wanted.items():
        endpoints = table.services[service].endpoints if service in table.services else ()
        there = {(service, each.version, each.id)[: len(named[0])] for each in endpoints}
        found.update(key for key in named if key in there)
    return found


async def run_control(launch: Launch, pulse: Pulse) -> int:
    """A control process, until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    store = await open_store(launch.config.state)
    try:
        await Control(launch, store, settled=pulse.ready).run(stop)
    finally:
        await store.close()
    _log.info("stopped")
    return 0
