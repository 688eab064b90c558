"""What is wanted of a scaled service, put together from inventories, the table, health and releases: which version serves, who its
replicas are, what may not leave now. Pure.

Only the version that has most of the traffic is scaled. During a release that is its old side: the new side's replicas are warming
up, and figures of both together would say nothing of either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from tidegate.control.loads import Load
from tidegate.control.sighting import members, ready_since
from tidegate.elasticity import Metric, ScalingPolicy
from tidegate.model import ASLEEP, HealthReport, Instance, InstanceState, Inventory
from tidegate.release.record import UNDECIDED, Release
from tidegate.release.spec import Side
from tidegate.routing import RoutingTable
from tidegate.scaling.seen import Replica
from tidegate.value import Value

_CARRIED = frozenset((Metric.REQUESTS, Metric.IN_FLIGHT, Metric.P95))
_LIVE = (InstanceState.RUNNING, InstanceState.DRAINING, InstanceState.PAUSED)


class Serving(Value):
    """The version of a service that is scaled, and its replicas that live, on all nodes. `frozen` says why nothing may leave, `blind`
    why nothing may be concluded. `held`: a release is not closed, and makes again what is missing of its containers. `engines` are
    the names of those that are ours to act on."""

    service: str
    version: str
    policy: ScalingPolicy
    replicas: tuple[Instance, ...]
    frozen: str = ""
    blind: str = ""
    held: bool = False
    engines: frozenset[str] = frozenset()

    @property
    def near(self) -> tuple[Instance, ...]:
        """Those on engines of ours."""
        return tuple(each for each in self.replicas if each.provider in self.engines)

    @property
    def placed(self) -> bool:
        """Whether Tidegate itself runs it."""
        return any(each.made == "place" for each in self.replicas) or not self.replicas

    @property
    def own(self) -> tuple[Instance, ...]:
        """Those that were not made by Tidegate, and others that are not ours to take away: of another node, of a release."""
        return tuple(each for each in self.replicas if not self._ours(each))

    @property
    def made(self) -> tuple[Instance, ...]:
        """Those that we made, and may take away."""
        return tuple(each for each in self.replicas if self._ours(each))

    def _ours(self, instance: Instance) -> bool:
        if instance.made == "place":
            return True
        near = instance.provider in self.engines
        return near and bool(instance.made) and not (self.held and instance.made == "release")


def asked_for(inventories: Mapping[str, Inventory]) -> frozenset[str]:
    """Services of which some container says that it wants to be scaled."""
    return frozenset(
        key
        for inventory in inventories.values()
        for key, instances in inventory.services.items()
        if any(each.scaling is not None for each in instances)
    )


def serving(
    service: str,
    inventories: Mapping[str, Inventory],
    table: RoutingTable,
    releases: Iterable[Release],
    engines: Collection[str],
) -> Serving | None:
    """What is to be looked at of a service; None where its serving version does not want to be scaled, or does not live. `engines`
    are ours."""
    mine = [
        each for each in releases if not each.closed and service in (each.spec.service, each.spec.candidate.service)
    ]
    open_ = next((each for each in mine if not each.finished), None)
    seen = _seen(service, inventories)
    version = _version(service, seen, table, open_)
    side = Side(service=service, version=version)
    living = tuple(each for each in members(inventories, side).values() if each.state in _LIVE)
    policy = next((each.scaling for each in reversed(living) if each.scaling is not None), None)
    replicas = tuple(each for each in living if each.provider != ASLEEP)
    if policy is None:
        return None
    frozen = f"{open_} is under way" if open_ is not None else ""
    stale = any(each.stale for each in inventories.values() if service in each.services)
    blind = "the engine is out of sight" if stale else ""
    if open_ is not None and open_.spec.candidate.service == service != open_.spec.stable.service:
        blind = f"it is the new side of {open_}"
    return Serving(
        service=service,
        version=version,
        policy=policy,
        replicas=replicas,
        frozen=frozen,
        blind=blind,
        held=bool(mine),
        engines=frozenset(engines),
    )


def replicas_of(
    serving_: Serving, table: RoutingTable, health: Mapping[str, HealthReport], loads: Mapping[str, Load]
) -> tuple[Replica, ...]:
    """The replicas with what they used. One that is told to stop does not count any more."""
    side = Side(service=serving_.service, version=serving_.version)
    found = []
    for each in serving_.replicas:
        if each.state is not InstanceState.RUNNING or each.id in drained(serving_.service, table):
            continue
        used = loads.get(each.id)
        found.append(
            Replica(
                id=each.id,
                started_at=each.started_at,
                ready_since=ready_since(table, health, side, each.id) if _checked(each, table) else each.started_at,
                measured_since=used.since if used is not None else 0.0,
                figures=used.figures() if used is not None else {},
            )
        )
    return tuple(found)


def needs_traffic(policy: ScalingPolicy) -> bool:
    """Whether what routers carry is decided from: by a target, or by going to zero."""
    return policy.least == 0 or any(each.metric in _CARRIED for each in policy.targets)


def unknown(missing: Mapping[str, str], new: Iterable[str]) -> str:
    """In words of which nodes something is not known; empty where all is."""
    said = [f"{node} cannot be asked ({why})" for node, why in sorted(missing.items())]
    return "; ".join((*said, *(f"{node} is counted from now on" for node in new)))


def drained(service: str, table: RoutingTable) -> frozenset[str]:
    """Instances of which an endpoint gets no new requests."""
    found = table.services.get(service)
    return (
        frozenset(each.instance for each in found.endpoints if each.state == "draining")
        if found is not None
        else frozenset()
    )


def orphans(service: str, inventories: Mapping[str, Inventory]) -> tuple[Instance, ...]:
    """Copies of which no original is left, not even a stopped one; none while a provider has lost sight of its engine."""
    everywhere = [each for inventory in inventories.values() for each in inventory.services.get(service, ())]
    blind = any(inventory.stale for inventory in inventories.values())
    return () if blind or any(each.made != "scaling" for each in everywhere) else tuple(everywhere)


def idle_copies(
    serving_: Serving, inventories: Mapping[str, Inventory], table: RoutingTable, releases: Iterable[Release]
) -> tuple[Instance, ...]:
    """Copies that we made of versions that get no request any more; none while a release that concerns them is not closed."""
    service = serving_.service
    if any(not each.closed and service in (each.spec.service, each.spec.candidate.service) for each in releases):
        return ()
    shares = _shares(service, table)
    return tuple(
        each
        for each in _seen(service, inventories)
        if each.made == "scaling" and each.version != serving_.version and shares and not shares.get(each.version, 0)
    )


def _shares(service: str, table: RoutingTable) -> dict[str, int]:
    """The highest weight that each version of a service has in any route."""
    shares: dict[str, int] = {}
    for route in table.routes.values():
        for backend in () if route.preview_of else route.backends:
            if backend.service == service and backend.version is not None:
                shares[backend.version] = max(shares.get(backend.version, 0), backend.weight)
    return shares


def _checked(instance: Instance, table: RoutingTable) -> bool:
    """Whether its readiness is known at all: one without a port is ready while it runs."""
    service = table.services.get(instance.key)
    return bool(instance.ports) and service is not None


def _seen(service: str, inventories: Mapping[str, Inventory]) -> list[Instance]:
    found = (each for inventory in inventories.values() for each in inventory.services.get(service, ()))
    return [each for each in found if each.state in _LIVE]


def _version(service: str, seen: Iterable[Instance], table: RoutingTable, open_: Release | None) -> str:
    """The old side of a release that is not decided; else who has the most traffic, then the most replicas."""
    if open_ is not None and open_.state in UNDECIDED and open_.spec.stable.service == service:
        return open_.spec.stable.version
    shares = _shares(service, table)
    numbers: dict[str, int] = {}
    for each in seen:
        numbers[each.version] = numbers.get(each.version, 0) + 1
    return max(numbers, key=lambda version: (shares.get(version, 0), numbers[version]), default="")
