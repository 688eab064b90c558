"""The Docker Engine as an `Engine`: one method per thing asked, each a request or two over `DockerHttp`.

What is read is mapped in `docker_wire`, what is sent is made in `docker_send`, streams are cut in `docker_streams`,
errors are worded in `docker_faults`. Nothing is kept between calls: who wants a model of the engine builds it above.
"""

from __future__ import annotations

import asyncio
import builtins
import math
from collections.abc import AsyncIterator, Iterable
from urllib.parse import quote

from tidegate.engine import docker_create as making
from tidegate.engine import docker_faults as faults
from tidegate.engine import docker_send as send
from tidegate.engine import docker_wire as wire
from tidegate.engine.docker_duplicates import DockerDuplicates
from tidegate.engine.docker_http import DockerHttp, TlsFiles
from tidegate.engine.docker_images import DockerImages
from tidegate.engine.docker_raw import (
    RawDetail,
    RawError,
    RawEvent,
    RawExec,
    RawId,
    RawInfo,
    RawNetwork,
    RawStats,
    RawSummary,
    RawVolume,
    RawVolumes,
    decode,
)
from tidegate.engine.docker_streams import Demultiplexer, JsonSplitter, Lines
from tidegate.engine.logins import Logins
from tidegate.engine.port import (
    ContainerDetail,
    ContainerSpec,
    ContainerSummary,
    Duplicate,
    EngineEvent,
    EngineInfo,
    ExecResult,
    HeldImage,
    Image,
    LogLine,
    Network,
    PullStep,
    Stats,
    Volume,
)
from tidegate.engine.spec import Attachment, NetworkSpec, VolumeSpec
from tidegate.errors import EngineError, Problem, TidegateError

EXEC_OUTPUT_BYTES = 64 << 10
IMPORT_SECONDS = 120.0
REMOVE_SECONDS = 30.0
START_SECONDS = 30.0
STOP_MARGIN_SECONDS = 10.0  # beyond the container's own time to stop


class DockerEngine:
    """Implements `port.Engine` over `unix://`, `tcp://` and, with `tls`, TLS. `api_version` pins what is spoken
    (DOCKER_API_VERSION); else the newest version that both sides know is used. `logins` are for registries of images.
    """

    def __init__(
        self, url: str, tls: TlsFiles | None = None, api_version: str | None = None, logins: Logins | None = None
    ) -> None:
        self._url = url
        self._http = DockerHttp(url, tls, api_version)
        self._images = DockerImages(self._http, logins)
        self._duplicates = DockerDuplicates(self._http, self._images)

    @property
    def name(self) -> str:
        return self._url

    async def close(self) -> None:
        await self._http.close()

    # --------------------------------------------------------------------------------------------------------- looking

    async def info(self) -> EngineInfo:
        raw = await self._http.read(RawInfo, "/info", "info")
        return wire.info(await self._http.version(), raw, await self._http.api())

    async def ping(self) -> None:
        await self._http.ping()

    async def list(self) -> tuple[ContainerSummary, ...]:
        # Never `size`: it walks every container's file system and locks everybody out meanwhile.
        rows = await self._http.read(builtins.list[RawSummary], "/containers/json", "list", {"all": "1"})
        return tuple(wire.summary(row) for row in rows)

    async def inspect(self, container: str) -> ContainerDetail:
        return wire.detail(await self._inspect(container))

    async def networks(self) -> tuple[Network, ...]:
        rows = await self._http.read(builtins.list[RawNetwork], "/networks", "networks")
        return tuple(wire.network(row) for row in rows)

    async def stats(self, container: str) -> Stats:
        """One reading. `at` 0 means that the engine has none: the container does not run, or its cgroup is not readable."""
        params = {"stream": "false", "one-shot": "true"}  # older engines ignore one-shot and take a second or two
        return wire.stats(await self._http.read(RawStats, _container(container, "/stats"), "stats", params))

    async def events(self, since_ns: int) -> AsyncIterator[EngineEvent]:
        """See the port. The stream has no heartbeat: who needs to know that the engine is alive pings beside it."""
        params = {"since": send.since(since_ns), "filters": send.event_filters()}
        splitter = JsonSplitter()
        async with self._http.stream("GET", "/events", "events", params=params) as content:
            yield EngineEvent(kind="daemon", action="stream-open", id="", time_ns=since_ns)
            async for chunk in content.iter_any():
                for event in self._events(splitter, chunk):
                    yield event
        raise faults.stream_ended(self._url, "the engine closed it")

    def _events(self, splitter: JsonSplitter, chunk: bytes) -> builtins.list[EngineEvent]:
        try:
            return [wire.event(decode(RawEvent, value)) for value in splitter.feed(chunk)]
        except ValueError as error:
            raise faults.stream_ended(self._url, f"a value in it was not understood: {error}") from error

    async def logs(
        self, container: str, tail: int = 100, follow: bool = False, since: float = 0.0
    ) -> AsyncIterator[LogLine]:
        """Lines of both outputs in the order the engine kept them; with a terminal all of them are `stdout`."""
        tty = (await self._inspect(container)).config.tty
        params = {"stdout": "1", "stderr": "1", "timestamps": "1", "tail": str(tail), "follow": str(int(follow))}
        if since:
            params["since"] = f"{since:.6f}"
        splitter = _LogSplitter(multiplexed=not tty)
        async with self._http.stream("GET", _container(container, "/logs"), "logs", params=params) as content:
            async for chunk in content.iter_any():
                for line in self._pieces(splitter, chunk):
                    yield line
        for line in splitter.finish():
            yield line

    def _pieces(self, splitter: _LogSplitter, chunk: bytes) -> builtins.list[LogLine]:
        try:
            return splitter.feed(chunk)
        except ValueError as error:
            raise faults.not_understood(self._url, "logs", error) from error

    # -------------------------------------------------------------------------------------------------------- changing

    async def create(self, spec: ContainerSpec) -> str:
        body = await self._http.call(
            "POST",
            "/containers/create",
            f"create {spec.name}",
            params={"name": spec.name} | ({"platform": spec.platform} if spec.platform else {}),
            json=making.container_body(spec),
            seconds=START_SECONDS,
        )
        container = self._http.parse(RawId, body, "create").id
        try:
            for network, how in builtins.list(spec.networks.items())[1:] if not spec.network_mode else ():
                await self._connect(container, network, how)
        except TidegateError:
            await self.remove(container, force=True)
            raise
        return container

    async def duplicate(self, container: str, change: Duplicate) -> str:
        return await self._duplicates.duplicate(container, change)

    async def rehearse(self, container: str, change: Duplicate) -> tuple[Problem, ...]:
        return await self._duplicates.rehearse(container, change)

    async def image(self, name: str) -> Image:
        return await self._images.find(name)

    async def latest(self, name: str) -> str:
        return await self._images.latest(name)

    async def held_images(self) -> tuple[HeldImage, ...]:
        return await self._images.held()

    def pull(self, name: str) -> AsyncIterator[PullStep]:
        return self._images.pull(name)

    async def start(self, container: str) -> None:
        await self._post(_container(container, "/start"), f"start {container}", seconds=START_SECONDS)

    async def stop(self, container: str, timeout_seconds: float | None = None) -> None:
        """Returns when it is stopped. Without a time of ours the container's own holds."""
        params: dict[str, str] = {}
        if timeout_seconds is None:
            wait = (await self.inspect(container)).stop_timeout_seconds
        else:
            wait = timeout_seconds
            params["t"] = str(math.ceil(wait))
        await self._http.call(
            "POST",
            _container(container, "/stop"),
            f"stop {container}",
            params=params,
            seconds=wait + STOP_MARGIN_SECONDS,
        )

    async def keep_stopped(self, container: str) -> None:
        """`always` starts a stopped container again when the engine starts; `unless-stopped` is the same without that."""
        if (await self._inspect(container)).host_config.restart_policy.name == "always":
            body = {"RestartPolicy": {"Name": "unless-stopped"}}
            await self._http.call("POST", _container(container, "/update"), f"update {container}", json=body)

    async def remove(self, container: str, force: bool = False) -> None:
        """Anonymous volumes go with it."""
        params = {"v": "1", "force": str(int(force))}
        what = f"remove {container}"
        await self._http.call("DELETE", _container(container), what, params=params, seconds=REMOVE_SECONDS)

    async def create_network(self, spec: NetworkSpec) -> str:
        what = f"create network {spec.name}"
        body = making.network_body(spec)
        created = await self._http.call("POST", "/networks/create", what, json=body, seconds=START_SECONDS)
        return self._http.parse(RawId, created, what).id

    async def remove_network(self, network: str) -> None:
        path = f"/networks/{quote(network, safe='')}"
        await self._http.call("DELETE", path, f"remove network {network}", seconds=REMOVE_SECONDS)

    async def volumes(self) -> tuple[Volume, ...]:
        rows = await self._http.read(RawVolumes, "/volumes", "volumes")
        return tuple(wire.volume(row) for row in rows.volumes or ())

    async def create_volume(self, spec: VolumeSpec) -> str:
        what = f"create volume {spec.name}"
        body = making.volume_body(spec)
        created = await self._http.call("POST", "/volumes/create", what, json=body, seconds=START_SECONDS)
        return self._http.parse(RawVolume, created, what).name

    async def remove_volume(self, name: str) -> None:
        path = f"/volumes/{quote(name, safe='')}"
        await self._http.call("DELETE", path, f"remove volume {name}", seconds=REMOVE_SECONDS)

    async def exec(self, container: str, command: tuple[str, ...], timeout_seconds: float) -> ExecResult:
        """Run `command` inside. After `timeout_seconds` EngineError is raised, but the command runs on: the Engine API
        has no call to end it.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._exec(container, command)
        except TimeoutError as error:
            raise EngineError(_exec_late(container, command, timeout_seconds)) from error

    async def _exec(self, container: str, command: tuple[str, ...]) -> ExecResult:
        what = f"exec in {container}"
        body = {"AttachStdout": True, "AttachStderr": True, "Tty": False, "Cmd": builtins.list(command)}
        created = await self._http.call("POST", _container(container, "/exec"), what, json=body)
        identity = self._http.parse(RawId, created, what).id
        output = bytearray()
        demultiplexer = Demultiplexer()
        start = {"Detach": False, "Tty": False}
        async with self._http.stream("POST", f"/exec/{identity}/start", what, json=start) as content:
            async for chunk in content.iter_any():
                for _, piece in demultiplexer.feed(chunk):
                    output += piece[: EXEC_OUTPUT_BYTES - len(output)]
        return ExecResult(exit_code=await self._exit_code(identity, what), output=output.decode("utf-8", "replace"))

    async def _exit_code(self, identity: str, what: str) -> int:
        """The output may end a moment before the engine has noted the exit; the caller's deadline bounds the wait."""
        while True:
            state = await self._http.read(RawExec, f"/exec/{identity}/json", what)
            if not state.running and state.exit_code is not None:
                return state.exit_code
            await asyncio.sleep(0.01)

    # ---------------------------------------------------------------------------- beyond the port: images

    async def has_image(self, tag: str) -> bool:
        """True if the engine holds an image called `tag`."""
        rows = await self._http.read(
            builtins.list[RawId], "/images/json", "images", {"filters": send.filters({"reference": (tag,)})}
        )
        return bool(rows)

    async def import_image(self, tag: str, tar_bytes: bytes) -> None:
        """Make an image `tag` whose one layer is the root file system in `tar_bytes`."""
        repository, _, version = tag.partition(":")
        what = f"import of image {tag}"
        params = {"fromSrc": "-", "repo": repository, "tag": version or "latest"}
        body = await self._http.call(
            "POST", "/images/create", what, params=params, data=tar_bytes, seconds=IMPORT_SECONDS
        )
        # Progress is streamed with status 200 even when it fails: the error is one of the values.
        for value in JsonSplitter().feed(body):
            if self._http.parse(RawError, value, what).error:
                raise faults.refused(self._url, 500, value, what)

    async def remove_image(self, tag: str) -> None:
        """Forget the image; containers made from it keep running."""
        await self._http.call(
            "DELETE", f"/images/{quote(tag, safe='/:')}", f"remove image {tag}", seconds=REMOVE_SECONDS
        )

    # --------------------------------------------------------------------------------------------------------- private

    async def _inspect(self, container: str) -> RawDetail:
        return await self._http.read(RawDetail, _container(container, "/json"), f"inspect {container}")

    async def _connect(self, container: str, network: str, how: Attachment) -> None:
        body = {"Container": container, "EndpointConfig": making.endpoint_body(how)}
        what = f"connect {container} to {network}"
        await self._http.call("POST", f"/networks/{quote(network, safe='')}/connect", what, json=body)

    async def _post(self, path: str, what: str, seconds: float) -> None:
        await self._http.call("POST", path, what, seconds=seconds)


class _LogSplitter:
    """Bytes of a log stream to lines, one line splitter for each output."""

    def __init__(self, multiplexed: bool) -> None:
        self._frames = Demultiplexer() if multiplexed else None
        self._lines = {"stdout": Lines(), "stderr": Lines()}

    def feed(self, chunk: bytes) -> list[LogLine]:
        pieces: Iterable[tuple[str, bytes]] = self._frames.feed(chunk) if self._frames else (("stdout", chunk),)
        return [wire.log_line(text, stream) for stream, piece in pieces for text in self._lines[stream].feed(piece)]

    def finish(self) -> list[LogLine]:
        return [wire.log_line(text, stream) for stream, lines in self._lines.items() for text in lines.finish()]


def _container(container: str, rest: str = "") -> str:
    return f"/containers/{quote(container, safe='')}{rest}"


def _exec_late(container: str, command: tuple[str, ...], seconds: float) -> Problem:
    return Problem(
        code="T1114",
        text=f"the command {' '.join(command)!r} in {container} did not end within {seconds:g} s",
        place=container,
        mend="give it more time, or make it end by itself: the engine cannot stop a command it has started",
        kept="the command still runs in the container",
    )
