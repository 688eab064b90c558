"""JSON of the Docker Engine API to the values of `port.py` (pure).

Shapes differ by API version; all of these are understood without asking which version it was:

* events: `Actor` only (1.52 dropped the top-level `status`, `id`, `from`);
* addresses: per network only (1.52 dropped the flat `NetworkSettings.IPAddress`);
* names on a network: `Aliases` (with the short id up to 1.44), `DNSNames` (since 1.44) or both;
* health in a list: `Health` (since 1.52), before that only the words in `Status`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import datetime

from tidegate.engine.docker_raw import (
    RawConfig,
    RawDetail,
    RawEndpoint,
    RawEvent,
    RawHostConfig,
    RawInfo,
    RawIpamConfig,
    RawNetwork,
    RawNetworkSettings,
    RawStats,
    RawSummary,
    RawVersion,
    RawVolume,
)
from tidegate.engine.port import (
    ContainerDetail,
    ContainerSummary,
    EngineEvent,
    EngineInfo,
    LogLine,
    Network,
    Stats,
    Volume,
)
from tidegate.model import EngineHealth, InstanceState, NetworkAddress, PublishedPort

_STATES = {
    "created": InstanceState.CREATED,
    "running": InstanceState.RUNNING,
    "paused": InstanceState.PAUSED,
}
_HEALTH = {
    "starting": EngineHealth.STARTING,
    "healthy": EngineHealth.HEALTHY,
    "unhealthy": EngineHealth.UNHEALTHY,
}
_STATUS_HEALTH = (
    ("(health: starting)", EngineHealth.STARTING),
    ("(unhealthy)", EngineHealth.UNHEALTHY),
    ("(healthy)", EngineHealth.HEALTHY),
)


_MACHINES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "i686": "386",
    "armv7l": "arm",
}  # the kernel's words -> those of images


def info(version: RawVersion, raw: RawInfo, api: str) -> EngineInfo:
    """`api` is the version agreed on, which is what we speak."""
    return EngineInfo(
        name=raw.name,
        version=version.version or raw.server_version,
        api=api,
        min_api=version.min_api_version,
        now=epoch(raw.system_time),
        swarm=raw.swarm is not None and raw.swarm.local_node_state == "active",
        swarm_manager=raw.swarm is not None and raw.swarm.control_available,
        id=raw.id,
        platform=f"{raw.os_type}/{_MACHINES.get(raw.architecture, raw.architecture)}" if raw.os_type else "",
        cpus=float(raw.cpus),
        memory=raw.memory,
    )


def summary(raw: RawSummary) -> ContainerSummary:
    """One row of `/containers/json`."""
    endpoints = (raw.network_settings.networks or {}) if raw.network_settings else {}
    rows = ((end.network_id or name, end.ip_address, end.ipv6) for name, end in endpoints.items() if end is not None)
    return ContainerSummary(
        id=raw.id,
        names=tuple(_names(raw.names or ())),
        state=_state(raw.state or raw.status),
        labels=raw.labels or {},
        addresses=tuple(sorted(rows)),
        engine_health=_summary_health(raw),
        created_at=raw.created,
        published=tuple(sorted({f"{each.type}/{each.public_port}" for each in raw.ports or () if each.public_port})),
    )


def _names(names: Iterable[str]) -> Iterable[str]:
    """Without the leading slash; `/other/alias` is how a legacy link calls this container, not its own name."""
    return (name.removeprefix("/") for name in names if "/" not in name[1:])


def _state(word: str) -> InstanceState:
    """`restarting` is the pause between two lives; `removing`, `exited` and `dead` are over. None of them serves."""
    return _STATES.get(word.lower(), InstanceState.STOPPED)


def _summary_health(raw: RawSummary) -> EngineHealth:
    if raw.health is not None:
        return _HEALTH.get(raw.health.status, EngineHealth.NONE)
    return next((health for words, health in _STATUS_HEALTH if words in raw.status), EngineHealth.NONE)


def detail(raw: RawDetail) -> ContainerDetail:
    """Answer of `/containers/{id}/json`."""
    state, config = raw.state, raw.config
    settings = raw.network_settings or RawNetworkSettings()
    life = _state(state.status)
    test = (config.healthcheck.test if config.healthcheck else None) or []
    return ContainerDetail(
        id=raw.id,
        name=raw.name.removeprefix("/"),
        image=config.image,
        state=life,
        labels=config.labels or {},
        environment=tuple(config.env or ()),
        command=(*(config.entrypoint or ()), *(config.cmd or ())),
        entrypoint=tuple(config.entrypoint or ()),
        hostname=config.hostname,
        networks=_network_addresses(raw, settings),
        network_mode=_network_mode(raw.host_config.network_mode, settings),
        exposed=_exposed(config, settings),
        published=_published(settings),
        engine_health=_HEALTH.get(state.health.status, EngineHealth.NONE) if state.health else EngineHealth.NONE,
        has_healthcheck=bool(test) and test[0] != "NONE",
        stop_signal=config.stop_signal or "SIGTERM",
        stop_timeout_seconds=10.0 if config.stop_timeout is None else float(config.stop_timeout),
        created_at=epoch(raw.created),
        started_at=epoch(state.started_at),
        exit_code=state.exit_code if life is InstanceState.STOPPED and epoch(state.finished_at) else None,
        oom_killed=state.oom_killed,
        restarts=raw.restart_count,
        image_id=raw.image,
        restarting=state.status == "restarting",
        cpus=_cpus(raw.host_config),
        reserved_memory=raw.host_config.memory_reservation,
    )


def _cpus(config: RawHostConfig) -> float:
    """Cores that a container may use: `--cpus`, or `--cpu-quota` of a period that is 100 ms where it is not said."""
    if config.nano_cpus > 0:
        return config.nano_cpus / 1e9
    return config.cpu_quota / (config.cpu_period or 100_000) if config.cpu_quota > 0 else 0.0


def _network_addresses(raw: RawDetail, settings: RawNetworkSettings) -> tuple[NetworkAddress, ...]:
    own = {raw.id[:12], raw.name.removeprefix("/")}
    return tuple(
        NetworkAddress(
            network=end.network_id or name,
            name=name,
            ipv4=end.ip_address,
            ipv6=end.ipv6,
            ipv4_bits=end.ip_bits,
            ipv6_bits=end.ipv6_bits,
            aliases=_aliases(end, own),
        )
        for name, end in sorted((settings.networks or {}).items())
        if end is not None
    )


def _aliases(end: RawEndpoint, own: set[str]) -> tuple[str, ...]:
    """Names given on this network, the same for every API version: without the container's own name and short id."""
    names = dict.fromkeys((*(end.aliases or ()), *(end.dns_names or ())))
    return tuple(name for name in names if name not in own)


def _network_mode(mode: str, settings: RawNetworkSettings) -> str:
    if mode in ("default", ""):
        return "bridge"
    by_id = {end.network_id: name for name, end in (settings.networks or {}).items() if end is not None}
    return by_id.get(mode, mode)


def _exposed(config: RawConfig, settings: RawNetworkSettings) -> tuple[int, ...]:
    keys = {*(config.exposed_ports or {}), *(settings.ports or {})}
    ports = (_port(key) for key in keys)
    return tuple(sorted(port for port, protocol in ports if port and protocol == "tcp"))


def _published(settings: RawNetworkSettings) -> tuple[PublishedPort, ...]:
    found = [
        PublishedPort(
            container_port=port,
            host_ip=binding.host_ip or "0.0.0.0",  # noqa: S104  the engine's own meaning of an empty address
            host_port=int(binding.host_port),
            protocol=protocol,
        )
        for key, bindings in (settings.ports or {}).items()
        for port, protocol in (_port(key),)
        for binding in bindings or ()
        if port and binding.host_port and binding.host_port.isdigit()
    ]
    return tuple(sorted(found, key=lambda p: (p.container_port, p.protocol, p.host_ip, p.host_port)))


def _port(key: str) -> tuple[int, str]:
    """`80/tcp` -> (80, "tcp"); (0, ...) for what is no single port."""
    number, _, protocol = key.partition("/")
    return (int(number) if number.isdigit() else 0, protocol or "tcp")


def network(raw: RawNetwork) -> Network:
    """One row of `/networks`."""
    configs = (raw.ipam.config if raw.ipam else None) or []
    gateways = (_gateway(config, raw.driver) for config in configs)
    return Network(
        id=raw.id,
        name=raw.name,
        driver=raw.driver,
        internal=raw.internal,
        subnets=tuple(config.subnet for config in configs if config.subnet),
        gateways=tuple(gateway for gateway in gateways if gateway),
        labels=raw.labels or {},
    )


def volume(raw: RawVolume) -> Volume:
    """One row of `/volumes`."""
    return Volume(name=raw.name, driver=raw.driver, labels=raw.labels or {})


def _gateway(config: RawIpamConfig, driver: str) -> str:
    """Old engines name no gateway for a bridge until a container is on it; it is the subnet's first address then."""
    if config.gateway:
        return config.gateway.partition("/")[0]  # some answer with the prefix length
    if driver != "bridge" or not config.subnet:
        return ""
    try:
        subnet = ipaddress.ip_network(config.subnet, strict=False)
    except ValueError:
        return ""
    return str(subnet.network_address + 1) if subnet.version == 4 else ""


def event(raw: RawEvent) -> EngineEvent:
    """One value of `/events`."""
    attributes = raw.actor.attributes or {}
    identity = raw.actor.id
    if raw.type == "network":
        # The actor is the network; what changed is the container on it, where one is named.
        attributes = {**attributes, "network": raw.actor.id}
        identity = attributes.get("container") or raw.actor.id
    return EngineEvent(
        kind=raw.type,
        action=raw.action,
        id=identity,
        time_ns=raw.time_nano or raw.time * 1_000_000_000,
        attributes=attributes,
    )


def stats(raw: RawStats) -> Stats:
    """One reading of `/containers/{id}/stats`; all zero for a container that does not run."""
    memory = raw.memory_stats
    # Page cache that can be dropped at once is not what the container needs (docker stats subtracts the same).
    cache = memory.stats.get("inactive_file", memory.stats.get("total_inactive_file", 0))
    blocks = raw.blkio_stats.io_service_bytes_recursive or ()
    interfaces = (raw.networks or {}).values()
    return Stats(
        at=epoch(raw.read),
        cpu_seconds=raw.cpu_stats.cpu_usage.total_usage / 1e9,
        memory_bytes=max(memory.usage - cache, 0),
        memory_limit_bytes=memory.limit,
        received_bytes=sum(interface.rx_bytes for interface in interfaces),
        sent_bytes=sum(interface.tx_bytes for interface in interfaces),
        block_read_bytes=sum(block.value for block in blocks if block.op.lower() == "read"),
        block_written_bytes=sum(block.value for block in blocks if block.op.lower() == "write"),
    )


def log_line(text: str, stream: str) -> LogLine:
    """A line asked for with timestamps: `2026-01-02T03:04:05.678901234Z text`."""
    stamp, _, rest = text.partition(" ")
    at = epoch(stamp)
    return LogLine(text=rest, stream=stream, at=at) if at else LogLine(text=text, stream=stream)


def epoch(stamp: str) -> float:
    """RFC 3339 time in seconds since the epoch; 0 for none (Go writes the year 1) and for what is no time."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return 0.0
    return moment.timestamp() if moment.year > 1 else 0.0
