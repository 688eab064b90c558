"""What routes, services (by version) and endpoints carry, beside what the table says of them: `GET /v1/traffic`.

Numbers are sums since control started; rates and percentiles come from the difference of two answers, divided by the
difference of their `at`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tidegate.control.ejections import Out
from tidegate.control.metrics import BUCKETS
from tidegate.control.traffic import CLASSES, LABELS, SUMS, Key, Traffic, classes, histograms
from tidegate.model import Endpoint, HealthState, Route
from tidegate.routing import RoutingTable

Document = dict[str, Any]


_NOBODY_OUT: Mapping[str, Out] = {}


def usage(
    traffic: Traffic,
    table: RoutingTable,
    kinds: Iterable[str],
    *,
    resting: bool,
    out: Mapping[str, Out] = _NOBODY_OUT,
) -> Document:
    """The answer. Without `resting` only what had a request; with it everything that the table has. `out` are the
    endpoints that workers have ejected. Costs a pass over the table."""
    in_flight = traffic.in_flight()
    rows: list[Document] = []
    for kind in kinds:
        sums = dict(traffic.all_of(kind))
        flying = {key for one, key in in_flight if one == kind}
        known = _KNOWN[kind](table)
        keys = {*sums, *flying, *(known if resting else ())}
        for key in sorted(keys):
            facts = known.get(key, {"state": "gone", "weight": None})
            number = in_flight.get((kind, key), 0)
            row = {**_names(kind, key), **facts, **_numbers(sums.get(key)), "in_flight": number}
            if kind == "endpoint":
                ejected = out.get(key[2])
                row["ejected"] = "" if ejected is None else f"{ejected.workers}/{ejected.of}"
            rows.append(row)
    return {"at": traffic.measured_at(), "bounds_seconds": list(BUCKETS), "rows": rows}


def _names(kind: str, key: Key) -> Document:
    return {"kind": kind, **dict(zip(LABELS[kind], key, strict=True))}


def _numbers(columns: Sequence[int] | None) -> Document:
    if columns is None:
        return {**dict.fromkeys(SUMS, 0), "statuses": {}, "duration_buckets": [], "upstream_buckets": []}
    whole, container = histograms(columns)
    return {
        **dict(zip(SUMS, columns, strict=False)),
        "statuses": {name: number for name, number in zip(CLASSES, classes(columns), strict=True) if number},
        "duration_buckets": list(whole),
        "upstream_buckets": list(container),
    }


def _routes(table: RoutingTable) -> Mapping[Key, Document]:
    return {(id_,): {"state": _mode(route), "weight": None} for id_, route in table.routes.items()}


def _mode(route: Route) -> str:
    return str(route.mode.value)


def _services(table: RoutingTable) -> Mapping[Key, Document]:
    """By service and version: the weight of the first route that names them, and how many endpoints are ready."""
    weights: dict[tuple[str, str | None], int] = {}
    for route in table.routes.values():
        for backend in () if route.preview_of else route.backends:
            weights.setdefault((backend.service, backend.version), backend.weight)
    found: dict[Key, Document] = {}
    for key, service in table.services.items():
        versions: dict[str, list[Endpoint]] = {}
        for endpoint in service.endpoints:
            versions.setdefault(endpoint.version, []).append(endpoint)
        for version, endpoints in versions.items():
            ready = sum(each.state is HealthState.HEALTHY for each in endpoints)
            weight = weights.get((key, version), weights.get((key, None)))
            found[key, version] = {"state": f"{ready}/{len(endpoints)}", "weight": weight}
    return found


def _endpoints(table: RoutingTable) -> Mapping[Key, Document]:
    return {
        (key, each.version, each.id): {"state": str(each.state.value), "weight": each.weight}
        for key, service in table.services.items()
        for each in service.endpoints
    }


_KNOWN: dict[str, Callable[[RoutingTable], Mapping[Key, Document]]] = {
    "route": _routes,
    "service": _services,
    "endpoint": _endpoints,
}
