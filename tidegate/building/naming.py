"""What one service and its instances are called in the DNS, and the shares of its versions in what callers are told.

Names are relative to the zone and in lower case. An instance is known by its name, short id and hostname, by its service (with
and without the project) and by its number there. An alias belongs to a network: under it the instance has its addresses on
that network only, as in Docker's own DNS. `tasks.<service>` is everything that runs, ready or not, as in Swarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from tidegate.building.claims import Group
from tidegate.building.endpoints import addresses, handles
from tidegate.building.options import BuildOptions
from tidegate.building.weights import weighted
from tidegate.model import Backend, DnsTarget, Instance, InstanceState, NetworkAddress, Service

_ID_LENGTH, _SHORT_ID_LENGTH = 64, 12


class Member(NamedTuple):
    """One live instance of a service and whether it is ready."""

    instance: Instance
    ready: bool


def own_names(service: Service) -> tuple[str, str]:
    """`service` and `service.project` (empty without a project), in lower case."""
    name = service.name.lower()
    return name, f"{name}.{service.project.lower()}" if service.project else ""


def shares_of(
    key: str,
    versions: Mapping[str, int],
    groups: Mapping[str, Group],
    layers: Mapping[str, Mapping[str, int]],
) -> dict[str, int]:
    """Weight of each version of service `key` for those who call it by name: what routes would give it.

    `versions` are the weights that labels say, `layers` the operator's. Where what was set for the service's routes differs
    from route to route, only what was set for the service itself counts.
    """
    if not layers:
        return dict(versions)
    recent = {(key, version, 0) for group in groups.values() for version, _port, _at in group.recent}
    places = dict.fromkeys((id_, group.host) for id_, group in groups.items() if group.gone_at is None)
    found = [_shares(key, versions, recent, id_, host, layers) for id_, host in places]
    if found and all(each == found[0] for each in found):
        return found[0]
    return _shares(key, versions, recent, "", "", layers)


def _shares(
    key: str,
    versions: Mapping[str, int],
    recent: set[tuple[str, str, int]],
    route: str,
    host: str,
    layers: Mapping[str, Mapping[str, int]],
) -> dict[str, int]:
    backends = [Backend(service=key, version=version, weight=weight) for version, weight in versions.items()]
    present = {(key, version, 0) for version in versions}
    chosen, _problems = weighted(route, host, backends, present, recent, layers)
    return {each.version or "": each.weight for each in chosen}


def names_of(
    service: Service,
    members: Sequence[Member],
    shares: Mapping[str, int],
    drained: frozenset[str],
    options: BuildOptions,
) -> dict[str, tuple[DnsTarget, ...]]:
    """All relative names and what stands behind each. Names of a quarantined instance are there, without an address of it."""
    fallback = not any(ready for _, ready in members) and any(each.dns_fallback for each, _ in members)
    found: dict[str, list[DnsTarget]] = {}
    for instance, ready in members:
        serves = _runs(instance, drained)
        target = _target(instance, ready or (fallback and serves), shares, options)
        public = dict.fromkeys(_public_names(service, instance, target))
        for name in public:
            found.setdefault(name, []).append(target)
        for name, places in _private_names(instance).items():
            if name not in public:
                found.setdefault(name, []).append(_on(target, places))
        if instance.state is InstanceState.RUNNING and not instance.external and not instance.quarantined:
            task = _task(target)
            for name in filter(None, own_names(service)):
                found.setdefault(f"tasks.{name}", []).append(task)
    return {name: tuple(targets) for name, targets in found.items()}


def _target(instance: Instance, ready: bool, shares: Mapping[str, int], options: BuildOptions) -> DnsTarget:
    places = addresses(instance, options)
    return DnsTarget(
        name=instance.name.lower(),
        addresses=places,
        ports=instance.ports,
        ready=ready,
        weight=instance.endpoint_weight,
        version=instance.version,
        share=shares.get(instance.version, instance.weight),
        on_host=instance.host_network,
        external=instance.external,
        texts=instance.texts,
    )


def _public_names(service: Service, instance: Instance, target: DnsTarget) -> Iterator[str]:
    name, scoped = own_names(service)
    short = instance.id[:_SHORT_ID_LENGTH] if len(instance.id) == _ID_LENGTH else ""
    yield from filter(None, (target.name, short, instance.hostname.lower(), name, scoped))
    if instance.number:
        yield f"{instance.number}.{scoped or name}"


def _private_names(instance: Instance) -> dict[str, list[NetworkAddress]]:
    found: dict[str, list[NetworkAddress]] = {}
    for place in instance.networks:
        for alias in dict.fromkeys(each.lower() for each in place.aliases):
            found.setdefault(alias, []).append(place)
    return found


def _on(target: DnsTarget, places: Sequence[NetworkAddress]) -> DnsTarget:
    return target if len(places) == len(target.addresses) else replace(target, addresses=tuple(places))


def _task(target: DnsTarget) -> DnsTarget:
    """As one of all: neither readiness nor weights count."""
    if target.ready and (target.weight, target.version, target.share) == (1, "", 100):
        return target
    return replace(target, ready=True, weight=1, version="", share=100)


def _runs(instance: Instance, drained: frozenset[str]) -> bool:
    quiet = instance.quarantined or not drained.isdisjoint(handles(instance))
    return instance.state is InstanceState.RUNNING and not quiet
