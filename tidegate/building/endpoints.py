"""One instance as endpoints: where each may be reached, whether it is ready, and what the checker must watch."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.building.options import BuildOptions
from tidegate.model import (
    Address,
    CheckTarget,
    Endpoint,
    HealthReport,
    HealthState,
    Instance,
    InstanceState,
    NetworkAddress,
)

LIVE = frozenset({InstanceState.RUNNING, InstanceState.PAUSED, InstanceState.DRAINING})
_LOOPBACK = "127.0.0.1"
_UNSPECIFIED = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  compared, not bound


def endpoint_id(instance: Instance, port: int) -> str:
    """`<instance id>:<container port>`."""
    return f"{instance.id}:{port}"


def handles(instance: Instance) -> tuple[str, ...]:
    """What an operator may call this instance, besides the ids of its endpoints: id, short id, name, node."""
    return (instance.id, instance.id[:12], instance.name, instance.node)


def candidates(instance: Instance, port: int, options: BuildOptions) -> tuple[Address, ...]:
    """Addresses at which `port` may be reached, best first, without repetition. The checker connects to find out.

    The network named by label, the host's own for host networking, its other networks (internal ones last, IPv4 before
    IPv6; those that this host does not stand on only by label: whoever answers there from here is somebody else), then
    published ports, then the router of the node it is on.
    """
    host = options.node_addresses.get(instance.node, _LOOPBACK)
    found: dict[Address, None] = {}
    if instance.host_network:
        found[Address(host=host, port=port)] = None
    for network in sorted(instance.networks, key=lambda each: _rank(each, instance.network)):
        met = not network.apart or network.routable or _is_named(network, instance.network)
        for literal in (network.ipv4, network.ipv6):
            if literal and met:
                found[Address(host=literal, port=port)] = None
    for published in instance.published:
        if published.container_port == port and published.protocol == "tcp":
            literal = host if published.host_ip in _UNSPECIFIED else published.host_ip
            found[Address(host=literal, port=published.host_port)] = None
    if instance.peer is not None:
        peer = instance.peer
        found[Address(host=peer.host, port=peer.port, through=endpoint_id(instance, port))] = None
    return tuple(found)


def _rank(network: NetworkAddress, wanted: str) -> tuple[bool, bool, str]:
    return (not _is_named(network, wanted), network.internal, network.name)


def _is_named(network: NetworkAddress, wanted: str) -> bool:
    return bool(wanted) and wanted in (network.name, network.network)


def check_targets(instance: Instance, options: BuildOptions) -> Iterator[CheckTarget]:
    """One per port, also where nothing is known to connect to: a command probe needs no address."""
    for port in instance.ports:
        yield CheckTarget(
            endpoint=endpoint_id(instance, port),
            instance=instance.id,
            service=instance.key,
            candidates=candidates(instance, port, options),
            probe=instance.probe,
            engine_health=instance.judged.get(port, instance.engine_health),
            judge=instance.node if instance.judged else "",
            started_at=instance.started_at,
        )


def endpoint(
    instance: Instance, port: int, check: CheckTarget, report: HealthReport | None, drained: frozenset[str]
) -> Endpoint:
    """The endpoint as the data plane needs it."""
    state, reason = _state(instance, check, report, drained)
    return Endpoint(
        id=check.endpoint,
        instance=instance.id,
        name=instance.name,
        service=instance.key,
        port=port,
        address=_address(check, report),
        state=state,
        version=instance.version,
        number=instance.number,
        node=instance.node,
        weight=instance.endpoint_weight,
        reason=reason,
    )


def _state(
    instance: Instance, check: CheckTarget, report: HealthReport | None, drained: frozenset[str]
) -> tuple[HealthState, str]:
    if instance.state is InstanceState.DRAINING:
        return HealthState.DRAINING, "told to stop"
    if instance.state is InstanceState.PAUSED:
        # Connections to a paused container hang; nothing tells the client (moby#37809).
        return HealthState.UNHEALTHY, "paused"
    if drained and (check.endpoint in drained or not drained.isdisjoint(handles(instance))):
        return HealthState.DRAINING, "drained by operator"
    if report is None:
        return HealthState.STARTING, "not checked yet"
    if report.address is not None and report.address not in check.candidates:
        # The report speaks of where the instance stood before; its address may belong to another one by now.
        return HealthState.STARTING, "address changed"
    return report.state, report.reason


def _address(check: CheckTarget, report: HealthReport | None) -> Address | None:
    if report is not None and report.address in check.candidates:
        return report.address
    return check.candidates[0] if check.candidates else None


def addresses(instance: Instance, options: BuildOptions) -> tuple[NetworkAddress, ...]:
    """What DNS may answer for the instance; for host networking the address of its node, where that is declared."""
    literal = options.node_addresses.get(instance.node, "") if instance.host_network else ""
    if not literal:
        return instance.networks
    ipv4, ipv6 = ("", literal) if ":" in literal else (literal, "")
    return (NetworkAddress(network="host", name="host", ipv4=ipv4, ipv6=ipv6, routable=True),)


def is_afar(instance: Instance) -> bool:
    """Whether it is on another node, and at no address that a name could stand for: only routers reach it."""
    return instance.peer is not None and not instance.networks


def ready_for_dns(instance: Instance, states: tuple[HealthState, ...], drained: frozenset[str]) -> bool:
    """Whether DNS answers with the instance: an endpoint is healthy, or nothing is checked and the engine is content; never with
    one whose labels keep it from traffic."""
    if instance.quarantined or instance.state is not InstanceState.RUNNING or not drained.isdisjoint(handles(instance)):
        return False
    if states:
        return HealthState.HEALTHY in states
    return instance.engine_health in ("none", "healthy")
