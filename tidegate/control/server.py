"""The admin API on its listeners and on a Unix socket, which the CLI uses."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from tidegate import __version__
from tidegate.config import AdminConfig
from tidegate.control.admin import Change, Look
from tidegate.control.api import MAX_BODY, openapi, operations, refusals, routes
from tidegate.control.guard import guard, is_loopback
from tidegate.control.parts import Parts
from tidegate.control.quotaapi import QuotaOperations
from tidegate.control.releaseapi import ReleaseOperations
from tidegate.control.scalingapi import ScalingOperations
from tidegate.control.settings import RouteSettings
from tidegate.control.stackapi import StackOperations
from tidegate.control.unixsocket import private_socket
from tidegate.errors import ConfigError, Problem
from tidegate.model import Address
from tidegate.telemetry import logger

SHUTDOWN_SECONDS = 5.0


class AdminServer:
    """The admin API on its listeners and the Unix socket. `addresses` are those bound, once it runs."""

    def __init__(
        self, parts: Parts, config: AdminConfig, unix_path: Path | None, sockets: Sequence[socket.socket] = ()
    ) -> None:
        self._parts = parts
        self._config = config
        self._unix_path = unix_path
        self._sockets = tuple(sockets)
        self.addresses: tuple[Address, ...] = ()

    def application(self) -> web.Application:
        """The API as an aiohttp application."""
        loopback = all(is_loopback(address) for address in self._config.listeners)
        app = web.Application(
            middlewares=[refusals, guard(self._config.token, loopback)],
            client_max_size=MAX_BODY,
        )
        found = (
            *operations(Look(self._parts)),
            *operations(Change(self._parts)),
            *operations(RouteSettings(self._parts)),
            *operations(ReleaseOperations(self._parts)),
            *operations(ScalingOperations(self._parts)),
            *operations(StackOperations(self._parts)),
            *operations(QuotaOperations(self._parts)),
        )
        described = openapi(found, __version__)

        async def description(_request: web.Request) -> web.Response:
            return web.json_response(described)

        app.add_routes(routes(found))
        app.add_routes(
            [
                web.get("/openapi.json", description),
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/", self._page),
            ]
        )
        return app

    async def run(self) -> None:
        """Serve until cancelled; then close the streams and wait a little for answers under way."""
        log = logger("admin.http")
        log.filters = [_PeerFaults()]
        runner = web.AppRunner(self.application(), access_log=None, logger=log, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await self._listen(runner)
            await asyncio.get_running_loop().create_future()  # until cancelled
        finally:
            self._parts.journal.close()
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        for bound in self._sockets:
            await web.SockSite(runner, bound).start()
        if not self._sockets:
            for address in self._config.listeners:
                await _start(web.TCPSite(runner, address.host, address.port, reuse_address=True), str(address))
        if self._unix_path is not None:
            await self._listen_locally(runner, self._unix_path)
        self.addresses = tuple(
            Address(host=name[0], port=name[1]) for name in runner.addresses if isinstance(name, tuple)
        )

    async def _listen_locally(self, runner: web.AppRunner, path: Path) -> None:
        try:
            listener = private_socket(path)
        except OSError as error:
            raise _cannot_bind(str(path), error) from None
        await web.SockSite(runner, listener).start()

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        parts, kind = self._parts.registry.exposed(request.headers.get("Accept", ""))
        response = web.StreamResponse(headers={"Content-Type": kind})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for part in parts:  # each some milliseconds of work; whoever else waits gets a turn between two
            await response.write(part)
            await asyncio.sleep(0)
        return response

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        waiting = sorted(self._parts.reconciler.waiting_for)
        return web.Response(status=503, text="waiting\n") if waiting else web.Response(text="ready\n")

    async def _page(self, _request: web.Request) -> web.Response:
        table = self._parts.reconciler.table
        body = _PAGE.format(
            version=__version__, table=table.version, services=len(table.services), routes=len(table.routes)
        )
        headers = {"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}
        return web.Response(text=body, content_type="text/html", headers=headers)


class _PeerFaults(logging.Filter):
    """Leaves out what aiohttp logs, with a trace, about bytes that are not HTTP: the client got its 400."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tidegate</title></head><body>
<h1>Tidegate {version}</h1>
<p>Table {table}: {services} services, {routes} routes.</p>
<ul><li><a href="/v1/status">status</a></li><li><a href="/v1/services">services</a></li>
<li><a href="/v1/routes">routes</a></li><li><a href="/v1/problems">problems</a></li>
<li><a href="/v1/events">events</a></li><li><a href="/metrics">metrics</a></li>
<li><a href="/openapi.json">API description</a></li></ul>
</body></html>
"""


async def _start(site: web.BaseSite, name: str) -> None:
    try:
        await site.start()
    except OSError as error:
        raise _cannot_bind(name, error) from None
    logger("admin").info("listening", extra={"address": name})


def _cannot_bind(name: str, error: OSError) -> ConfigError:
    return ConfigError(
        Problem(
            code="T1617",
            text=f"the admin API cannot listen on {name}",
            place="admin.listeners",
            cause=error.strerror or str(error),
            mend="stop what listens there, or choose another address with --admin",
        )
    )
