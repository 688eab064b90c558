"""Clients that stay: some keep the cookie they were given, some hold a WebSocket. Each tells who served it, and what failed."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from tests.support.client import Client, Cut
from tests.support.frames import TEXT, Socket, frame
from tidegate.tasks import Tasks

PAUSE_SECONDS = 0.05


class Visit(NamedTuple):
    """One request of one client, or one frame of one socket."""

    at: float
    client: int
    who: str
    failure: str = ""


class Visitors:
    """`count` clients at a time until the block ends. `visits` are in the order in which they ended."""

    def __init__(self, where, host, count):
        self.where, self.host, self.count = where, host, count
        self.visits: list[Visit] = []
        self._stop = asyncio.Event()

    async def __aenter__(self):
        self._tasks = Tasks("visitors")
        tasks = await self._tasks.__aenter__()
        for number in range(self.count):
            tasks.spawn(f"visitor {number}", self._visit(number))
        return self

    async def __aexit__(self, *error):
        self._stop.set()
        await self._tasks.__aexit__(*error)

    @property
    def failures(self):
        return [visit for visit in self.visits if visit.failure]

    def of(self, client):
        """Who served one client, one after the other, repetitions left out."""
        found = []
        for visit in self.visits:
            if visit.client == client and visit.who and (not found or found[-1] != visit.who):
                found.append(visit.who)
        return found

    def _note(self, client, who, failure=""):
        self.visits.append(Visit(time.monotonic(), client, who, failure))

    async def _rest(self):
        try:
            async with asyncio.timeout(PAUSE_SECONDS):
                await self._stop.wait()
        except TimeoutError:
            return True
        return False

    async def _visit(self, number):
        raise NotImplementedError


class Sticky(Visitors):
    """Each keeps its cookies and its connection."""

    async def _visit(self, number):
        client, cookie = await Client.connect(self.where), ""
        going = True
        while going:
            kept = f"Cookie: {cookie}\r\n".encode() if cookie else b""
            try:
                answer = await client.ask(b"GET / HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (self.host.encode(), kept))
                who = answer.body.split(b"\n")[0].decode()
                self._note(number, who, "" if answer.status == 200 else f"{answer.status} {answer.reason}")
                cookie = answer.headers.get("set-cookie", cookie).partition(";")[0]
            except (Cut, OSError) as fault:
                self._note(number, "", f"cut: {fault}")
                client.close()
                client = await Client.connect(self.where)
            going = await self._rest()
        client.close()


class Sockets(Visitors):
    """Each holds a WebSocket; one that ended is opened again. `ended` are those that did, `(when, who served it)`."""

    def __init__(self, where, host, count):
        super().__init__(where, host, count)
        self.ended: list[tuple[float, str]] = []

    async def _visit(self, number):
        while not self._stop.is_set():
            try:
                socket = await Socket.open(self.where, self.host)
            except (Cut, OSError) as fault:
                self._note(number, "", f"not opened: {fault}")
                await self._rest()
                continue
            try:
                await self._hold(number, socket)
            finally:
                socket.end()

    async def _hold(self, number, socket):
        last, going = "", True
        while going:
            who = await self._asked(socket)
            if not who:
                self.ended.append((time.monotonic(), last))
                return
            last = who
            self._note(number, who)
            going = await self._rest()

    async def _asked(self, socket):
        """Who answered a frame; empty where the connection has ended."""
        try:
            await socket.send(frame(TEXT, b"who"))
            message = await socket.message()
        except (Cut, OSError):
            return ""
        return message.payload.decode() if message is not None and message.opcode == TEXT else ""
