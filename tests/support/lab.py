"""One `tidegate serve` with every real server behind it, for all end-to-end tests of a run.

Beside the real servers there are spare routes: `serving(script)` puts an ill-behaved server of the test's own
(`tests/support/origin.py`) behind the next one. Each is used once, so no test inherits what an earlier one did to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from contextlib import asynccontextmanager

from tests.support import origin
from tests.support.apps import contract
from tests.support.serve import Tidegate, assert_clean, free_port, until
from tests.support.servers import SERVERS, Running

SPARES = 48


class Lab:
    """`where` is the router's address; `servers` are the running ones by name."""

    def __init__(self, folder):
        self.folder = folder
        self.gates = folder / "gates"
        self.gates.mkdir()
        self.servers = {server.name: Running(server, folder) for server in SERVERS}
        self.spares = {f"spare-{number}.test": ("127.0.0.1", free_port()) for number in range(SPARES)}
        self.tidegate = Tidegate(folder, "--file", str(folder / "routes.yaml"))

    @property
    def where(self):
        return self.tidegate.http

    @property
    def worker(self):
        """The process id of the one worker."""
        return self.tidegate.pids()["worker-0"]

    def saw(self, name, number):
        """Tell the server that sends events that this one arrived."""
        contract.gate(name, number, self.gates).touch()

    async def start(self):
        """Everything listens, and every route answers."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a thousand WebSockets are three thousand sockets
        for server in self.servers.values():
            server.start()
        await asyncio.gather(*(asyncio.to_thread(server.wait) for server in self.servers.values()))
        (self.folder / "routes.yaml").write_text(self._routes())
        with contextlib.ExitStack() as listening:  # a spare endpoint is ready once it took a connection
            for address in self.spares.values():
                listening.enter_context(socket.create_server(address))
            await self.tidegate.start()
            await until(self._all_healthy, what="all endpoints are healthy")
        return self

    async def stop(self):
        """End the servers and Tidegate, which must end well and have said nothing bad."""
        try:
            code = await self.tidegate.stop()
        finally:
            await asyncio.gather(*(asyncio.to_thread(server.stop) for server in self.servers.values()))
        assert code == 0, self.tidegate.log()[-3000:]
        assert_clean(self.tidegate)

    @asynccontextmanager
    async def serving(self, script):
        """An origin that runs `script` for each connection, behind the route `origin.host`."""
        host = next(iter(self.spares))
        with socket.create_server(self.spares.pop(host)) as listening:
            async with origin.serving(script, sock=listening) as served:
                served.host = host
                yield served

    def _routes(self):
        addresses = {server.server.host: server.address for server in self.servers.values()} | self.spares
        lines = ["services:"]
        lines += [
            f"  {host.removesuffix('.test')}: {{endpoints: ['{at}:{port}']}}" for host, (at, port) in addresses.items()
        ]
        lines += ["routes:"]
        lines += [f"  - {{host: {host}, backends: {{{host.removesuffix('.test')}: 100}}}}" for host in addresses]
        return "\n".join(lines) + "\n"

    async def _all_healthy(self):
        found = (await self.tidegate.api("/v1/endpoints"))["endpoints"]
        wanted = len(SERVERS) + SPARES
        return len([each for each in found if each["state"] == "healthy"]) >= wanted
