"""How a version is put in the place of another with each proxy: what its users do, with what it has for that.

`Tidegate` is told `deploy`. `Labels` is Traefik as its documentation has it: the new containers carry the labels of the old ones, then the old are
stopped. `Switch` are scripts as Kamal and others have them: start the new containers, wait until all are healthy, put the new addresses
in the place of the old ones in the proxy, leave the old containers 30 s for what they still do, stop them. What a script could not
know (that a version is ill though its health check is well) it does not look at.
"""

from __future__ import annotations

import asyncio
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
from msgspec import json

from bench.macro.crowd import Step
from bench.macro.followers import Traefik
from bench.macro.program import Launch, free_port
from bench.macro.proxies import GO, PROXIES, serve
from bench.macro.replica_image import NAME
from bench.macro.sample import Absent
from bench.macro.stage import HOST, Container, Stage, env

SERVICE = "shop/web"
READY_SECONDS = 30.0  # a script gives up after so long
BLIND_SECONDS = 10.0  # what docker-rollout waits where it cannot ask whether a container is healthy
DRAIN_SECONDS = 30.0
HOLD_SECONDS = 10.0  # of each share of a canary
DEPLOY_SECONDS = 480.0


class Way(ABC):
    """One way to release. `launch` is called first, with v1 serving on `stage`."""

    name: str

    @property
    def product(self) -> str:
        """Which of `proxies` it is."""
        return self.name.partition("-")[0]

    def labels(self) -> dict[str, str]:
        """Of every container."""
        return {}

    @abstractmethod
    def launch(self, stage: Stage, listen: str, folder: Path) -> Launch: ...

    @abstractmethod
    async def release(self, stage: Stage, bad: Mapping[str, str]) -> list[Step]:
        """v2 in the place of v1; `bad` makes it a bad one. What share it was to have from when on. Ends when v1 is gone, or v2."""


class Tidegate(Way):
    """One strategy of `tidegate deploy`, with the gates and times that it has by itself but where `options` say otherwise."""

    def __init__(self, strategy: str, *options: str) -> None:
        self.name = f"tidegate-{strategy}"
        self._options = options

    def labels(self) -> dict[str, str]:
        return {
            "aliyun.routing.port_80": f"http://{HOST}",
            "aliyun.routing.session_sticky": "true",
            "tidegate.service": SERVICE,
            "tidegate.version": "v1",
            "tidegate.probe.url": "http://container/healthz",
            "tidegate.probe.interval_seconds": "1",
        }

    def launch(self, stage: Stage, listen: str, folder: Path) -> Launch:
        self._program = PROXIES["tidegate"].find()
        argv = serve(self._program, str(folder), http=listen, options=("--docker", stage.engine.url))
        self._admin = argv[argv.index("--admin") + 1]
        return Launch(argv=argv)

    async def release(self, stage: Stage, bad: Mapping[str, str]) -> list[Step]:
        self.said = await self.deploy(bad)
        steps = await self.steps()
        await self.settled(stage)
        return steps

    async def deploy(self, bad: Mapping[str, str], *more: str) -> str:
        """What `tidegate deploy` said last when it ended."""
        environment = [word for pair in {**env("v2"), **bad}.items() for word in ("--env", "=".join(pair))]
        options = (
            "--pull",
            "never",
            "--yes",
            "--ready-within",
            f"{READY_SECONDS:g}s",
        )
        _, said = await self.say(
            "deploy", SERVICE, "--image", f"{NAME}:v2", "--version", "v2", *options, *self._options, *more, *environment
        )
        return next((line for line in said.splitlines() if line.startswith("error[")), said.splitlines()[-1])

    async def say(self, *arguments: str) -> tuple[int, str]:
        """Exit code and words of one call of the command."""
        process = await asyncio.create_subprocess_exec(
            *(self._program, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "TIDEGATE_ADMIN": self._admin, "CI": "true"},
        )
        async with asyncio.timeout(DEPLOY_SECONDS):
            out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode() or "it said nothing"

    async def told(self) -> dict[str, object]:
        """The release as the admin API tells it; empty while there is none."""
        async with aiohttp.ClientSession() as http, http.get(f"http://{self._admin}/v1/releases/{SERVICE}") as answer:
            return (await answer.json())["current"] if answer.status == 200 else {}  # type: ignore[no-any-return]

    async def steps(self) -> list[Step]:
        """Its shares. A moment in its history is when it was stored."""
        offset = time.time() - time.monotonic()
        history = (await self.told())["release"]["history"]  # type: ignore[index]
        found = ((each["when"] - offset, share_in(each["what"])) for each in history)
        return [Step(when, share) for when, share in found if share is not None]

    async def settled(self, stage: Stage) -> None:
        """Only one version is left."""
        deadline = time.monotonic() + DEPLOY_SECONDS
        while await stage.running("v1") and await stage.running("v2"):
            if time.monotonic() > deadline:
                raise Absent(f"both versions still run after {DEPLOY_SECONDS:g} s: {self.said}")
            await asyncio.sleep(0.5)


def share_in(what: str) -> float | None:
    """The share that a line of a release's history sets."""
    return float(what.split()[1]) if what.startswith("share ") else None


class Labels(Way):
    """Traefik with its Docker provider."""

    LABELS = {
        "traefik.enable": "true",
        "traefik.http.routers.web.rule": f"Host(`{HOST}`)",
        "traefik.http.services.web.loadbalancer.server.port": "80",
        "traefik.http.services.web.loadbalancer.sticky.cookie": "true",
    }
    name = "traefik"

    def labels(self) -> dict[str, str]:
        return self.LABELS

    def launch(self, stage: Stage, listen: str, folder: Path) -> Launch:
        return Traefik(self.name, "2s").launch(str(stage.engine.socket), listen, folder)

    async def release(self, stage: Stage, bad: Mapping[str, str]) -> list[Step]:
        new = await stage.start("v2", self.labels(), bad)
        if not await self.is_well(stage, new):
            await stage.engine.docker("rm", "-f", *(each.name for each in new))
            return []
        await stage.stop(stage.old)
        return []

    async def is_well(self, stage: Stage, new: Sequence[Container]) -> bool:  # noqa: ARG002  what those need that ask
        """Nobody is asked."""
        await asyncio.sleep(BLIND_SECONDS)
        return True


class CheckedLabels(Labels):
    """With a health check by label, three attempts for each request, and a script that waits until the new ones are healthy."""

    LABELS = Labels.LABELS | {
        "traefik.http.services.web.loadbalancer.healthcheck.path": "/healthz",
        "traefik.http.services.web.loadbalancer.healthcheck.interval": "1s",
        "traefik.http.services.web.loadbalancer.healthcheck.timeout": "1s",
        "traefik.http.middlewares.again.retry.attempts": "3",
        "traefik.http.routers.web.middlewares": "again",
    }
    name = "traefik-checked"

    async def is_well(self, stage: Stage, new: Sequence[Container]) -> bool:
        """All of them, and Traefik has had the time to see it."""
        found = await stage.ready(new, READY_SECONDS)
        await asyncio.sleep(3.0)  # its throttle of 2 s and one interval of the check
        return found


class Switch(Way):
    """A script that changes the proxy's targets. What it switches from and to, and how, is the proxy's."""

    async def release(self, stage: Stage, bad: Mapping[str, str]) -> list[Step]:
        new = await stage.start("v2", self.labels(), bad)
        if not await stage.ready(new, READY_SECONDS):
            await stage.engine.docker("rm", "-f", *(each.name for each in new))
            return []
        steps = await self.switch(stage.old, new)
        await asyncio.sleep(DRAIN_SECONDS)
        await stage.stop(stage.old)
        return steps

    @abstractmethod
    async def switch(self, old: Sequence[Container], new: Sequence[Container]) -> list[Step]: ...


class Caddy(Switch):
    """Kamal's order of things on a stock Caddy: all targets in one request to its admin API. Streams outlive the change by 30 s."""

    name = "caddy-switch"

    def launch(self, stage: Stage, listen: str, folder: Path) -> Launch:
        self._admin = f"127.0.0.1:{free_port()}"
        proxy = {
            "handler": "reverse_proxy",
            "upstreams": _dials(stage.old),
            "load_balancing": {"selection_policy": {"policy": "cookie", "name": "lb"}},
            "stream_close_delay": f"{DRAIN_SECONDS:g}s",
        }
        server = {"listen": [listen], "automatic_https": {"disable": True}, "routes": [{"handle": [proxy]}]}
        config = {"admin": {"listen": self._admin}, "apps": {"http": {"servers": {"entry": server}}}}
        path = folder / "caddy.json"
        path.write_bytes(json.encode(config))
        homes = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        return Launch(argv=(PROXIES["caddy"].find(), "run", "--config", str(path)), env={**GO, **homes})

    async def switch(self, old: Sequence[Container], new: Sequence[Container]) -> list[Step]:  # noqa: ARG002  all at once
        path = "config/apps/http/servers/entry/routes/0/handle/0/upstreams"
        headers = {"Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession() as http,
            http.patch(f"http://{self._admin}/{path}", data=json.encode(_dials(new)), headers=headers) as answer,
        ):
            answer.raise_for_status()
        return [Step(time.monotonic(), 100.0)]


class Nginx(Switch):
    """A file of upstreams, and `nginx -s reload`. It has no sticky cookie: a hash of one that the client brings stands in."""

    CONFIG = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 8000; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; access_log off;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  map $cookie_visitor $key {{ default $cookie_visitor; '' $request_id; }}
  upstream web {{ hash $key consistent; include {folder}/upstream.conf; keepalive 64; }}
  server {{
    listen {listen};
    location / {{
      proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    }}
  }}
}}
"""
    name = "nginx-reload"

    def launch(self, stage: Stage, listen: str, folder: Path) -> Launch:
        self._folder = folder
        self._write(stage.old)
        config = folder / "nginx.conf"
        config.write_text(self.CONFIG.format(folder=folder, listen=listen))
        self._argv = (PROXIES["nginx"].find(), "-c", str(config), "-e", f"{folder}/error.log")
        return Launch(argv=self._argv)

    async def switch(self, old: Sequence[Container], new: Sequence[Container]) -> list[Step]:  # noqa: ARG002  all at once
        self._write(new)
        process = await asyncio.create_subprocess_exec(*self._argv, "-s", "reload")
        if await process.wait():
            raise Absent("nginx -s reload failed")
        return [Step(time.monotonic(), 100.0)]

    def _write(self, containers: Sequence[Container]) -> None:
        text = "".join(f"server {each.ip}:80;\n" for each in containers)
        (self._folder / "upstream.conf").write_text(text)


class Haproxy(Switch):
    """Server slots that the runtime API fills and empties, without a reload. The new ones get their share by `shares`, with weights."""

    CONFIG = """\
global
  nbthread 1
  maxconn 8000
  stats socket {folder}/admin.sock mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 60s
  timeout tunnel 1h
frontend entry
  bind {listen}
  default_backend web
backend web
  balance roundrobin
  option redispatch
  option httpchk GET /healthz
  dynamic-cookie-key bench
  cookie SRV insert indirect nocache dynamic
{servers}"""

    def __init__(self, name: str, shares: tuple[int, ...]) -> None:
        self.name = name
        self._shares = shares

    def launch(self, stage: Stage, listen: str, folder: Path) -> Launch:
        self._socket = str(folder / "admin.sock")
        olds = [f"  server old{n} {each.ip}:80 check inter 1s weight 100" for n, each in enumerate(stage.old)]
        news = [f"  server new{n} 0.0.0.0:80 check inter 1s weight 1 disabled" for n in range(stage.replicas)]
        config = folder / "haproxy.cfg"
        config.write_text(self.CONFIG.format(folder=folder, listen=listen, servers="\n".join((*olds, *news, ""))))
        return Launch(argv=(PROXIES["haproxy"].find(), "-db", "-f", str(config)))

    async def switch(self, old: Sequence[Container], new: Sequence[Container]) -> list[Step]:
        steps = []
        for number, each in enumerate(new):
            await self._tell(f"set server web/new{number} addr {each.ip} port 80")
        for share in self._shares:
            for number in range(len(new)):
                await self._tell(f"set server web/new{number} weight {share}")
                await self._tell(f"set server web/old{number} weight {100 - share}")
                await self._tell(f"set server web/new{number} state ready")
            steps.append(Step(time.monotonic(), float(share)))
            await asyncio.sleep(HOLD_SECONDS)
        for number in range(len(new)):
            await self._tell(f"set server web/new{number} weight 100")
            await self._tell(f"set server web/new{number} state ready")
        for number in range(len(old)):
            await self._tell(f"set server web/old{number} state maint")
        return [*steps, Step(time.monotonic(), 100.0)]

    async def _tell(self, command: str) -> None:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        writer.write(command.encode() + b"\n")
        answer = (await reader.read()).decode().strip()
        writer.close()
        if answer and "changed" not in answer:
            raise Absent(f"HAProxy says {answer} to {command}")


def _dials(containers: Sequence[Container]) -> list[dict[str, str]]:
    return [{"dial": f"{each.ip}:80"} for each in containers]


_HOLD = f"{HOLD_SECONDS:g}s"
WAYS: tuple[Way, ...] = (
    Tidegate("rolling", "--rolling"),
    Tidegate("blue-green", "--blue-green", "--no-confirm", "--retain", "5s"),
    Tidegate("canary", "--canary", "5,25,50", "--hold", _HOLD, "--retain", "5s"),
    Labels(),
    CheckedLabels(),
    Caddy(),
    Nginx(),
    Haproxy("haproxy-runtime", ()),
    Haproxy("haproxy-weights", (5, 25, 50)),
)
