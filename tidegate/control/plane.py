"""Control put together: the reconciler, the override book, the releases, the journal, the memory on disk, the admin API."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tidegate.building import BuildOptions
from tidegate.config import Config
from tidegate.control.automatic import Automatic
from tidegate.control.autoscaling import Autoscaling
from tidegate.control.certificates import Certificates
from tidegate.control.copying import Copying
from tidegate.control.document import document
from tidegate.control.ejections import Ejections
from tidegate.control.engines import Engines
from tidegate.control.executor import Executor
from tidegate.control.gatekeeper import Gatekeeper
from tidegate.control.guard import check_config
from tidegate.control.hooks import Hooks
from tidegate.control.journal import Journal
from tidegate.control.lookout import Lookout
from tidegate.control.metering import Metering
from tidegate.control.metrics import Registry
from tidegate.control.outgoing import Outgoing
from tidegate.control.overrides import OverrideBook
from tidegate.control.pace import Pace
from tidegate.control.parts import Parts
from tidegate.control.ports import CheckFollower, DecidePort, Followers, Publisher, ResolvePort, StatusPort
from tidegate.control.promql import Prometheus
from tidegate.control.reconciler import Reconciler
from tidegate.control.rehearsal import Rehearsal
from tidegate.control.releases import Releases
from tidegate.control.scalebook import ScaleBook
from tidegate.control.server import AdminServer
from tidegate.control.snapshot import Memory
from tidegate.control.traffic import Traffic
from tidegate.control.webhooks import Webhooks
from tidegate.engine.port import Engine
from tidegate.errors import Problem
from tidegate.store.address import parse
from tidegate.store.port import Store
from tidegate.tasks import Tasks
from tidegate.tls.shelf import Shelf


class ControlPlane:
    """Everything of control but discovery and health checks, which `app` runs beside and connects by `reconciler`.

    `required` names the providers to wait for before the first table; `complaints` tells what they and the checks
    complain of now. `own` are this host's addresses, which may call services by name. `engines`, by the names of their
    providers, are those that releases act on. `sockets` are listening sockets made by the
    supervisor for the addresses of `config.admin.listeners`; without them the plane binds its own. Raises ConfigError
    (T1601) if the admin API would stand open.
    """

    def __init__(
        self,
        config: Config,
        *,
        publisher: Publisher,
        checks: CheckFollower,
        store: Store,
        resolve: ResolvePort,
        decide: DecidePort,
        followers: Followers,
        status: StatusPort,
        required: Iterable[str] = (),
        engines: Mapping[str, Engine] | None = None,
        complaints: Callable[[], Iterable[Problem]] = tuple,
        registry: Registry | None = None,
        traffic: Traffic | None = None,
        ejections: Ejections | None = None,
        own: Iterable[str] = (),
        sockets: Sequence[socket.socket] = (),
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        check_config(config.admin)
        self.registry = registry or Registry()
        self.journal = Journal(wall)
        self.ejections = ejections or Ejections(clock, wall)
        self.certificates = Certificates(
            Shelf(config.tls, config.files),
            self.journal,
            self.registry,
            serving=bool(config.http.tls_listeners),
            wall=wall,
        )
        folder = Path(config.state.folder)
        self._memory = Memory(folder)
        self.reconciler = Reconciler(
            publisher,
            checks,
            self.journal,
            required=required,
            options=BuildOptions(
                ttl_seconds=config.dns.ttl_seconds,
                domain=config.dns.domain,
                callers=config.dns.clients or (*BuildOptions().callers, *own),
                node_addresses={config.node.name: config.node.address} if config.node.address else {},
            ),
            memory=self._memory,
            metrics=self.registry,
            clock=clock,
            complaints=lambda: (
                *complaints(),
                *self.certificates.problems,
                *self.book.problems,
                *self.releases.book.problems,
            ),
            built=self._on_built,
        )
        traffic = traffic or Traffic(clock)
        on = Engines(engines or {})
        self.metering = Metering(on, lambda: self.reconciler.inventories, self.registry, wall, clock)
        self.registry.also(self.metering.families)
        self._outgoing = Outgoing(config.releases.ca)
        self._webhooks = Webhooks(self._outgoing, config.releases, wall, self.registry)
        prometheus = Prometheus(self._outgoing, config.releases)
        self.releases = Releases(
            store,
            self.reconciler,
            self.journal,
            followers,
            traffic,
            look=Lookout(on),
            acts=lambda tasks, wake: Executor(on, tasks, wake, self.registry),
            gates=Gatekeeper(
                prometheus,
                Hooks(self._outgoing, config.releases, wall),
                self.registry,
            ),
            others=self._webhooks,
            engines=tuple(engines or ()),
            metrics=self.registry,
            clock=clock,
            wall=wall,
        )
        self.book = OverrideBook(store, self.journal, self.releases.offer_overrides, wall)
        scaling = Tasks("autoscaling")
        self.autoscaling = Autoscaling(
            ScaleBook(store),
            self.reconciler,
            lambda: self.releases.book.records,
            self.metering,
            Pace(traffic),
            prometheus,
            Copying(on, self.reconciler, self.book, followers, traffic, self.journal, scaling, clock),
            self.journal,
            self.registry,
            scaling,
            clock,
            wall,
        )
        parts = Parts(
            reconciler=self.reconciler,
            book=self.book,
            releases=self.releases,
            rehearsal=Rehearsal(on),
            autoscaling=self.autoscaling,
            metering=self.metering,
            journal=self.journal,
            registry=self.registry,
            traffic=traffic,
            ejections=self.ejections,
            followers=followers,
            status=status,
            resolve=resolve,
            decide=decide,
            certificates=lambda: self.certificates.listed,
            node=config.node.name,
            zone=config.node.zone,
            config=shown(config),
            started=time.monotonic(),
        )
        self._automatic = Automatic(parts, wall)
        self.admin = AdminServer(parts, config.admin, folder / "admin.sock", sockets)

    async def run(self) -> None:
        """Serve until cancelled. Raises ConfigError (T1617) if an address cannot be bound."""
        self.reconciler.resume()
        try:
            await self._run_parts()
        finally:
            await self._outgoing.close()

    def _on_built(self) -> None:
        self.releases.built()

    async def _run_parts(self) -> None:
        async with Tasks("control") as tasks:
            tasks.spawn("certificates", self.certificates.run())
            tasks.spawn("memory", self._memory.run())
            tasks.spawn("reconciler", self.reconciler.run())
            tasks.spawn("releases", self.releases.run())
            tasks.spawn("automatic", self._automatic.run())
            tasks.spawn("metering", self.metering.run())
            tasks.spawn("autoscaling", self.autoscaling.run())
            tasks.spawn("webhooks", self._webhooks.run())
            tasks.spawn("overrides", self.book.run())
            tasks.spawn("admin", self.admin.run())


def shown(config: Config) -> dict[str, Any]:
    """The configuration as a document, with secrets replaced."""
    made: dict[str, Any] = document(config)
    if made["admin"]["token"]:
        made["admin"]["token"] = "(set)"  # noqa: S105  a placeholder
    if made["tracing"]["headers"]:
        made["tracing"]["headers"] = "(set)"
    if made["state"]["store"]:
        made["state"]["store"] = str(parse(made["state"]["store"]))
    for name in ("prometheus_headers", "webhooks", "webhook_secret"):  # the path of a web hook is often its password
        if made["releases"][name]:
            made["releases"][name] = "(set)"
    return made
