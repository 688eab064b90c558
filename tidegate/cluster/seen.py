"""What one node tells the others of a service: its instances as it sees them, and how its checks find each port. Pure.

`told` is the way out, `taken` the way in. What others cannot use stays at home: addresses on networks that only this host
reaches, ports published for this host alone, complaints about labels. What the other node's checks say holds here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from msgspec import json
from msgspec.structs import replace

from tidegate.model import (
    Address,
    EngineHealth,
    HealthReport,
    HealthState,
    Instance,
    InstanceState,
    NetworkAddress,
    PublishedPort,
)
from tidegate.value import Value

MAX_VALUE_BYTES = 60_000  # of one key; the store's own advice is 64 KiB
Range = IPv4Network | IPv6Network
_ANY_HOST = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  compared, not bound
_LIVE = frozenset({InstanceState.RUNNING, InstanceState.PAUSED, InstanceState.DRAINING})
_HEALTH = {HealthState.HEALTHY: EngineHealth.HEALTHY, HealthState.UNHEALTHY: EngineHealth.UNHEALTHY}


class Found(Value):
    """An instance, and its ports' health by their numbers (as text: JSON has no other keys)."""

    instance: Instance
    health: dict[str, EngineHealth] = {}


class Places(Value):
    """How a node's containers are reached by the others. `address` is where its published ports are, `peer` where its router takes
    connections for its containers; `routable` are names, ids or ranges (CIDR) of networks that everybody reaches."""

    address: str = ""
    peer: Address | None = None
    routable: tuple[str, ...] = ()


def told(instances: Iterable[Instance], reports: Mapping[str, HealthReport], places: Places) -> tuple[Found, ...]:
    """The instances of a service as others should take them."""
    return tuple(_told(each, reports, places) for each in instances if each.state in _LIVE and not each.external)


def parts_of(found: Sequence[Found]) -> Iterator[bytes]:
    """As values of keys, each within `MAX_VALUE_BYTES`; an instance that alone is larger has a part of its own."""
    part: list[bytes] = []
    size = 0
    for each in map(json.encode, found):
        if part and size + len(each) > MAX_VALUE_BYTES:
            yield _list(part)
            part, size = [], 0
        part.append(each)
        size += len(each) + 1
    if part:
        yield _list(part)


def read_part(value: bytes) -> tuple[Found, ...]:
    """One part. Raises msgspec.DecodeError."""
    return json.decode(value, type=tuple[Found, ...])


def taken(found: Iterable[Found], node: str, provider: str, places: Places) -> tuple[Instance, ...]:
    """The instances as this node works with them, ordered as in an inventory."""
    made = (_taken(each, node, provider, places) for each in found)
    return tuple(sorted(made, key=lambda each: (each.created_at, each.id)))


def _list(items: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def _told(instance: Instance, reports: Mapping[str, HealthReport], places: Places) -> Found:
    health = {str(port): _judged(reports.get(f"{instance.id}:{port}")) for port in instance.ports}
    published = [each for each in map(_reached(places), instance.published) if each is not None]
    if instance.host_network and places.address:
        published += [
            PublishedPort(container_port=port, host_ip=places.address, host_port=port) for port in instance.ports
        ]
    return Found(
        instance=replace(
            instance,
            networks=tuple(each for each in map(_routable(places), instance.networks) if each is not None),
            host_network=False,
            published=tuple(dict.fromkeys(published)),
            probe=None,
            engine_health=EngineHealth.NONE,
            problems=(),
        ),
        health=health,
    )


def _judged(report: HealthReport | None) -> EngineHealth:
    return EngineHealth.STARTING if report is None else _HEALTH.get(report.state, EngineHealth.STARTING)


def _reached(places: Places) -> Callable[[PublishedPort], PublishedPort | None]:
    def reached(port: PublishedPort) -> PublishedPort | None:
        """At an address that others reach; None where there is none."""
        if port.host_ip in _ANY_HOST:
            return replace(port, host_ip=places.address) if places.address else None
        return None if ip_address(port.host_ip).is_loopback else port

    return reached


def _routable(places: Places) -> Callable[[NetworkAddress], NetworkAddress | None]:
    names = frozenset(places.routable)
    ranges = [ip_network(each, strict=False) for each in places.routable if "/" in each]

    def routable(place: NetworkAddress) -> NetworkAddress | None:
        """The addresses on a network that everybody reaches; None where there are none. Those of the loopback nobody else does."""
        known = place.routable or place.name in names or place.network in names
        kept = {
            field: literal if literal and _reaches(ip_address(literal), ranges, known=known) else ""
            for field, literal in (("ipv4", place.ipv4), ("ipv6", place.ipv6))
        }
        return replace(place, routable=True, aliases=(), **kept) if any(kept.values()) else None

    return routable


def _reaches(address: IPv4Address | IPv6Address, ranges: Iterable[Range], *, known: bool) -> bool:
    return not address.is_loopback and (known or any(address in each for each in ranges))


def _taken(found: Found, node: str, provider: str, places: Places) -> Instance:
    instance = found.instance
    return replace(
        instance,
        node=node,
        provider=provider,
        judged={int(port): health for port, health in found.health.items() if port.isdigit()},
        peer=places.peer,
        networks=(*instance.networks, *_host(instance)),
    )


def _host(instance: Instance) -> Iterator[NetworkAddress]:
    """The node's own address, where every port is published there under its own number: then names may stand for it."""
    same = {each.container_port: each.host_ip for each in instance.published if each.host_port == each.container_port}
    hosts = {same.get(port, "") for port in instance.ports}
    if instance.networks or len(hosts) != 1 or hosts == {""}:
        return
    literal = hosts.pop()
    ipv4, ipv6 = ("", literal) if ":" in literal else (literal, "")
    yield NetworkAddress(network="host", name="host", ipv4=ipv4, ipv6=ipv6, routable=True)
