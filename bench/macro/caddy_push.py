"""caddy-docker-proxy's part, played for a stock Caddy: engine events in, a new configuration through the admin API out.

It follows what that project does (loader.go, generator/containers.go): 100 ms after a `create`, `start`, `stop`, `die` or `destroy` it
lists the running containers, makes one configuration of all their labels and sends it to `/load`; `kill` and health are not looked
at. Labels of several containers for one site are merged; of a container's networks only those count that Caddy shares.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from msgspec import json

EVENTS = frozenset({"create", "start", "stop", "die", "destroy"})
THROTTLE_SECONDS = 0.1
SHARED = frozenset({"bridge", "front"})


def configuration(rows: list[dict[str, Any]], *, listen: str, admin: str) -> dict[str, Any]:
    """All of Caddy's configuration for these rows of `/containers/json`."""
    server = {"listen": [listen], "automatic_https": {"disable": True}, "routes": _sites(rows)}
    return {"admin": {"listen": admin}, "apps": {"http": {"servers": {"srv0": server}}}}


def _sites(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A route for each site, paths before the whole."""
    sites: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        labels = row["Labels"]
        if "caddy" not in labels:
            continue
        path, _, rest = labels["caddy.reverse_proxy"].rpartition("{{upstreams ")
        port = rest.rstrip("}")
        found = [n["IPAddress"] for name, n in row["NetworkSettings"]["Networks"].items() if name in SHARED]
        upstreams = sites.setdefault(labels["caddy"].removeprefix("http://"), {}).setdefault(path.strip(), [])
        upstreams.extend(f"{ip}:{port}" for ip in found)
    return [
        {
            "match": [{"host": [host]}],
            "handle": [
                {"handler": "subroute", "routes": [_route(path, site[path]) for path in sorted(site, reverse=True)]}
            ],
            "terminal": True,
        }
        for host, site in sites.items()
    ]


def _route(path: str, upstreams: list[str]) -> dict[str, Any]:
    handle = [{"handler": "reverse_proxy", "upstreams": [{"dial": each} for each in sorted(upstreams)]}]
    return {"match": [{"path": [path]}], "handle": handle} if path else {"handle": handle}


class Push:
    """Follows the engine at a Unix socket for the Caddy whose admin API is at `admin` (ip:port)."""

    def __init__(self, engine: str, *, listen: str, admin: str) -> None:
        self._engine = engine
        self._listen = listen
        self._admin = admin
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        connector = aiohttp.UnixConnector(path=self._engine)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as engine,
            aiohttp.ClientSession() as admin,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._follow(engine))
            await self._load(engine, admin)
            while True:
                await self._changed.wait()
                await asyncio.sleep(THROTTLE_SECONDS)  # theirs: the first event starts the clock, later ones join
                self._changed.clear()
                await self._load(engine, admin)

    async def _follow(self, engine: aiohttp.ClientSession) -> None:
        async with engine.get("http://engine/events") as stream:
            async for line in stream.content:
                if json.decode(line)["Action"] in EVENTS:
                    self._changed.set()

    async def _load(self, engine: aiohttp.ClientSession, admin: aiohttp.ClientSession) -> None:
        async with engine.get("http://engine/containers/json") as answer:
            rows = json.decode(await answer.read())
        body = json.encode(configuration(rows, listen=self._listen, admin=self._admin))
        headers = {"Content-Type": "application/json"}
        async with admin.post(f"http://{self._admin}/load", data=body, headers=headers) as answer:
            answer.raise_for_status()
