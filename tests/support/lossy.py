"""A carrier of bytes to one TCP server that loses answers, holds requests back until they are late, or falls silent."""

from __future__ import annotations

import asyncio
import contextlib

from tidegate.tasks import Tasks


class Lossy:
    """`loses(request)` says whether the answer to what begins so is lost; `holds` whether the request waits for `release`."""

    def __init__(self, port):
        self._target = port
        self.loses = lambda request: False
        self.holds = lambda request: False
        self.lost = 0
        self.held = 0
        self.release = asyncio.Event()
        self.answered = asyncio.Event()  # set by the answer to a request whose caller had left
        self.port = 0
        self._current = set()  # connections that carry

    def mute(self):
        """From now on nothing passes on the connections there are; new ones work."""
        self._current = set()

    async def _carry(self, reader, writer):
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._target)
        doomed = asyncio.Event()
        me = object()
        self._current.add(me)

        async def there():
            late = False
            while data := await reader.read(1 << 20):
                if me not in self._current:
                    continue
                if self.loses(data):
                    doomed.set()
                if self.holds(data):
                    late = True
                    self.held += 1
                    await self.release.wait()
                upstream.write(data)
            if not late:
                upstream.close()

        async def back():
            while data := await upstream_reader.read(1 << 20):
                if me not in self._current:
                    continue
                if reader.at_eof():
                    self.answered.set()
                    return
                if doomed.is_set():
                    self.lost += 1
                    return
                writer.write(data)

        with contextlib.suppress(OSError):
            async with Tasks("lossy") as tasks:
                going = tasks.spawn("there", there())
                await tasks.spawn("back", back())
                going.cancel()
        for each in (writer, upstream):
            each.close()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
