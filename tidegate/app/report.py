"""What a worker tells control once a second: growth of counters and histograms, values of gauges.

The router's counters are plain integers that are read here and nowhere else; other parts count through the `Metrics`
interface, which `Reporter` implements by adding up until the next report.
"""

from __future__ import annotations

from tidegate.app.messages import Columns, Report, Sample
from tidegate.router.worker import Router

IN_FLIGHT = "tidegate_router_in_flight"
_Key = tuple[str, tuple[tuple[str, str], ...]]


class Reporter:
    """Metrics of one worker. `report` gives what was added since the last one."""

    def __init__(self, slot: int) -> None:
        self._worker = ("worker", str(slot))
        self._counts: dict[_Key, float] = {}
        self._gauges: dict[_Key, float] = {}
        self._accepted = 0
        self._dropped = 0
        self._flying: set[tuple[str, str]] = set()  # services that had requests in flight at the last report

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

    # --- the report

    def report(self, router: Router) -> Report:
        """Everything since the last report."""
        ledger = router.core.ledger
        traffic = tuple(Columns(each.kind, each.key, tuple(each.take() or ())) for each in ledger)
        ledger.clear()
        self._take_router(router)
        counters = tuple(Sample(name, labels, value) for (name, labels), value in self._counts.items())
        gauges = tuple(Sample(name, labels, value) for (name, labels), value in self._gauges.items())
        self._counts.clear()
        return Report(counters=counters, gauges=gauges, traffic=traffic)

    def _take_router(self, router: Router) -> None:
        core = router.core
        self.gauge("tidegate_router_connections", len(core.connections))
        self.gauge("tidegate_router_table_version", router.book.version)
        self.gauge("tidegate_router_held_requests", sum(len(live.waiting) for live in router.book.routes.values()))
        if core.accepted != self._accepted:
            self.count("tidegate_router_connections_total", core.accepted - self._accepted)
            self._accepted = core.accepted
        dropped = router.log.dropped if router.log is not None else 0
        if dropped != self._dropped:
            self.count("tidegate_router_log_lines_dropped_total", dropped - self._dropped)
            self._dropped = dropped
        self._take_in_flight(router)

    def _take_in_flight(self, router: Router) -> None:
        """Only what is in flight, and once more as 0 what was: 10 000 idle services say nothing every second."""
        in_flight = dict.fromkeys(self._flying, 0)
        for upstream in router.book.upstreams.values():
            if upstream.in_flight:
                key = (upstream.endpoint.service, upstream.endpoint.version)
                in_flight[key] = in_flight.get(key, 0) + upstream.in_flight
        self._gauges = {key: value for key, value in self._gauges.items() if key[0] != IN_FLIGHT}
        for (service, version), value in in_flight.items():
            self.gauge(IN_FLIGHT, value, service=service, version=version)
        self._flying = {key for key, value in in_flight.items() if value}
