"""The Docker Engine's JSON as it is: only the fields used, every one optional that any API version leaves out (pure)."""

# ruff: noqa: D101  these mirror the engine's JSON one to one; what a field means stands in docker_wire

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

T = TypeVar("T")


def decode(kind: type[T], data: bytes) -> T:
    """`data` as `kind`; raises ValueError when it is not JSON of that shape."""
    return msgspec.json.decode(data, type=kind, strict=False)


class Pascal(Struct, rename="pascal"):
    """Base of what the engine names `LikeThis`."""


class RawVersion(Pascal):
    version: str = ""
    api_version: str = ""
    min_api_version: str = field(name="MinAPIVersion", default="")


class RawSwarm(Pascal):
    local_node_state: str = ""
    control_available: bool = False


class RawInfo(Pascal):
    name: str = ""
    server_version: str = ""
    system_time: str = ""
    id: str = field(name="ID", default="")
    os_type: str = field(name="OSType", default="")
    architecture: str = ""
    cpus: int = field(name="NCPU", default=0)
    memory: int = field(name="MemTotal", default=0)
    swarm: RawSwarm | None = None


class RawHealth(Pascal):
    status: str = ""


class RawEndpoint(Pascal):
    network_id: str = field(name="NetworkID", default="")
    ip_address: str = field(name="IPAddress", default="")
    ipv6: str = field(name="GlobalIPv6Address", default="")
    ip_bits: int = field(name="IPPrefixLen", default=0)
    ipv6_bits: int = field(name="GlobalIPv6PrefixLen", default=0)
    aliases: list[str] | None = None
    dns_names: list[str] | None = field(name="DNSNames", default=None)


class RawPortBinding(Pascal):
    host_ip: str | None = None
    host_port: str | None = None


class RawNetworkSettings(Pascal):
    networks: dict[str, RawEndpoint | None] | None = None
    ports: dict[str, list[RawPortBinding] | None] | None = None


class RawListedPort(Pascal):
    public_port: int = 0
    type: str = "tcp"


class RawSummary(Pascal):
    id: str
    names: list[str] | None = None
    labels: dict[str, str] | None = None
    state: str = ""
    status: str = ""
    created: float = 0.0
    network_settings: RawNetworkSettings | None = None
    health: RawHealth | None = None
    ports: list[RawListedPort] | None = None


class RawState(Pascal):
    status: str = ""
    oom_killed: bool = field(name="OOMKilled", default=False)
    exit_code: int = 0
    started_at: str = ""
    finished_at: str = ""
    health: RawHealth | None = None


class RawHealthcheck(Pascal):
    test: list[str] | None = None


class RawConfig(Pascal):
    hostname: str = ""
    env: list[str] | None = None
    cmd: list[str] | None = None
    entrypoint: list[str] | None = None
    labels: dict[str, str] | None = None
    image: str = ""
    exposed_ports: dict[str, Any] | None = None
    healthcheck: RawHealthcheck | None = None
    stop_signal: str = ""
    stop_timeout: int | None = None
    tty: bool = False


class RawRestartPolicy(Pascal):
    name: str = ""


class RawHostConfig(Pascal):
    network_mode: str = ""
    nano_cpus: int = 0
    cpu_quota: int = 0
    cpu_period: int = 0
    memory_reservation: int = 0
    restart_policy: RawRestartPolicy = field(default_factory=RawRestartPolicy)


class RawDetail(Pascal):
    id: str
    name: str = ""
    image: str = ""  # its id; what was asked for is in `config`
    created: str = ""
    restart_count: int = 0
    state: RawState = field(default_factory=RawState)
    config: RawConfig = field(default_factory=RawConfig)
    host_config: RawHostConfig = field(default_factory=RawHostConfig)
    network_settings: RawNetworkSettings | None = None


class RawIpamConfig(Pascal):
    subnet: str = ""
    gateway: str = ""


class RawIpam(Pascal):
    config: list[RawIpamConfig] | None = None


class RawNetwork(Pascal):
    id: str
    name: str = ""
    driver: str = ""
    internal: bool = False
    ipam: RawIpam | None = field(name="IPAM", default=None)
    labels: dict[str, str] | None = None


class RawVolume(Pascal):
    name: str
    driver: str = ""
    labels: dict[str, str] | None = None


class RawVolumes(Pascal):
    volumes: list[RawVolume] | None = None


class RawActor(Pascal):
    id: str = field(name="ID", default="")
    attributes: dict[str, str] | None = None


class RawEvent(Struct):
    type: str = field(name="Type", default="")
    action: str = field(name="Action", default="")
    actor: RawActor = field(name="Actor", default_factory=RawActor)
    time: int = 0
    time_nano: int = field(name="timeNano", default=0)


class RawId(Pascal):
    id: str = ""
    warnings: list[str] | None = None


class RawExec(Pascal):
    exit_code: int | None = None
    running: bool = False


class RawError(Struct):
    message: str = ""
    error: str = ""


class RawCpuUsage(Struct):
    total_usage: int = 0


class RawCpu(Struct):
    cpu_usage: RawCpuUsage = field(default_factory=RawCpuUsage)


class RawMemory(Struct):
    usage: int = 0
    limit: int = 0
    stats: dict[str, int] = field(default_factory=dict)


class RawInterface(Struct):
    rx_bytes: int = 0
    tx_bytes: int = 0


class RawBlock(Struct):
    op: str = ""
    value: int = 0


class RawBlocks(Struct):
    io_service_bytes_recursive: list[RawBlock] | None = None


class RawStats(Struct):
    read: str = ""
    cpu_stats: RawCpu = field(default_factory=RawCpu)
    memory_stats: RawMemory = field(default_factory=RawMemory)
    networks: dict[str, RawInterface] | None = None
    blkio_stats: RawBlocks = field(default_factory=RawBlocks)
