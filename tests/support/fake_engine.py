"""An engine in memory: the part of `engine.port.Engine` that a follower relies on, with faults on demand.

It behaves as Docker does where it matters (`tests/support/test_fake_engine.py` holds both to the same words): events come
with the container's labels, there is none for `create`, `disconnect` comes before `die`, `since` is inclusive, ids never
come back. Faults:

* `drops(event) -> bool` loses an event without a trace;
* `hold()` .. `release(order)` keeps events back and delivers them in another order;
* `down()` .. `up()` ends every stream and refuses every call;
* `hanging` ids whose inspect never answers, `list_row` overrides what a list shows of a container;
* `latency` seconds that every call takes;
* `burning` is what a container uses: cores, and bytes of memory;
* `images` are the names it holds, `registry` those that it can fetch; `retag` lets a name stand for another image;
* `broken` acts (`start`, `stop`, ...) are refused; a pull tells of its beginning, then takes `pull_seconds`, a stop `stop_seconds`.

`calls` counts calls by name, `inspected` by container id.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

from msgspec.structs import replace

from tidegate.engine.port import (
    ContainerDetail,
    ContainerSpec,
    ContainerSummary,
    Duplicate,
    EngineEvent,
    EngineInfo,
    HeldImage,
    Image,
    Network,
    PullStep,
    Stats,
    Volume,
)
from tidegate.engine.spec import NetworkSpec, VolumeSpec
from tidegate.errors import EngineConflict, EngineError, EngineUnreachable, NoSuchThing, Problem
from tidegate.model import EngineHealth, InstanceState, NetworkAddress

EPOCH = 1_700_000_000.0
REPLAYED = 256  # as many as dockerd keeps


class FakeEngine:
    """See the module. Everything that changes a container emits what dockerd would."""

    name = "fake://engine"

    def __init__(self) -> None:
        self.containers: dict[str, ContainerDetail] = {}
        self.calls: Counter[str] = Counter()
        self.inspected: Counter[str] = Counter()
        self.drops: Callable[[EngineEvent], bool] = lambda event: False
        self.hanging: set[str] = set()
        self.failing: set[str] = set()
        self.broken: set[str] = set()
        self.images: set[str] = {"image:1"}
        self.registry: set[str] = set()
        self.ids: dict[str, str] = {}  # of names that stand for another image than they did at first
        self.untagged: set[str] = set()  # ids of images that have no name any more
        self.pull_seconds = 0.0
        self.stop_seconds = 0.0
        self.changes: list[Duplicate] = []
        self.burning: dict[str, tuple[float, int]] = {}
        self._burnt: dict[str, tuple[float, float]] = {}
        self.known_networks: tuple[Network, ...] = (Network(id="net-bridge", name="bridge", driver="bridge"),)
        self.known_volumes: dict[str, Volume] = {}
        self.list_row: dict[str, ContainerSummary] = {}
        self.latency = 0.0
        self.list_seconds = 0.0  # between taking the snapshot and answering
        self.is_down = False
        self._history: list[EngineEvent] = []
        self._streams: list[asyncio.Queue[EngineEvent | None]] = []
        self._held: list[EngineEvent] | None = None
        self._born = 0
        self._lent = 0
        self._last_ns = 0

    # ---------------------------------------------------------------------------------------------- the engine port

    async def info(self) -> EngineInfo:
        await self._call("info")
        return EngineInfo(name=self.name, version="20.10", api="1.41", now=self._now())

    async def ping(self) -> None:
        await self._call("ping")

    async def list(self) -> tuple[ContainerSummary, ...]:
        await self._call("list")
        rows = tuple(self.list_row.get(detail.id) or summary(detail) for detail in self.containers.values())
        await asyncio.sleep(self.list_seconds)
        return rows

    async def inspect(self, container: str) -> ContainerDetail:
        self.inspected[container] += 1
        detail = self.containers.get(container)  # what it was when the question came, however late the answer
        await self._call("inspect")
        if container in self.hanging:
            await asyncio.sleep(3600)
        if container in self.failing:
            raise EngineError(Problem(code="T0000", text="the engine failed"))
        if detail is None:
            raise NoSuchThing(Problem(code="T0000", text=f"no such container: {container}"))
        return detail

    async def networks(self) -> tuple[Network, ...]:
        await self._call("networks")
        return self.known_networks

    async def create_network(self, spec: NetworkSpec) -> str:
        await self._call("create_network")
        self.known_networks += (Network(id=f"net-{spec.name}", name=spec.name, driver=spec.driver or "bridge"),)
        return f"net-{spec.name}"

    async def remove_network(self, network: str) -> None:
        await self._call("remove_network")
        self.known_networks = tuple(each for each in self.known_networks if network not in (each.id, each.name))

    async def volumes(self) -> tuple[Volume, ...]:
        await self._call("volumes")
        return tuple(self.known_volumes.values())

    async def create_volume(self, spec: VolumeSpec) -> str:
        await self._call("create_volume")
        made = Volume(name=spec.name, driver=spec.driver or "local", labels=spec.labels)
        return self.known_volumes.setdefault(spec.name, made).name

    async def remove_volume(self, name: str) -> None:
        await self._call("remove_volume")
        self.known_volumes.pop(name, None)

    async def events(self, since_ns: int) -> AsyncIterator[EngineEvent]:
        await self._call("events")
        stream: asyncio.Queue[EngineEvent | None] = asyncio.Queue()
        for event in self._history:
            if event.time_ns >= since_ns:
                stream.put_nowait(event)
        self._streams.append(stream)
        try:
            yield EngineEvent(kind="daemon", action="stream-open", id="", time_ns=since_ns)
            while (event := await stream.get()) is not None:
                yield event
        finally:
            self._streams.remove(stream)
        raise self._unreachable()

    async def create(self, spec: ContainerSpec) -> str:
        await self._call("create")
        if any(each.name == spec.name for each in self.containers.values()):
            raise EngineConflict(Problem(code="T1113", text=f"the name {spec.name} is in use"))
        return self.add(spec.name, spec.labels, image=spec.image)

    async def duplicate(self, container: str, change: Duplicate) -> str:
        await self._call("duplicate")
        original = self._known(container)
        image = await self.image(change.image_id or change.image or original.image)
        self.changes.append(change)
        made = next((each for each in self.containers.values() if each.name == change.name), None)
        if made is not None:
            return made.id
        labels = {name: text for name, text in (original.labels | change.labels).items() if text is not None}
        environment = dict(each.split("=", 1) for each in original.environment) | change.environment
        entrypoint = original.entrypoint if change.entrypoint is None else change.entrypoint
        proper = original.command[len(original.entrypoint) :]
        return self.add(
            change.name,
            labels,
            image=change.image or original.image,
            image_id=image.id,
            environment=tuple(f"{name}={text}" for name, text in environment.items() if text is not None),
            command=(*entrypoint, *(change.command or (() if change.bare else proper))),
            entrypoint=entrypoint,
        )

    async def rehearse(self, container: str, change: Duplicate) -> tuple[Problem, ...]:
        await self._call("rehearse")
        await self.image(change.image or self._known(container).image)
        return ()

    async def image(self, name: str) -> Image:
        await self._call("image")
        if name in self.images:
            return Image(id=self.id_of(name), name=name)
        if name in self.untagged | {self.id_of(each) for each in self.images}:
            return Image(id=name, name=name)
        raise NoSuchThing(Problem(code="T1150", text=f"the engine holds no image {name}"))

    async def latest(self, name: str) -> str:
        await self._call("latest")
        if name not in self.registry:
            raise EngineError(Problem(code="T1151", text=f"image {name} could not be fetched"))
        return self.id_of(name)

    async def held_images(self) -> tuple[HeldImage, ...]:
        await self._call("held_images")
        return tuple(HeldImage(id=self.id_of(name), names=(name,)) for name in sorted(self.images))

    async def pull(self, name: str) -> AsyncIterator[PullStep]:
        await self._call("pull")
        yield PullStep(said="Downloading", layers=1, done_bytes=1, total_bytes=2)
        await asyncio.sleep(self.latency + self.pull_seconds)
        if self.registry.isdisjoint((name, name.partition("@")[0])):
            raise EngineError(Problem(code="T1151", text=f"image {name} could not be fetched"))
        self.images.add(name)

    async def stats(self, container: str) -> Stats:
        await self._call("stats")
        self._known(container)
        cores, memory = self.burning.get(container, (0.0, 0))
        now = self._now()
        used, since = self._burnt.get(container, (0.0, now))
        self._burnt[container] = (used + cores * (now - since), now)
        running = self.containers[container].state is InstanceState.RUNNING
        seconds = self._burnt[container][0]
        return Stats(at=now if running else 0.0, cpu_seconds=seconds, memory_bytes=memory, memory_limit_bytes=1 << 30)

    async def keep_stopped(self, container: str) -> None:
        await self._call("keep_stopped")
        self._known(container)

    async def start(self, container: str) -> None:
        await self._call("start")
        self._known(container)
        self.begin(container)

    async def stop(self, container: str, timeout_seconds: float | None = None) -> None:
        await self._call("stop")
        if self._known(container).state is not InstanceState.RUNNING:
            return
        self.kill(container)
        await asyncio.sleep(self.stop_seconds)
        self.end(container)
        self.emit("stop", container)

    async def remove(self, container: str, force: bool = False) -> None:
        await self._call("remove")
        self._known(container)
        if force and self.containers[container].state is InstanceState.RUNNING:
            self.kill(container, "9")
            self.end(container)
        self.destroy(container)

    async def close(self) -> None:
        self.down()

    # ------------------------------------------------------------------------------------------- what happens there

    def run(self, name: str, labels: dict[str, str] | None = None, **more: object) -> str:
        """Create and start, as `docker run` does."""
        container = self.add(name, labels, **more)
        self.begin(container)
        return container

    def add(self, name: str, labels: dict[str, str] | None = None, **more: object) -> str:
        self._born += 1
        container = f"{self._born:064x}"
        values: dict[str, object] = {
            "id": container,
            "name": name,
            "image": "image:1",
            "state": InstanceState.CREATED,
            "labels": labels or {},
            "created_at": self._now(),
            "network_mode": "bridge",
            "image_id": self.id_of(str(more.get("image", "image:1"))),
        }
        self.containers[container] = ContainerDetail(**(values | more))  # type: ignore[arg-type]
        return container

    def retag(self, name: str, image_id: str) -> None:
        """From now on `name` is another image; what it was stays, without a name."""
        self.untagged.add(self.id_of(name))
        self.ids[name] = image_id
        self.images.add(name)

    def id_of(self, name: str) -> str:
        return name.partition("@")[2] or self.ids.get(name, f"sha256:{name}")

    def begin(self, container: str) -> None:
        self._lent += 1  # as Docker does, the next address and never one that another running container has
        address = f"172.17.{self._lent >> 8 & 255}.{self._lent & 255}"
        lent = self.containers[container].network_mode.startswith("container:")
        networks = () if lent else (NetworkAddress(network="net-bridge", name="bridge", ipv4=address),)
        if not lent:
            self.emit("connect", container, kind="network", name="bridge")
        self.change(container, state=InstanceState.RUNNING, networks=networks, started_at=self._now())
        self.emit("start", container)

    def kill(self, container: str, signal: str = "15") -> None:
        self.emit("kill", container, signal=signal)

    def end(self, container: str) -> None:
        """The process ends: network released first, then `die`."""
        self.emit("disconnect", container, kind="network", name="bridge")
        self.change(container, state=InstanceState.STOPPED, networks=(), exit_code=0)
        self.emit("die", container, exitCode="0")

    def pause(self, container: str) -> None:
        self.change(container, state=InstanceState.PAUSED)
        self.emit("pause", container)

    def unpause(self, container: str) -> None:
        self.change(container, state=InstanceState.RUNNING)
        self.emit("unpause", container)

    def rename(self, container: str, name: str) -> None:
        self.change(container, name=name)
        self.emit("rename", container)

    def health(self, container: str, state: EngineHealth) -> None:
        self.change(container, engine_health=state, has_healthcheck=True)
        self.emit(f"health_status: {state.value}", container)

    def destroy(self, container: str) -> None:
        labels = self.containers.pop(container).labels
        self.emit("destroy", container, **labels)

    def change(self, container: str, **changes: object) -> None:
        """Change a container without a word."""
        self.containers[container] = replace(self.containers[container], **changes)

    def emit(self, action: str, container: str, kind: str = "container", **attributes: str) -> None:
        """Send an event, now (at a time of its own)."""
        detail = self.containers.get(container)
        told = dict(detail.labels) | {"name": detail.name} if detail and kind == "container" else {}
        self._last_ns = max(self._last_ns + 1000, int(self._now() * 1e9))
        self.deliver(
            EngineEvent(kind=kind, action=action, id=container, time_ns=self._last_ns, attributes=told | attributes)
        )

    def deliver(self, event: EngineEvent) -> None:
        """Hand an event to every stream, unless it is dropped or held."""
        if self._held is not None:
            self._held.append(event)
            return
        if self.drops(event):
            return
        self._history = [*self._history[1 - REPLAYED :], event]
        for stream in self._streams:
            stream.put_nowait(event)

    # ------------------------------------------------------------------------------------------------------- faults

    def hold(self) -> None:
        self._held = []

    def release(self, order: Callable[[list[EngineEvent]], list[EngineEvent]] = lambda events: events) -> None:
        held, self._held = self._held or [], None
        for event in order(held):
            self.deliver(event)

    def down(self) -> None:
        self.is_down = True
        self._history.clear()
        for stream in self._streams:
            stream.put_nowait(None)

    def up(self) -> None:
        self.is_down = False

    async def _call(self, what: str) -> None:
        self.calls[what] += 1
        if self.is_down:
            raise self._unreachable()
        await asyncio.sleep(self.latency)
        if self.is_down:
            raise self._unreachable()
        if what in self.broken:
            raise EngineError(Problem(code="T1113", text=f"{what} is refused"))

    def _known(self, container: str) -> ContainerDetail:
        if container not in self.containers:
            raise NoSuchThing(Problem(code="T1112", text=f"no such container: {container}"))
        return self.containers[container]

    def _unreachable(self) -> EngineUnreachable:
        return EngineUnreachable(Problem(code="T0000", text="the engine does not answer", place=self.name))

    def _now(self) -> float:
        # Strictly growing even where no time passes: two lives of a container never begin at the same moment.
        self._last_ns = max(self._last_ns + 1000, int((EPOCH + asyncio.get_running_loop().time()) * 1e9))
        return self._last_ns / 1e9


def summary(detail: ContainerDetail) -> ContainerSummary:
    """The list row of a container."""
    return ContainerSummary(
        id=detail.id,
        names=(detail.name,),
        state=detail.state,
        labels=detail.labels,
        addresses=tuple(sorted((network.network, network.ipv4, network.ipv6) for network in detail.networks)),
        engine_health=detail.engine_health,
        created_at=detail.created_at,
        published=tuple(sorted({f"{each.protocol}/{each.host_port}" for each in detail.published})),
    )
