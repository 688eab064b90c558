"""Headless Chromium, told by its DevTools protocol what to open and what to tell."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil

import aiohttp

from tests.support.serve import until

DEADLINE = 60.0
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


class Page:
    """The one open page. `failures` are the browser's own words for requests that got no answer: `net::ERR_NETWORK_CHANGED` is its
    answer to an interface that came or went on this machine, and none of the server's."""

    def __init__(self, socket):
        self.socket = socket
        self.number = 0
        self.failures = []

    async def open(self, url):
        """Show `url`, and wait until it is loaded."""
        await self._ask("Page.enable")
        await self._ask("Network.enable")
        await self._ask("Page.navigate", url=url)
        while (await self._next()).get("method") != "Page.loadEventFired":
            pass

    async def evaluate(self, expression):
        """The value of a JavaScript expression, awaited if it is a promise. Fails with the page's error."""
        told = await self._ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def _ask(self, method, **values):
        self.number += 1
        await self.socket.send_json({"id": self.number, "method": method, "params": values})
        while (answer := await self._next()).get("id") != self.number:
            pass
        return answer["result"]

    async def _next(self):
        told = await self.socket.receive_json()
        if told.get("method") == "Network.loadingFailed":
            self.failures.append(told["params"]["errorText"])
        return told


@contextlib.asynccontextmanager
async def page(url, folder, resolve=""):
    """A browser showing `url`; `resolve` says where host names lead, such as `MAP *.test 127.0.0.1`."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # root may not use it
    rules = [f"--host-resolver-rules={resolve}"] if resolve else []
    with (folder / "chromium.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(
                shutil.which("chromium") or "chromium",
                *FLAGS,
                *sandbox,
                *rules,
                f"--user-data-dir={folder / 'profile'}",
            ),
            "about:blank",
            stdout=log,
            stderr=log,
        )
    try:
        async with asyncio.timeout(DEADLINE), aiohttp.ClientSession() as session:
            place = await _debugger(process, session, folder)
            async with session.ws_connect(place, max_msg_size=0) as socket:
                shown = Page(socket)
                await shown.open(url)
                yield shown
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _debugger(process, session, folder):
    """Where the page's debugger is, once the page is there."""
    announced = folder / "profile" / "DevToolsActivePort"

    def port():
        assert process.returncode is None, (folder / "chromium.log").read_text()[-2000:]
        return announced.exists() and announced.read_text().split("\n")[0]

    found = await until(port, DEADLINE, "chromium is up")

    async def target():
        async with session.get(f"http://127.0.0.1:{found}/json/list") as answer:
            pages = json.loads(await answer.text())
        return [each["webSocketDebuggerUrl"] for each in pages if each["type"] == "page"]

    return (await until(target, DEADLINE, "the page is open"))[0]
