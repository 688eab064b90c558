"""What concerns a release, put together from inventories, health, engines and workers: its containers by side. Pure.

A container belongs to the side whose service and version its labels say; one that the engine shows with the release's own label
belongs to the candidate though nobody else has seen it yet (it was made and never started).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from msgspec.structs import replace

from tidegate.model import HealthReport, HealthState, Instance, Inventory
from tidegate.release.record import Release
from tidegate.release.seen import Container
from tidegate.release.spec import Side
from tidegate.routing import RoutingTable

Facts = Mapping[str, Container]  # by id, as the engines tell


def members(inventories: Mapping[str, Inventory], side: Side) -> dict[str, Instance]:
    """Everything that is seen of a side, by id, ended ones too, in the inventories' order."""
    return {
        each.id: each for each in _instances(inventories, side.service) if (each.version or "default") == side.called
    }


def _instances(inventories: Mapping[str, Inventory], service: str) -> Iterator[Instance]:
    for inventory in inventories.values():
        yield from inventory.services.get(service, ())


def known(release: Release, inventories: Mapping[str, Inventory]) -> frozenset[tuple[str, str]]:
    """(node, id) of all that the engines are to be asked about: a container's node is the provider that shows it."""
    spec = release.spec
    seen = {
        (each.provider, each.id)
        for side in (spec.stable, spec.candidate)
        for each in members(inventories, side).values()
    }
    return frozenset(seen | {(fate.node, id_) for id_, fate in release.fates.items() if fate.node})


def blind(release: Release, inventories: Mapping[str, Inventory]) -> bool:
    """Whether a provider that shows some of the release's containers, or is to make them, has lost sight of its engine."""
    nodes = {node for node, _ in known(release, inventories)} | {slot.node for slot in release.spec.slots}
    return any(inventory.stale for name, inventory in inventories.items() if name in nodes)


def sides(
    release: Release,
    inventories: Mapping[str, Inventory],
    facts: Facts,
    engines: Collection[str],
    ready_since: Callable[[Side, str], float],
    idle: Callable[[str], bool],
) -> tuple[tuple[Container, ...], tuple[Container, ...]]:
    """The containers of the stable side and of the candidate. `facts` are what the engines say of those that they were asked
    about; of a container on one of `engines` that is not among them, nothing is left."""
    spec = release.spec
    stable = _present(members(inventories, spec.stable), facts, engines)
    candidate = _present(members(inventories, spec.candidate), facts, engines)
    made = [each for id_, each in facts.items() if each.number and id_ not in candidate and id_ not in stable]
    candidate |= {each.id: each for each in made if spec.creates}

    def full(side: Side, containers: Iterable[Container]) -> tuple[Container, ...]:
        return tuple(replace(each, ready_since=ready_since(side, each.id), idle=idle(each.id)) for each in containers)

    return full(spec.stable, stable.values()), full(spec.candidate, candidate.values())


def _present(found: Mapping[str, Instance], facts: Facts, engines: Collection[str]) -> dict[str, Container]:
    present: dict[str, Container] = {}
    for id_, instance in found.items():
        fact = facts.get(id_)
        if fact is not None:
            present[id_] = replace(fact, number=fact.number or instance.number)
        elif instance.provider not in engines:
            present[id_] = _as_seen(instance)
    return present


def _as_seen(instance: Instance) -> Container:
    return Container(
        id=instance.id, name=instance.name, number=instance.number, node=instance.provider, state=instance.state
    )


def ready_since(table: RoutingTable, health: Mapping[str, HealthReport], side: Side, instance: str) -> float:
    """Since when all endpoints of an instance are ready, in seconds since the epoch; 0 while one is not, or there is none."""
    service = table.services.get(side.service)
    endpoints = [each.id for each in service.endpoints if each.instance == instance] if service is not None else []
    reports = [health.get(each) for each in endpoints]
    times = [each.since for each in reports if each is not None and each.state is HealthState.HEALTHY]
    return max(times) if times and len(times) == len(endpoints) else 0.0
