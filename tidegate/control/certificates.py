"""Control's eye on the certificates: what the workers serve from, seen in the same way, told to operators.

Each worker keeps a shelf of its own; this one serves nobody. It tells problems, metrics, the journal and `/v1/certificates`,
and which hosts of the table have no certificate though they are to be served over HTTPS.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

from tidegate.control.journal import Journal
from tidegate.control.metrics import Registry
from tidegate.errors import Problem, Severity
from tidegate.model import Route
from tidegate.routing import Delta, RoutingTable
from tidegate.telemetry import logger
from tidegate.tls.certificate import Pair
from tidegate.tls.shelf import Shelf, View

_NOT_AFTER = "tidegate_tls_certificate_not_after_seconds"
_log = logger("certificates")


class Certificates:
    """`serving`: whether there are HTTPS listeners. `wall` gives seconds since the epoch."""

    def __init__(
        self, shelf: Shelf, journal: Journal, metrics: Registry, *, serving: bool, wall: Callable[[], float] = time.time
    ) -> None:
        self._shelf = shelf
        self._journal = journal
        self._metrics = metrics
        self._serving = serving
        self._wall = wall
        self._routes: dict[str, Route] = {}  # those that demand something of TLS
        self._told: frozenset[str] = frozenset()  # problems that the log has
        self._measured: set[tuple[str, str]] = set()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with certificates, and with routes for want of them."""
        view = self._shelf.view
        return (*view.problems, *(each for route in self._routes.values() for each in self._wrong(route, view)))

    @property
    def listed(self) -> list[dict[str, Any]]:
        """One document per certificate, the one that ends first on top."""
        now = self._wall()
        pairs = sorted(self._shelf.view.pairs, key=lambda pair: (pair.certificate.not_after, pair.origin))
        return [_document(pair, now, default=pair is self._shelf.view.default) for pair in pairs]

    def apply(self, table: RoutingTable, delta: Delta) -> None:  # noqa: ARG002  a follower's signature
        """Follow a published table."""
        for route_id, route in delta.routes.items():
            policy = route.policy if route is not None else None
            if (
                route is not None
                and policy is not None
                and (policy.tls.only or policy.tls.clients or policy.upstream_tls)
            ):
                self._routes[route_id] = route
            else:
                self._routes.pop(route_id, None)

    async def run(self) -> None:
        """Look at the files until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._shelf.pause_seconds)

    async def look(self) -> None:
        """One look, in a thread; what changed is told."""
        before = {pair.origin: pair.certificate.fingerprint for pair in self._shelf.view.pairs}
        if not await asyncio.to_thread(self._shelf.look, self._wall()):
            return
        view = self._shelf.view
        for pair in view.pairs:
            if before.get(pair.origin) != pair.certificate.fingerprint:
                self._journal.tell("certificate", f"certificate {pair.name} for {', '.join(pair.certificate.names)}")
        for problem in view.problems:
            if str(problem) not in self._told:
                _log.warning("%s", problem)
        self._told = frozenset(str(problem) for problem in view.problems)
        self._measure(view)

    def _measure(self, view: View) -> None:
        now = {(pair.name, pair.origin): pair.certificate.not_after for pair in view.pairs}
        for name, origin in self._measured - set(now):
            self._metrics.forget(_NOT_AFTER, certificate=name, file=origin)
        for (name, origin), not_after in now.items():
            self._metrics.gauge(_NOT_AFTER, not_after, certificate=name, file=origin)
        self._measured = set(now)
        self._metrics.gauge("tidegate_tls_problems", len(view.problems))

    def _wrong(self, route: Route, view: View) -> Iterator[Problem]:
        tls, upstream = route.policy.tls, route.policy.upstream_tls
        if self._serving and not view.index.covers(route.host) and view.default is None:
            yield _uncovered(route)
        if tls.clients is not None and tls.clients.authority not in view.authorities:
            yield _no_authority(route, tls.clients.authority, "every client is refused")
        if upstream is not None and upstream.authority and upstream.authority not in view.authorities:
            yield _no_authority(route, upstream.authority, "its containers are not connected to")
        if upstream is not None and not upstream.verify:
            yield _unverified(route)


def _document(pair: Pair, now: float, *, default: bool) -> dict[str, Any]:
    certificate = pair.certificate
    return {
        "name": pair.name,
        "hosts": list(certificate.names),
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "days_left": round((certificate.not_after - now) / 86400, 1),
        "fingerprint": certificate.fingerprint,
        "file": pair.origin,
        "default": default,
    }


def _uncovered(route: Route) -> Problem:
    return Problem(
        code="T1910",
        text=f"route {route.id} is for HTTPS, and no certificate names {route.host}",
        place=route.origin,
        mend=f"put a certificate for {route.host} into a folder of --certs",
        kept="clients that ask for it over HTTPS are turned away",
        severity=Severity.WARNING,
    )


def _no_authority(route: Route, name: str, kept: str) -> Problem:
    return Problem(
        code="T1906",
        text=f"route {route.id} needs certificate authority {name}, which cannot be used",
        place=route.origin,
        mend=f"write its certificates to {name}.pem in the folder of --authorities",
        kept=kept,
    )


def _unverified(route: Route) -> Problem:
    return Problem(
        code="T1908",
        text=f"the containers of route {route.id} are not verified",
        place=route.origin,
        mend="set upstream.authority to a CA of the --authorities folder, and take upstream.verify out",
        kept="whoever answers at their address is believed",
        severity=Severity.WARNING,
    )
