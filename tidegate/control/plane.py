"""Control put together: the reconciler, the override book, the releases, the journal, the memory on disk, the admin API."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tidegate.building import BuildOptions
from tidegate.config import Config
from tidegate.control.automatic import Automatic
from tidegate.control.autoscaling import Autoscaling
from tidegate.control.certificates import Certificates
from tidegate.control.copying import Copying
from tidegate.control.document import document
from tidegate.control.duty import Duty
from tidegate.control.engines import Engines
from tidegate.control.executor import Executor
from tidegate.control.figuredesk import FigureDesk
from tidegate.control.gatekeeper import Gatekeeper
from tidegate.control.gathering import Gathering
from tidegate.control.guard import check_config
from tidegate.control.hooks import Hooks
from tidegate.control.journal import Journal
from tidegate.control.logdesk import LogDesk
from tidegate.control.lookout import Lookout
from tidegate.control.metering import Metering
from tidegate.control.neighbours import Neighbours
from tidegate.control.origins import Origins
from tidegate.control.outgoing import Outgoing
from tidegate.control.overrides import OverrideBook
from tidegate.control.pace import Pace
from tidegate.control.parts import Parts
from tidegate.control.promql import Prometheus
from tidegate.control.reconciler import Reconciler
from tidegate.control.rehearsal import Rehearsal
from tidegate.control.releases import Releases
from tidegate.control.scalebook import ScaleBook
from tidegate.control.server import AdminServer
from tidegate.control.serving import Serving
from tidegate.control.snapshot import Memory
from tidegate.control.stackcounts import StackCounts
from tidegate.control.stacks import Stacks
from tidegate.control.unixsocket import private_socket
from tidegate.control.webhooks import Webhooks
from tidegate.errors import Problem
from tidegate.placement.node import NodeFacts
from tidegate.store.address import parse
from tidegate.tasks import Tasks
from tidegate.tls.shelf import Shelf


class ControlPlane:
    """Everything of control but discovery and health checks, which `app` runs beside and connects by `reconciler`.

    Raises ConfigError (T1601) if the admin API would stand open.
    """

    def __init__(self, config: Config, near: Neighbours) -> None:
        check_config(config.admin)
        self._config = config
        self._near = near
        self._engines = Engines(near.engines)
        self.registry = near.registry
        self.ejections = near.ejections
        self.journal = Journal(near.wall)
        self.certificates = self._made_certificates()
        self._memory = Memory(Path(config.state.folder))
        self._outgoing = Outgoing(config.releases.ca)
        self._webhooks = Webhooks(self._outgoing, config.releases, near.wall, self.registry)
        self._prometheus = Prometheus(self._outgoing, config.releases)
        self.reconciler = self._made_reconciler()
        self._duty = Duty(config.node.name, near.others, lambda: self.reconciler.inventories)
        self.metering = self._made_metering()
        self.gathering = Gathering(config.node.name, self.metering, near.traffic, near.others, self.registry, near.wall)
        figures = FigureDesk(self.metering, near.traffic, lambda: self.reconciler.inventories, near.wall)
        self.releases = self._made_releases()
        self.book = OverrideBook(near.store, self.journal, self.releases.offer_overrides, near.wall)
        self._elsewhere = None if near.others.alone else self.gathering.elsewhere
        self._serving = Serving(
            self.reconciler, self.releases, near.followers, near.traffic, near.clock, self._elsewhere
        )
        self.stacks = self._made_stacks()
        self._desks: dict[str, FigureDesk | LogDesk] = {"figures": figures, "logs": LogDesk(self.stacks.here)}
        self.stacks.book.changed.append(lambda: self._memory.name(self.stacks.names))
        self.counts = StackCounts(self.stacks.book)
        self.autoscaling = self._made_autoscaling()
        parts = self._parts()
        self._automatic = Automatic(parts, near.wall)
        self.admin = AdminServer(parts, config.admin, Path(config.state.folder) / "admin.sock", near.sockets)

    async def run(self) -> None:
        """Serve until cancelled. Raises ConfigError (T1617) if an address cannot be bound."""
        self.reconciler.resume()
        try:
            await self._run_parts()
        finally:
            await self._outgoing.close()

    async def _run_parts(self) -> None:
        async with Tasks("control") as tasks:
            tasks.spawn("certificates", self.certificates.run())
            tasks.spawn("memory", self._memory.run())
            tasks.spawn("reconciler", self.reconciler.run())
            tasks.spawn("releases", self.releases.run())
            tasks.spawn("automatic", self._automatic.run())
            tasks.spawn("metering", self.metering.run())
            tasks.spawn("autoscaling", self.autoscaling.run())
            for name, path in self._near.desks.items():
                tasks.spawn(name, self._desks[name].run(private_socket(Path(path))))
            tasks.spawn("gathering", self._near.others.while_leading("gathering", self.gathering.run))
            tasks.spawn("webhooks", self._webhooks.run())
            tasks.spawn("stacks", self.stacks.run())
            if self._elsewhere is not None:
                tasks.spawn("serving", self._serving.run())
            tasks.spawn("overrides", self.book.run())
            tasks.spawn("admin", self.admin.run())

    # ------------------------------------------------------------------------------------------------ how parts are made

    def _made_certificates(self) -> Certificates:
        shelf = Shelf(self._config.tls, self._config.files)
        serving = bool(self._config.http.tls_listeners)
        return Certificates(shelf, self.journal, self.registry, serving=serving, wall=self._near.wall)

    def _made_reconciler(self) -> Reconciler:
        return Reconciler(
            self._near.publisher,
            self._near.checks,
            self.journal,
            required=self._near.required,
            options=options(self._config, self._near.own),
            memory=self._memory,
            metrics=self.registry,
            clock=self._near.clock,
            complaints=self._complaints,
            built=self._on_built,
        )

    def _on_built(self) -> None:
        self.releases.built()
        self.stacks.built()

    def _complaints(self) -> Iterable[Problem]:
        books = (self.book, self.releases.book, self.stacks.book)
        own = (*self.certificates.problems, *(problem for book in books for problem in book.problems))
        return (*self._near.complaints(), *own)

    def _made_releases(self) -> Releases:
        near = self._near
        return Releases(
            near.store,
            self.reconciler,
            self.journal,
            near.followers,
            near.traffic,
            look=Lookout(self._engines),
            acts=lambda tasks, wake: Executor(self._engines, tasks, wake, self.registry),
            gates=self._gatekeeper(),
            others=self._webhooks,
            engines=tuple(near.engines),
            metrics=self.registry,
            clock=near.clock,
            wall=near.wall,
            on_duty=self._duty.has,
        )

    def _gatekeeper(self) -> Gatekeeper:
        hooks = Hooks(self._outgoing, self._config.releases, self._near.wall)
        return Gatekeeper(self._prometheus, hooks, self.registry)

    def _made_metering(self) -> Metering:
        made = Metering(
            self._engines, lambda: self.reconciler.inventories, self.registry, self._near.wall, self._near.clock
        )
        self.registry.also(made.families)
        return made

    def _made_autoscaling(self) -> Autoscaling:
        near, tasks = self._near, Tasks("autoscaling")
        copying = Copying(
            self._engines,
            self.reconciler,
            self.book,
            near.followers,
            near.traffic,
            self.journal,
            tasks,
            near.clock,
            self._serving.carried,
            self._elsewhere,
        )
        return Autoscaling(
            ScaleBook(near.store),
            self.reconciler,
            lambda: self.releases.book.records,
            self.gathering,
            Pace(near.traffic),
            self._prometheus,
            copying,
            self.journal,
            self.registry,
            tasks,
            near.clock,
            near.wall,
            tuple(near.engines),
            self.counts,
            self._duty.scales,
        )

    def _made_stacks(self) -> Stacks:
        near, node = self._near, self._config.node
        return Stacks(
            near.store,
            NodeFacts(
                name=node.name,
                zone=node.zone,
                labels=node.label_values,
                addresses=(node.address,) if node.address else (),
                index=1,
            ),
            next(iter(near.engines.values()), None),
            self._serving,
            self.releases,
            self.journal,
            near.wall,
            near.others,
        )

    def _parts(self) -> Parts:
        return Parts(
            reconciler=self.reconciler,
            book=self.book,
            releases=self.releases,
            rehearsal=Rehearsal(self._engines),
            autoscaling=self.autoscaling,
            gathering=self.gathering,
            origins=Origins(self._engines),
            stacks=self.stacks,
            journal=self.journal,
            registry=self.registry,
            traffic=self._near.traffic,
            ejections=self.ejections,
            followers=self._near.followers,
            status=self._near.status,
            resolve=self._near.resolve,
            decide=self._near.decide,
            others=self._near.others,
            certificates=lambda: self.certificates.listed,
            node=self._config.node.name,
            zone=self._config.node.zone,
            config=shown(self._config),
            started=time.monotonic(),
        )


def options(config: Config, own: Iterable[str]) -> BuildOptions:
    """What tables are built by; `own` are this host's addresses."""
    return BuildOptions(
        ttl_seconds=config.dns.ttl_seconds,
        domain=config.dns.domain,
        callers=config.dns.clients or (*BuildOptions().callers, *own),
        node_addresses={config.node.name: config.node.address} if config.node.address else {},
    )


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
