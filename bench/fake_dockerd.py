"""A Docker Engine at the HTTP level, scripted: enough of the API (1.41) for discovery by Tidegate and by Traefik.

`python -m bench.fake_dockerd --socket PATH` listens on a Unix socket, also under `/v1.NN/`. Containers live only in its table:

    GET  /_ping /version /info /events /containers/json /containers/{id}/json /networks /networks/{id}
    POST /_bench/containers   [{"name", "host", "ip", "port", "project", "service", "path", "networks"}], ?quiet=1 for no events
    POST /_bench/kill/{id} /_bench/die/{id}
    GET  /_bench/counters     calls by kind since the last reset;  POST /_bench/reset

A `/_bench/` call that emits an event answers `{"at": seconds, "ids": [...]}`: the monotonic clock, read just before the first event was
written, comparable with that of other processes of this machine (clock_gettime(2), CLOCK_MONOTONIC). Must not happen here: running anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from typing import Any

import click
import uvloop
from aiohttp import web
from msgspec import Struct, json

API_VERSION = "1.41"
NETWORK_ID = hashlib.sha256(b"bench network").hexdigest()
EPOCH = 1_700_000_000
QUEUE_LIMIT = 100_000  # a client that falls further behind is cut off, as the real engine does
VERSION = {
    "Version": "20.10.24", "ApiVersion": API_VERSION, "MinAPIVersion": "1.12", "Os": "linux", "Arch": "amd64",
    "GitCommit": "bench", "GoVersion": "go1.19.8", "KernelVersion": "6.1", "BuildTime": "2023-04-01T00:00:00Z",
}  # fmt: skip


class Container(Struct, frozen=True, kw_only=True):
    """What a test asks for; everything else of the two big JSON documents follows from it."""

    name: str
    host: str
    ip: str
    port: int
    project: str = ""
    service: str = ""
    path: str = ""  # of the route, such as `/v2`; empty is the whole host
    networks: dict[str, str] = {}  # network name -> address; empty is `bridge` with `ip`

    @property
    def id(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()


class Engine:
    """The table of containers, the open event streams, the calls counted."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._containers: dict[str, Container] = {}
        self._stopped: set[str] = set()
        self._rows: dict[str, bytes] = {}  # id -> its row in the list, encoded once
        self._streams: set[asyncio.Queue[bytes]] = set()

    def add(self, containers: list[Container], *, quiet: bool) -> float:
        """They run from now on; a `start` event for each unless `quiet`."""
        for container in containers:
            self._containers[container.id] = container
            self._stopped.discard(container.id)
            self._rows[container.id] = json.encode(list_row(container, running=True))
        at = time.monotonic()
        if not quiet:
            for container in containers:
                self._emit(container, "start", {})
        return at

    def kill(self, key: str) -> float:
        """Docker's `kill` event with SIGTERM: told to stop, still running."""
        at = time.monotonic()
        self._emit(self._containers[key], "kill", {"signal": "15"})
        return at

    def die(self, key: str) -> float:
        container = self._containers[key]
        self._stopped.add(key)
        self._rows[key] = json.encode(list_row(container, running=False))
        at = time.monotonic()
        self._emit(container, "die", {"exitCode": "0"})
        self._emit(container, "stop", {})
        return at

    def listing(self, *, everything: bool) -> bytes:
        rows = self._rows if everything else {k: row for k, row in self._rows.items() if k not in self._stopped}
        return b"[" + b",".join(rows.values()) + b"]"

    def document(self, key: str) -> bytes | None:
        """The inspect answer for an id, a prefix of one, or a name."""
        container = self._containers.get(key) or self._by_prefix(key)
        return (
            json.encode(inspect_document(container, running=container.id not in self._stopped)) if container else None
        )

    def networks(self) -> list[str]:
        """Names of all that a container is on, and of the one that is always there."""
        return list(dict.fromkeys(["bridge", *(name for c in self._containers.values() for name in c.networks)]))

    def subscribe(self) -> asyncio.Queue[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_LIMIT)
        self._streams.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[bytes]) -> None:
        self._streams.discard(queue)

    def _by_prefix(self, key: str) -> Container | None:
        return next((c for k, c in self._containers.items() if k.startswith(key) or c.name == key.lstrip("/")), None)

    def _emit(self, container: Container, action: str, extra: dict[str, str]) -> None:
        now = time.time_ns()
        attributes = {"image": "bench", "name": container.name, **labels(container), **extra}
        event = {
            "status": action, "id": container.id, "from": "bench", "Type": "container", "Action": action,
            "Actor": {"ID": container.id, "Attributes": attributes},
            "scope": "local", "time": now // 1_000_000_000, "timeNano": now,
        }  # fmt: skip
        line = json.encode(event) + b"\n"
        for queue in self._streams:
            queue.put_nowait(line)


def labels(container: Container) -> dict[str, str]:
    """The same route in three languages: ours, Traefik's and caddy-docker-proxy's."""
    unique = container.name.replace(".", "-")
    service = container.service or unique
    rule = f"Host(`{container.host}`)" + (f" && PathPrefix(`{container.path}`)" if container.path else "")
    found = {
        f"aliyun.routing.port_{container.port}": f"http://{container.host}{container.path}",
        "aliyun.routing.session_sticky": "false",
        "traefik.enable": "true",
        f"traefik.http.routers.{service}.rule": rule,
        f"traefik.http.services.{service}.loadbalancer.server.port": str(container.port),
        "caddy": f"http://{container.host}",
        "caddy.reverse_proxy": f"{container.path + '/* ' if container.path else ''}{{{{upstreams {container.port}}}}}",
    }
    if container.service:
        found["com.docker.compose.service"] = container.service
        found["com.docker.compose.project"] = container.project or "bench"
    return found


def network_id(name: str) -> str:
    return NETWORK_ID if name == "bridge" else hashlib.sha256(f"bench network {name}".encode()).hexdigest()


def networks(container: Container) -> dict[str, Any]:
    return {
        name: {
            "IPAMConfig": None, "Links": None, "Aliases": None, "NetworkID": network_id(name), "EndpointID": container.id,
            "Gateway": "127.0.0.1", "IPAddress": ip, "IPPrefixLen": 8, "IPv6Gateway": "",
            "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "MacAddress": "", "DriverOpts": None,
        }
        for name, ip in (container.networks or {"bridge": container.ip}).items()
    }  # fmt: skip


def list_row(container: Container, *, running: bool) -> dict[str, Any]:
    return {
        "Id": container.id, "Names": [f"/{container.name}"], "Image": "bench", "ImageID": f"sha256:{NETWORK_ID}",
        "Command": "serve", "Created": EPOCH, "Ports": [{"PrivatePort": container.port, "Type": "tcp"}],
        "Labels": labels(container), "State": "running" if running else "exited",
        "Status": "Up 1 second" if running else "Exited (0)", "HostConfig": {"NetworkMode": "default"},
        "NetworkSettings": {"Networks": networks(container)}, "Mounts": [],
    }  # fmt: skip


def inspect_document(container: Container, *, running: bool) -> dict[str, Any]:
    port = f"{container.port}/tcp"
    state = {
        "Status": "running" if running else "exited", "Running": running, "Paused": False, "Restarting": False,
        "OOMKilled": False, "Dead": False, "Pid": 4242 if running else 0, "ExitCode": 0, "Error": "",
        "StartedAt": "2023-11-14T22:13:20.0Z", "FinishedAt": "0001-01-01T00:00:00Z",
    }  # fmt: skip
    config: dict[str, Any] = {
        "Hostname": container.id[:12], "Domainname": "", "User": "", "Env": ["PATH=/bin"], "Cmd": ["serve"], "Image": "bench",
        "ExposedPorts": {port: {}}, "Labels": labels(container), "Entrypoint": None, "Volumes": None, "WorkingDir": "",
    }  # fmt: skip
    return {
        "Id": container.id, "Created": "2023-11-14T22:13:20.0Z", "Path": "serve", "Args": [], "State": state,
        "Image": f"sha256:{NETWORK_ID}", "Name": f"/{container.name}", "RestartCount": 0, "Driver": "overlay2",
        "Platform": "linux", "Mounts": [], "Config": config,
        "HostConfig": {"NetworkMode": "default", "PortBindings": {}, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}},
        "NetworkSettings": {"Ports": {port: None}, "Networks": networks(container), "IPAddress": container.ip},
    }  # fmt: skip


def network_document(name: str) -> dict[str, Any]:
    return {
        "Name": name, "Id": network_id(name), "Created": "2023-11-14T22:13:20.0Z", "Scope": "local", "Driver": "bridge",
        "EnableIPv6": False, "IPAM": {"Driver": "default", "Config": [{"Subnet": "127.0.0.0/8", "Gateway": "127.0.0.1"}]},
        "Internal": False, "Attachable": False, "Ingress": False, "Containers": {}, "Options": {}, "Labels": {},
    }  # fmt: skip


def application(engine: Engine) -> web.Application:
    """All paths, with and without a version prefix."""
    app = web.Application(client_max_size=64 << 20)
    handlers = Handlers(engine)
    plain = {
        "/_ping": handlers.ping, "/version": handlers.version, "/info": handlers.info, "/events": handlers.events,
        "/containers/json": handlers.containers, "/containers/{id}/json": handlers.inspect,
        "/networks": handlers.networks, "/networks/{id}": handlers.network,
    }  # fmt: skip
    for path, handler in plain.items():
        app.router.add_get(path, handler)
        app.router.add_get("/v{api}" + path, handler)
    app.router.add_post("/_bench/containers", handlers.add)
    app.router.add_post("/_bench/{verb:kill|die}/{id}", handlers.signal)
    app.router.add_post("/_bench/reset", handlers.reset)
    app.router.add_get("/_bench/counters", handlers.counters)
    return app


class Handlers:
    """The API over one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def ping(self, _: web.Request) -> web.Response:
        return web.Response(text="OK", headers={"Api-Version": API_VERSION, "Ostype": "linux"})

    async def version(self, _: web.Request) -> web.Response:
        return _json(VERSION)

    async def info(self, _: web.Request) -> web.Response:
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{time.time_ns() % 10**9:09}Z"
        known = {
            "ID": "BENCH",
            "Name": "bench",
            "ServerVersion": VERSION["Version"],
            "SystemTime": now,
            "OSType": "linux",
        }
        return _json({**known, "Swarm": {"LocalNodeState": "inactive"}, "NCPU": 2, "MemTotal": 1 << 33})

    async def containers(self, request: web.Request) -> web.Response:
        self._engine.calls["list"] += 1
        everything = request.query.get("all", "0") in ("1", "true", "True")
        return web.Response(body=self._engine.listing(everything=everything), content_type="application/json")

    async def inspect(self, request: web.Request) -> web.Response:
        self._engine.calls["inspect"] += 1
        document = self._engine.document(request.match_info["id"])
        if document is None:
            return _json({"message": f"No such container: {request.match_info['id']}"}, status=404)
        return web.Response(body=document, content_type="application/json")

    async def networks(self, _: web.Request) -> web.Response:
        return _json([network_document(name) for name in self._engine.networks()])

    async def network(self, request: web.Request) -> web.Response:
        found = [name for name in self._engine.networks() if request.match_info["id"] in (name, network_id(name))]
        return _json(network_document(found[0])) if found else _json({"message": "No such network"}, status=404)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """What happens from now on, a line each; `since` and `filters` are not honoured (everything is a container event)."""
        self._engine.calls["events"] += 1
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        queue = self._engine.subscribe()
        try:
            await response.prepare(request)
            while True:
                await response.write(await queue.get())
        except ConnectionResetError:
            return response
        finally:
            self._engine.unsubscribe(queue)

    async def add(self, request: web.Request) -> web.Response:
        containers = json.decode(await request.read(), type=list[Container])
        at = self._engine.add(containers, quiet="quiet" in request.query)
        return _json({"at": at, "ids": [container.id for container in containers]})

    async def signal(self, request: web.Request) -> web.Response:
        act = self._engine.kill if request.match_info["verb"] == "kill" else self._engine.die
        return _json({"at": act(request.match_info["id"]), "ids": [request.match_info["id"]]})

    async def reset(self, _: web.Request) -> web.Response:
        self._engine.calls.clear()
        return _json({})

    async def counters(self, _: web.Request) -> web.Response:
        return _json(dict(self._engine.calls))


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=json.encode(value), content_type="application/json", status=status)


async def _serve(path: str) -> None:
    runner = web.AppRunner(application(Engine()), access_log=None, shutdown_timeout=0.5, handle_signals=True)
    await runner.setup()
    await web.UnixSite(runner, path).start()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


@click.command()
@click.option("--socket", "path", required=True, help="Unix socket to listen on.")
def main(path: str) -> None:
    """Play a Docker Engine on a Unix socket until a signal ends it."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(path))
    except web.GracefulExit:
        return


if __name__ == "__main__":
    main()
