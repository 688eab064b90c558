"""What is to be made on an engine: a container, a volume, a network. Values only; each engine does of them what it can.

An empty text, 0, an empty tuple or None always means "not said": the image or the engine decides.
"""

from __future__ import annotations

from enum import StrEnum

from tidegate.value import Value


class Publication(Value):
    """A port of the container that is open on the host. `host_port` 0: any free one; with `host_port_end`: any free one from
    `host_port` up to it. `host_ip` empty: every address of the host."""

    port: int
    host_port: int = 0
    host_port_end: int = 0
    host_ip: str = ""
    protocol: str = "tcp"


class MountKind(StrEnum):
    """Where what is mounted comes from."""

    BIND = "bind"
    VOLUME = "volume"
    TMPFS = "tmpfs"


class Mount(Value):
    """Something mounted at `target`. `source` is a path of the host, or a volume's name; empty for a volume without a name and
    for a tmpfs. `options` are further words of the short form, such as `z` or `rslave`."""

    target: str
    kind: MountKind = MountKind.VOLUME
    source: str = ""
    read_only: bool = False
    create_source: bool = True  # bind: make the host's path a folder where it does not exist
    nocopy: bool = False  # volume: do not fill a new one with what the image has there
    options: tuple[str, ...] = ()
    size_bytes: int = 0  # tmpfs
    mode: int = 0  # tmpfs: permissions, 0 for the engine's (1777)


class Attachment(Value):
    """How a container stands on one network. `links` are `name:alias`: that alias for somebody else's name, for it alone."""

    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    ipv4: str = ""
    ipv6: str = ""
    link_local: tuple[str, ...] = ()
    options: dict[str, str] = {}


class Healthcheck(Value):
    """The engine's own check. `test` begins with CMD, CMD-SHELL or NONE, as the Engine API has it; empty: the image's."""

    test: tuple[str, ...] = ()
    interval_seconds: float = 0.0
    timeout_seconds: float = 0.0
    start_seconds: float = 0.0
    start_interval_seconds: float = 0.0
    retries: int = 0


class Logging(Value):
    """Where the engine keeps the output. Options may hold credentials."""

    driver: str = ""
    options: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Logging(driver={self.driver!r}, options={sorted(self.options)!r})"


class Ulimit(Value):
    """A limit of the kernel's for each process; -1 is none."""

    name: str
    soft: int
    hard: int


class Device(Value):
    """A device of the host, and what may be done with it: read, write, make nodes."""

    host: str
    container: str
    permissions: str = "rwm"


class Limits(Value):
    """What a container may take of the host. `swap_bytes` is memory and swap together, -1 without bound; `cpu_shares` is the
    kernel's relative weight (1024 is everybody's); `gpus` -1 is all."""

    cpus: float = 0.0
    cpu_shares: int = 0
    cpu_quota_us: int = 0
    cpu_period_us: int = 0
    cpuset: str = ""
    memory_bytes: int = 0
    swap_bytes: int = 0
    reserved_memory_bytes: int = 0
    swappiness: int | None = None
    shm_bytes: int = 0
    pids: int = 0
    blkio_weight: int = 0
    oom_kill_disable: bool = False
    oom_score_adjustment: int = 0
    ulimits: tuple[Ulimit, ...] = ()
    gpus: int = 0


class Isolation(Value):
    """How far a container is kept apart from its host. `pid`, `ipc`, `uts`, `userns`, `cgroup` are modes as Docker has them."""

    privileged: bool = False
    read_only: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security: tuple[str, ...] = ()
    sysctls: dict[str, str] = {}
    devices: tuple[Device, ...] = ()
    groups: tuple[str, ...] = ()
    pid: str = ""
    ipc: str = ""
    uts: str = ""
    userns: str = ""
    cgroup: str = ""
    cgroup_parent: str = ""
    runtime: str = ""


class ContainerSpec(Value):
    """What to create. `networks` maps a network's name to how the container stands on it, the first being its first; it is not
    used with a `network_mode`. `ports` are TCP ports that it listens on beside the published ones. `entrypoint` ("",) takes the
    image's away. `extra_hosts` are `name:address`, `tmpfs` maps a folder to its options, `platform` is `os/architecture`."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    labels: dict[str, str] = {}
    hostname: str = ""
    domainname: str = ""
    networks: dict[str, Attachment] = {}
    network_mode: str = ""
    publish: tuple[Publication, ...] = ()
    ports: tuple[int, ...] = ()
    udp_ports: tuple[int, ...] = ()
    mounts: tuple[Mount, ...] = ()
    tmpfs: dict[str, str] = {}
    working_dir: str = ""
    user: str = ""
    stop_signal: str = ""
    stop_timeout_seconds: float = 10.0
    restart: str = ""
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    init: bool | None = None
    tty: bool = False
    stdin_open: bool = False
    platform: str = ""
    healthcheck: Healthcheck = Healthcheck()
    logging: Logging = Logging()
    limits: Limits = Limits()
    isolation: Isolation = Isolation()

    def __repr__(self) -> str:
        """Without values of the environment: they hold secrets."""
        return f"ContainerSpec(name={self.name!r}, image={self.image!r}, environment={sorted(self.environment)!r})"


class VolumeSpec(Value):
    """A named volume. `driver` empty is the engine's `local`; options may hold credentials."""

    name: str
    driver: str = ""
    options: dict[str, str] = {}
    labels: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"VolumeSpec(name={self.name!r}, driver={self.driver!r}, options={sorted(self.options)!r})"


class Pool(Value):
    """Addresses of a network: `subnet` and `range` with their prefix length; `reserved` are names of addresses not to give."""

    subnet: str = ""
    gateway: str = ""
    range: str = ""
    reserved: dict[str, str] = {}


class NetworkSpec(Value):
    """A network. `driver` empty is the engine's `bridge`. `attachable`: containers may join an overlay."""

    name: str
    driver: str = ""
    options: dict[str, str] = {}
    internal: bool = False
    attachable: bool = False
    ipv6: bool = False
    ipam_driver: str = ""
    ipam_options: dict[str, str] = {}
    pools: tuple[Pool, ...] = ()
    labels: dict[str, str] = {}
