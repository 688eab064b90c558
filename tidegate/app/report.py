"""What a worker tells control once a second: growth of counters and histograms, values of gauges.

The router's counters are plain integers that are read here and nowhere else; other parts count through the `Metrics`
interface, which `Reporter` implements by adding up until the next report. A report has what is so now, and nothing of
what is at rest: 10 000 idle services say nothing every second.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Protocol

from tidegate.app.messages import Columns, Ejected, Report, Sample, Spread, Tally
from tidegate.model import Endpoint
from tidegate.router.exchange import CLAIMED, RESPONDING
from tidegate.router.peering import Caller
from tidegate.router.pipe import Pipe
from tidegate.router.tunnel import Tunnel
from tidegate.router.worker import Router

LASTING_SECONDS = 30.0  # a request that took longer is one that does not end soon: a stream, an upload
_MAX_EJECTED = 1000  # endpoints told of in one report
_PEERS = (Caller, Pipe)
_WITH_ENDPOINT = (CLAIMED, RESPONDING)
_Key = tuple[str, tuple[tuple[str, str], ...]]


class Exporting(Protocol):
    """What is read of the exporter of spans: counts that only grow."""

    sent: int
    dropped: Any


class Reporter:
    """Metrics of one worker. `report` gives what was added since the last one."""

    def __init__(self, slot: int, spans: Exporting | None = None) -> None:
        self._worker = ("worker", str(slot))
        self._spans = spans
        self._counts: dict[_Key, float] = {}
        self._gauges: dict[_Key, float] = {}
        self._spreads: dict[_Key, Spread] = {}
        self._told: dict[_Key, float] = {}  # of totals that only grow: what was reported so far

    # --- Metrics

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        key = (name, tuple(labels.items()))
        self._counts[key] = self._counts.get(key, 0.0) + amount

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge of this worker."""
        self._gauges[name, (*labels.items(), self._worker)] = value

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Workers observe nothing but what the router counts; a sum and a count keep the means."""
        self.count(f"{name}_sum", value, **labels)
        self.count(f"{name}_count", 1.0, **labels)

    def spread(self, name: str, bounds: Sequence[float], counts: Sequence[int], total: float, **labels: str) -> None:
        """Add to a histogram."""
        key = (name, tuple(labels.items()))
        before = self._spreads.get(key)
        if before is not None:
            counts = [old + new for old, new in zip(before.counts, counts, strict=True)]
            total += before.total
        self._spreads[key] = Spread(*key, tuple(bounds), tuple(counts), total)

    # --- the report

    def report(self, router: Router) -> Report:
        """Everything since the last report."""
        ledger = router.core.ledger
        counted = tuple([Tally(each.kind, each.key, each.take()) for each in ledger])
        ledger.clear()
        routes, endpoints = self._take_connections(router)
        self._take_router(router)
        if self._spans is not None:
            self._take_spans(self._spans)
        counters = tuple(Sample(name, labels, value) for (name, labels), value in self._counts.items())
        gauges = tuple(Sample(name, labels, value) for (name, labels), value in self._gauges.items())
        spreads = tuple(self._spreads.values())
        self._counts.clear()
        self._spreads.clear()
        return Report(
            pid=os.getpid(),
            counters=counters,
            spreads=spreads,
            gauges=gauges,
            counted=counted,
            in_flight=(*routes, *endpoints),
            failures=_failures(router),
            ejections=_ejections(router),
            ejected=_ejected(router),
        )

    def _take_router(self, router: Router) -> None:
        core = router.core
        self.gauge("tidegate_router_table_version", router.book.version)
        self._take_routes(router)
        self.gauge("tidegate_router_pressure", core.pressure)
        front = router.front
        if front.shaken or front.failed or front.refused or front.pending:
            self.gauge("tidegate_tls_handshakes", front.pending)
            for outcome, total in (("done", front.shaken), ("failed", front.failed), ("refused", front.refused)):
                self._total("tidegate_tls_handshakes_total", total, outcome=outcome)
        self._total("tidegate_router_accepted_connections_total", core.accepted)
        self._total("tidegate_router_refused_requests_total", core.refused)
        self._total("tidegate_router_evicted_connections_total", core.evicted)
        self._total("tidegate_router_listener_pauses_total", router.keeper.pauses)
        self._total("tidegate_router_log_lines_dropped_total", router.records.dropped())

    def _take_routes(self, router: Router) -> None:
        held = 0
        for live in router.book.routes.values():
            held += len(live.waiting)
            if live.budget.exhausted:
                self._total("tidegate_router_refused_retries_total", live.budget.exhausted, route=live.id)
        self.gauge("tidegate_router_held_requests", held)

    def _take_connections(self, router: Router) -> tuple[list[Columns], list[Columns]]:
        """Connections by what they do, both sides; gives what is in flight, by route and by endpoint."""
        peers = resting = active = tunnels = 0
        routes: dict[str, int] = {}
        lasting: dict[tuple[str, ...], int] = {}
        for (route, upstream), amount in router.core.tunnels.items():
            tunnels += amount
            routes[route.id] = routes.get(route.id, 0) + amount
            key = _key(upstream.endpoint)
            lasting[key] = lasting.get(key, 0) + amount
        before = router.core.clock() - LASTING_SECONDS
        # Ten thousand of them are walked each second, and nobody is served meanwhile: a tunnel is not even looked at.
        for connection in router.core.connections:
            kind = type(connection)
            if kind is Tunnel:
                continue
            if kind in _PEERS:
                peers += 1  # another node's: its router counts the requests
                continue
            exchange = connection.exchange
            if exchange is None:
                resting += 1
                continue
            active += 1
            # one that is held, or about to be tried elsewhere, is with no endpoint
            if exchange.started < before and exchange.state in _WITH_ENDPOINT:
                key = _key(exchange.upstream.endpoint)
                lasting[key] = lasting.get(key, 0) + 1
            if exchange.route is not None:
                name = exchange.route.id
                routes[name] = routes.get(name, 0) + 1
        endpoints: dict[tuple[str, ...], int] = {}
        idle = opened = 0
        for upstream in router.book.upstreams.values():
            idle += upstream.pooled()
            opened += upstream.connections
            if upstream.in_flight:
                key = _key(upstream.endpoint)
                endpoints[key] = endpoints.get(key, 0) + upstream.in_flight
        for state, amount in (("idle", resting), ("active", active), ("tunnel", tunnels), ("peer", peers)):
            self.gauge("tidegate_router_downstream_connections", amount, state=state)
        self.gauge("tidegate_router_upstream_connections", idle, state="idle")
        self.gauge("tidegate_router_upstream_connections", max(0, opened - idle), state="active")
        return (
            [Columns("route", (name,), (amount,)) for name, amount in routes.items()],
            [
                *(Columns("endpoint", key, (amount,)) for key, amount in endpoints.items()),
                *(Columns("lasting", key, (amount,)) for key, amount in lasting.items()),
            ],
        )

    def _take_spans(self, spans: Exporting) -> None:
        self._total("tidegate_tracing_spans_total", spans.sent)
        for reason, amount in list(spans.dropped.items()):
            self._total("tidegate_tracing_dropped_spans_total", amount, reason=reason)

    def _total(self, name: str, value: float, **labels: str) -> None:
        """A count kept elsewhere that only grows, or begins anew: report its growth."""
        key = (name, tuple(labels.items()))
        before = self._told.get(key, 0.0)
        if value < before:
            before = 0.0
        if value != before:
            self.count(name, value - before, **labels)
            self._told[key] = value


def _key(endpoint: Endpoint) -> tuple[str, ...]:
    return endpoint.service, endpoint.version, endpoint.id


def _failures(router: Router) -> tuple[Columns, ...]:
    """Failures by reason, of exchanges by route and of containers by endpoint; counted anew from here."""
    of_routes, of_endpoints = router.core.failures, router.failures
    router.core.failures, router.failures = {}, {}
    return (
        *(Columns("route", key, (amount,)) for key, amount in of_routes.items()),
        *(Columns("endpoint", key, (amount,)) for key, amount in of_endpoints.items()),
    )


def _ejections(router: Router) -> tuple[Columns, ...]:
    """How often endpoints were taken out, by endpoint; counted anew from here."""
    found, router.ejections = router.ejections, {}
    return tuple(Columns("endpoint", key, (number,)) for key, number in found.items())


def _ejected(router: Router) -> tuple[Ejected, ...]:
    """Who is out now, a tenth of a second exact."""
    out = router.book.ejector.out(router.core.clock())
    return tuple(Ejected(upstream.endpoint.id, round(seconds, 1)) for upstream, seconds in out[:_MAX_EJECTED])
