"""Proxies that follow an engine by themselves: what each is started with.

Caddy stock has no Docker support; `caddy_push` plays the part of caddy-docker-proxy beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Protocol

from msgspec import json

from bench.macro import caddy_push
from bench.macro.program import Launch, free_port
from bench.macro.proxies import GO, PROXIES, quiet_traefik, serve


class Companion(Protocol):
    """What must run beside a proxy that cannot follow an engine itself, until it is cancelled."""

    async def run(self) -> None: ...


class Follower(ABC):
    """A proxy that follows the engine by itself."""

    name: str

    @abstractmethod
    def launch(self, engine: str, listen: str, folder: Path) -> Launch: ...

    def companion(self, engine: str, listen: str) -> Companion | None:  # noqa: ARG002  what those need that have one
        """For the proxy launched last."""
        return None


class Tidegate(Follower):
    name = "tidegate"

    def launch(self, engine: str, listen: str, folder: Path) -> Launch:
        program = PROXIES["tidegate"].find()
        return Launch(argv=serve(program, str(folder), http=listen, options=("--docker", f"unix://{engine}")))


class Traefik(Follower):
    """Defaults, except that `throttle` seconds may pass between two reconfigurations (its own default is 2)."""

    def __init__(self, name: str, throttle: str) -> None:
        self.name = name
        self._throttle = throttle

    def launch(self, engine: str, listen: str, folder: Path) -> Launch:
        program = PROXIES["traefik"].find()
        options = (
            f"--providers.docker.endpoint=unix://{engine}",
            f"--providers.providersThrottleDuration={self._throttle}",
        )
        return Launch(argv=(*quiet_traefik(program, listen, f"{folder}/access.log"), *options), env=GO)


class RetryingTraefik(Traefik):
    """Defaults and its `retry` middleware with three attempts on every route."""

    RETRY = '{"http": {"middlewares": {"retry": {"retry": {"attempts": 3}}}}}'

    def launch(self, engine: str, listen: str, folder: Path) -> Launch:
        path = folder / "retry.yml"
        path.write_text(self.RETRY)
        plain = super().launch(engine, listen, folder)
        more = (f"--providers.file.filename={path}", "--entrypoints.web.http.middlewares=retry@file")
        return Launch(argv=(*plain.argv, *more), env=plain.env)


class Caddy(Follower):
    """A stock Caddy with no site, waiting for its first configuration; `companion` sends them."""

    name = "caddy"

    def __init__(self) -> None:
        self._admin = ""

    def launch(self, engine: str, listen: str, folder: Path) -> Launch:  # noqa: ARG002  the companion follows the engine
        self._admin = f"127.0.0.1:{free_port()}"
        path = folder / "caddy.json"
        path.write_bytes(json.encode(caddy_push.configuration([], listen=listen, admin=self._admin)))
        homes = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        return Launch(argv=(PROXIES["caddy"].find(), "run", "--config", str(path)), env={**GO, **homes})

    def companion(self, engine: str, listen: str) -> Companion:
        return caddy_push.Push(engine, listen=listen, admin=self._admin)
