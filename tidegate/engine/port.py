"""The interface to what runs containers, and its values. Implemented by `docker.DockerEngine` and `process.ProcessEngine`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from tidegate.engine.spec import ContainerSpec as ContainerSpec  # noqa: PLC0414  what `create` takes belongs to the port
from tidegate.engine.spec import NetworkSpec, VolumeSpec
from tidegate.errors import Problem
from tidegate.model import EngineHealth, InstanceState, NetworkAddress, PublishedPort
from tidegate.value import Value


class EngineInfo(Value):
    """Who answers. `now` is the engine's own clock, seconds since the epoch; `min_api` is empty where it has none. `platform` is
    `os/arch` in the words of images; `cpus` in cores and `memory` in bytes are what its host has, 0 where it does not say."""

    name: str
    version: str
    api: str
    min_api: str = ""
    now: float = 0.0
    swarm: bool = False
    swarm_manager: bool = False  # it may make networks of the swarm
    id: str = ""
    platform: str = ""
    cpus: float = 0.0
    memory: int = 0


class ContainerSummary(Value):
    """One row of a list: enough to see whether a container changed since it was last inspected."""

    id: str
    names: tuple[str, ...]
    state: InstanceState
    labels: dict[str, str]
    addresses: tuple[tuple[str, str, str], ...] = ()  # (network id, ipv4, ipv6), sorted
    engine_health: EngineHealth = EngineHealth.NONE
    created_at: float = 0.0
    published: tuple[str, ...] = ()  # ports of the host that it holds, as `tcp/80`, sorted


class ContainerDetail(Value):
    """One container as inspected, before its labels are understood. `image` is what it was asked to run, `image_id` what that
    was then. Times are epoch seconds on the engine's clock."""

    id: str
    name: str
    image: str
    state: InstanceState
    labels: dict[str, str]
    environment: tuple[str, ...] = ()
    command: tuple[str, ...] = ()  # what runs: the entrypoint, which is its beginning, and the command proper
    entrypoint: tuple[str, ...] = ()
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
    cpus: float = 0.0  # cores that it may use at most; 0: all of the host's
    restarting: bool = False  # it ended, and its restart policy is about to give it another life
    reserved_memory: int = 0  # bytes


OVERLAY = "overlay"  # driver of networks that only their containers stand on, not the hosts of these


class Network(Value):
    """A network of the engine. `gateways` are the host's own addresses on it."""

    id: str
    name: str
    driver: str = ""
    internal: bool = False
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    labels: dict[str, str] = {}


class Volume(Value):
    """A named volume of the engine."""

    name: str
    driver: str = ""
    labels: dict[str, str] = {}


class EngineEvent(Value):
    """A hint that something changed. `time_ns` is the engine's clock. `action` is Docker's word (`start`, `die`,
    `health_status: healthy`, `connect`, ...), `kind` is `container`, `network`, `image`, `volume` or `daemon`. For a network event `id` is
    the container's id where one is named."""

    kind: str
    action: str
    id: str
    time_ns: int
    attributes: dict[str, str] = {}


class Image(Value):
    """An image that the engine holds. `id` says what is in it, `name` is what was asked for, `digests` are what registries
    call it."""

    id: str
    name: str
    digests: tuple[str, ...] = ()


class HeldImage(Value):
    """One of all images that the engine holds: what it is called there, with tag or with digest; nothing where its names have gone."""

    id: str
    names: tuple[str, ...] = ()


class PullStep(Value):
    """How far the fetching of an image is. `layers` and `total_bytes` grow while the registry names more of them; layers
    that the engine held already count as done. `said` is the engine's own last word."""

    said: str
    layers_done: int = 0
    layers: int = 0
    done_bytes: int = 0
    total_bytes: int = 0


class Duplicate(Value):
    """How a new container differs from the one it is made from; what is not named here stays as it is there.

    `image` empty: the same one. `image_id`: what the image must be, so that all containers of a release run one and the
    same; empty: whatever it is now. `labels` and `environment` are set, and taken away where they are None: a variable even
    from the image. `command` empty: as it is, or with `bare` the image's own. `entrypoint` None: as it is, or the image's; empty: none at all. A container called `name` that has all of `labels` is taken for the one
    asked for. `stop_first`: the other one is stopped before this one starts, so both may hold one host port, and anonymous
    volumes go over.
    """

    name: str
    image: str = ""
    image_id: str = ""
    labels: dict[str, str | None] = {}
    environment: dict[str, str | None] = {}
    command: tuple[str, ...] = ()
    bare: bool = False
    entrypoint: tuple[str, ...] | None = None
    stop_first: bool = False

    def made(self, labels: Mapping[str, str]) -> bool:
        """Whether a container with these labels is what an earlier call made of this. What an image says of itself cannot be
        taken away, so labels that were to be are not looked at."""
        said = {name: text for name, text in self.labels.items() if text is not None}
        return bool(said) and said.items() <= labels.items()

    def __repr__(self) -> str:
        """Without values of the environment: they hold secrets."""
        return f"Duplicate(name={self.name!r}, image={self.image!r}, environment={sorted(self.environment)!r})"


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
        """Events of containers, networks, images and volumes from `since_ns` (inclusive, engine's clock) on, for ever; raises
        `EngineUnreachable` when the stream ends. The first value is yielded only after the stream is open: an event of
        kind `daemon`, action `stream-open`."""
        ...

    async def create(self, spec: ContainerSpec) -> str:
        """Create, not start; returns the id."""
        ...

    async def duplicate(self, container: str, change: Duplicate) -> str:
        """Create, not start, a container like `container` but for `change`; returns the id. Made twice it is one: what an
        earlier call made, or half made, is completed and taken. Raises EngineError where the two could not run side by
        side, where the name is somebody else's, and where the image is not there or is another one."""
        ...

    async def rehearse(self, container: str, change: Duplicate) -> tuple[Problem, ...]:
        """What the duplicate would not have of the original, and what else is worth knowing, as warnings; raises what
        `duplicate` would. Changes nothing."""
        ...

    async def image(self, name: str) -> Image:
        """The image called `name` (or with this id) that the engine holds; raises NoSuchThing."""
        ...

    async def latest(self, name: str) -> str:
        """The digest of what the image's registry has under `name` now, asked by the engine; nothing is fetched. Empty where containers
        have no images. Raises EngineError where the registry refuses or cannot be reached."""
        ...

    async def held_images(self) -> tuple[HeldImage, ...]:
        """All that it holds, the newest first."""
        ...

    def pull(self, name: str) -> AsyncIterator[PullStep]:
        """Have the engine fetch an image from its registry; ends when it is there. Raises EngineError where the registry
        refuses, cannot be reached, or falls silent."""
        ...

    async def start(self, container: str) -> None: ...

    async def stop(self, container: str, timeout_seconds: float | None = None) -> None: ...

    async def keep_stopped(self, container: str) -> None:
        """Let its next stop last, over a restart of the engine too. While it runs it is restarted as before."""
        ...

    async def remove(self, container: str, force: bool = False) -> None: ...

    async def create_network(self, spec: NetworkSpec) -> str:
        """Make a network; returns its id. Raises EngineConflict, or another EngineError, where the name is in use."""
        ...

    async def remove_network(self, network: str) -> None:
        """By id or name; refused while containers are on it."""
        ...

    async def volumes(self) -> tuple[Volume, ...]: ...

    async def create_volume(self, spec: VolumeSpec) -> str:
        """Make a volume, or take the one of this name and driver as it is; returns its name."""
        ...

    async def remove_volume(self, name: str) -> None:
        """With what is in it; refused while containers use it."""
        ...

    async def exec(self, container: str, command: tuple[str, ...], timeout_seconds: float) -> ExecResult: ...

    async def stats(self, container: str) -> Stats: ...

    def logs(self, container: str, tail: int = 100, follow: bool = False, since: float = 0.0) -> AsyncIterator[LogLine]:
        """The last `tail` lines of those written at `since` (seconds since the epoch) or later, then, with `follow`, all that come."""
        ...

    async def close(self) -> None: ...
