"""A web hook: a real HTTP server on loopback that answers what a test wants and keeps what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

from aiohttp import web


class Said(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Hook:
    """`answers` are given one after the other, then `usual`: (status, body) or a coroutine function of the request."""

    def __init__(self, *answers, usual=(204, b"")):
        self.answers = list(answers)
        self.usual = usual
        self.said = []
        self.url = ""

    async def answer(self, request):
        self.said.append(Said(request.path_qs, dict(request.headers), await request.read()))
        given = self.answers.pop(0) if self.answers else self.usual
        if callable(given):
            return await given(request)
        status, body = given
        return web.Response(status=status, body=body)


@contextlib.asynccontextmanager
async def listening(*answers, usual=(204, b""), tls=None):
    """A hook that listens until the end of the block."""
    hook = Hook(*answers, usual=usual)
    runner = web.ServerRunner(
        web.Server(hook.answer), shutdown_timeout=0.01
    )  # those that `never` come are not waited for
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        hook.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        yield hook
    finally:
        await runner.cleanup()


async def never(request):
    """An answer that does not come."""
    await asyncio.get_running_loop().create_future()
