"""The interface to what runs containers, and its values. Implemented by `docker.DockerEngine` and `process.ProcessEngine`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from tidegate.model import EngineHealth, InstanceState, NetworkAddress, PublishedPort
from tidegate.value import Value


class EngineInfo(Value):
    """Who answers. `now` is the engine's own clock, seconds since the epoch; `min_api` is empty where it has none."""

    name: str
    version: str
    api: str
    min_api: str = ""
    now: float = 0.0
    swarm: bool = False


class ContainerSummary(Value):
    """One row of a list: enough to see whether a container changed since it was last inspected."""

    id: str
    names: tuple[str, ...]
    state: InstanceState
    labels: dict[str, str]
    addresses: tuple[tuple[str, str, str], ...] = ()  # (network id, ipv4, ipv6), sorted
    engine_health: EngineHealth = EngineHealth.NONE
    created_at: float = 0.0


class ContainerDetail(Value):
    """One container as inspected, before its labels are understood. `image` is what it was asked to run, `image_id` what that
    was then. Times are epoch seconds on the engine's clock."""

    id: str
    name: str
    image: str
    state: InstanceState
    labels: dict[str, str]
    environment: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    hostname: str = ""
    networks: tuple[NetworkAddress, ...] = ()
    network_mode: str = ""  # "host", "none", "bridge", "container:<id>", or a network's name
    exposed: tuple[int, ...] = ()  # TCP ports
    published: tuple[PublishedPort, ...] = ()
    engine_health: EngineHealth = EngineHealth.NONE
    has_healthcheck: bool = False
    stop_signal: str = "SIGTERM"
    stop_timeout_seconds: float = 10.0
    created_at: float = 0.0
    started_at: float = 0.0
    exit_code: int | None = None
    oom_killed: bool = False
    restarts: int = 0
    image_id: str = ""


class Network(Value):
    """A network of the engine. `gateways` are the host's own addresses on it."""

    id: str
    name: str
    driver: str = ""
    internal: bool = False
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()


class EngineEvent(Value):
    """A hint that something changed. `time_ns` is the engine's clock. `action` is Docker's word (`start`, `die`,
    `health_status: healthy`, `connect`, ...), `kind` is `container`, `network` or `daemon`. For a network event `id` is
    the container's id where one is named."""

    kind: str
    action: str
    id: str
    time_ns: int
    attributes: dict[str, str] = {}


class ContainerSpec(Value):
    """What to create. `networks` maps a network's name to the aliases wanted on it; `publish` is port -> host port."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    labels: dict[str, str] = {}
    hostname: str = ""
    networks: dict[str, tuple[str, ...]] = {}
    network_mode: str = ""
    publish: dict[int, int] = {}
    ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()
    working_dir: str = ""
    user: str = ""
    stop_signal: str = ""
    stop_timeout_seconds: float = 10.0
    restart: str = ""
    dns: tuple[str, ...] = ()


class ExecResult(Value):
    """Outcome of a command inside a container; `output` is stdout and stderr together, at most 64 KiB."""

    exit_code: int
    output: str = ""


class Stats(Value):
    """One reading. `cpu_seconds` is cumulative; a rate needs two readings."""

    at: float
    cpu_seconds: float
    memory_bytes: int
    memory_limit_bytes: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    block_read_bytes: int = 0
    block_written_bytes: int = 0


class LogLine(Value):
    """One line of a container's output."""

    text: str
    stream: str = "stdout"
    at: float = 0.0


class Engine(Protocol):
    """What runs containers. Every call has a deadline of its own and raises only errors of `tidegate.errors`:
    `EngineUnreachable` when nobody answers, `NoSuchThing` for an unknown id, `EngineError` otherwise."""

    @property
    def name(self) -> str:
        """How the engine is called in messages: its URL, or `process`."""
        ...

    async def info(self) -> EngineInfo: ...

    async def ping(self) -> None: ...

    async def list(self) -> tuple[ContainerSummary, ...]:
        """All containers, stopped ones too."""
        ...

    async def inspect(self, container: str) -> ContainerDetail: ...

    async def networks(self) -> tuple[Network, ...]: ...

    def events(self, since_ns: int) -> AsyncIterator[EngineEvent]:
        """Container and network events from `since_ns` (inclusive, engine's clock) on, for ever; raises
        `EngineUnreachable` when the stream ends. The first value is yielded only after the stream is open: an event of
        kind `daemon`, action `stream-open`."""
        ...

    async def create(self, spec: ContainerSpec) -> str:
        """Create, not start; returns the id."""
        ...

    async def start(self, container: str) -> None: ...

    async def stop(self, container: str, timeout_seconds: float | None = None) -> None: ...

    async def remove(self, container: str, force: bool = False) -> None: ...

    async def exec(self, container: str, command: tuple[str, ...], timeout_seconds: float) -> ExecResult: ...

    async def stats(self, container: str) -> Stats: ...

    def logs(self, container: str, tail: int = 100, follow: bool = False) -> AsyncIterator[LogLine]: ...

    async def close(self) -> None: ...
