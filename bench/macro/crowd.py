"""Everybody who uses a service while a release goes on, and what they met.

Three kinds: requests on a fixed schedule, 300 a second on kept connections, every fourth a POST that nobody on the way may send again;
clients that keep every cookie they are given; WebSockets that their clients hold for some seconds and then end. Nobody
forgives anything (`strict`): a request that was sent and not answered with 200 has failed, and nothing is asked twice.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple, Self

from bench.macro import websockets
from bench.macro.strict import ANSWER_SECONDS, Connection

RATE, CONNECTIONS = 300.0, 32
STICKY, STICKY_PAUSE = 10, 0.05
SOCKETS, SOCKET_PAUSE = 10, 0.1
SOCKET_SECONDS = (4.0, 12.0)  # how long a client wants its WebSocket
SETTLE_SECONDS = 0.5  # from a change of the weights until it is fair to count: workers follow, kept connections go on
FEWEST = 200  # requests in a stretch for its share to be told


class Answer(NamedTuple):
    """One request: when it was due, when it ended, `version container` that answered, why it failed."""

    due: float
    ended: float
    who: str
    fault: str


class Step(NamedTuple):
    """From `since` on the new version was to have `share` percent; None where nobody promised anything."""

    since: float
    share: float | None


class Crowd:
    """All of them, from the beginning to the end of the block."""

    def __init__(
        self,
        port: int,
        host: str,
        *,
        rate: float = RATE,
        socket_seconds: tuple[float, float] = SOCKET_SECONDS,
        patience: float = ANSWER_SECONDS,
    ) -> None:
        self.answers: list[Answer] = []
        self.sticky: list[tuple[int, Answer]] = []
        self.opened = 0
        self.cut = 0  # WebSockets that did not come about, or ended before their clients wanted
        self._port = port
        self._host = host
        self._rate = rate
        self._socket_seconds = socket_seconds
        self._patience = patience  # how long a client waits for an answer, in seconds
        self._idle = [Connection(port) for _ in range(CONNECTIONS)]  # each connects when it is first wanted
        self._stop = asyncio.Event()
        self._group = asyncio.TaskGroup()
        fields = f"Host: {host}\r\n"
        self._get = f"GET / HTTP/1.1\r\n{fields}\r\n".encode()
        self._post = f"POST / HTTP/1.1\r\n{fields}Content-Length: 1000\r\n\r\n".encode() + bytes(1000)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._group.create_task(self._pace())
        for number in range(STICKY):
            self._group.create_task(self._stay(number))
        for _ in range(SOCKETS):
            self._group.create_task(self._hold())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._stop.set()
        await self._group.__aexit__(*error)  # type: ignore[arg-type]
        for connection in self._idle:
            connection.close()

    def figures(self, steps: Sequence[Step] = ()) -> dict[str, float]:
        """What all of them met."""
        found = {
            "requests": float(len(self.answers)),
            "failed": float(sum(bool(each.fault) for each in self.answers)),
            "sticky": float(len(self.sticky)),
            "sticky_failed": float(sum(bool(each.fault) for _, each in self.sticky)),
            "sticky_moves": float(moves(self.sticky)),
            "sockets": float(self.opened),
            "sockets_cut": float(self.cut),
            "worst_ms": max((each.ended - each.due for each in self.answers), default=0.0) * 1e3,
        }
        if apart := [abs(met - promised) for promised, met in shares(self.answers, steps)]:
            found["apart"] = max(apart)
        return found

    def faults(self) -> dict[str, int]:
        """Failures of all requests by kind."""
        every = (*self.answers, *(answer for _, answer in self.sticky))
        return dict(Counter(each.fault for each in every if each.fault))

    async def _pace(self) -> None:
        began, sent = time.monotonic(), 0
        while not self._stop.is_set():
            due = began + sent / self._rate
            await _pause(self._stop, max(0.0, due - time.monotonic()))
            self._group.create_task(self._one(due, self._get if sent % 4 else self._post))
            sent += 1

    async def _one(self, due: float, request: bytes) -> None:
        connection = self._idle.pop(0) if self._idle else Connection(self._port)
        fault = await _asked(connection, request, self._patience)
        self.answers.append(Answer(due, time.monotonic(), _who(connection, fault), fault))
        self._idle.append(connection)

    async def _stay(self, number: int) -> None:
        """One client that keeps its cookies, and has one of its own for proxies that give none."""
        connection, cookies = Connection(self._port), {b"visitor": b"%d" % number}
        await _pause(self._stop, random.random())
        while not self._stop.is_set():
            kept = b"; ".join(b"%b=%b" % each for each in cookies.items())
            due = time.monotonic()
            request = b"GET / HTTP/1.1\r\nHost: %b\r\nCookie: %b\r\n\r\n" % (self._host.encode(), kept)
            fault = await _asked(connection, request, self._patience)
            self.sticky.append((number, Answer(due, time.monotonic(), _who(connection, fault), fault)))
            if not fault:
                cookies |= given(connection.head)
            await _pause(self._stop, STICKY_PAUSE)
        connection.close()

    async def _hold(self) -> None:
        """One client that wants a WebSocket, and then another one."""
        await _pause(self._stop, random.random())
        while not self._stop.is_set():
            self.opened, lives = self.opened + 1, True
            until = time.monotonic() + random.uniform(*self._socket_seconds)
            try:
                session = await websockets.Session.open(self._port, self._host)
            except (OSError, EOFError, TimeoutError):
                self.cut += 1
                await _pause(self._stop, SOCKET_PAUSE)
                continue
            while not self._stop.is_set() and time.monotonic() < until and (lives := await session.ask(b"still there")):
                await _pause(self._stop, SOCKET_PAUSE)
            session.close()
            self.cut += not lives


def shares(answers: Collection[Answer], steps: Sequence[Step]) -> list[tuple[float, float]]:
    """What was promised to v2 and what it got, in percent, for each stretch with enough requests."""
    found = []
    for number, step in enumerate(steps, 1):
        end = steps[number].since if number < len(steps) else float("inf")
        met = [
            each.who for each in answers if each.who and step.since + SETTLE_SECONDS <= each.due and each.ended < end
        ]
        if step.share is not None and len(met) >= FEWEST:
            found.append((step.share, share_of(met)))
    return found


def share_of(who: Collection[str]) -> float:
    """The part of v2 in percent."""
    return 100 * sum(each.startswith("v2") for each in who) / len(who) if who else 0.0


def moves(sticky: Collection[tuple[int, Answer]]) -> int:
    """How often a client found itself with another container than before."""
    last: dict[int, str] = {}
    count = 0
    for number, answer in sticky:
        if answer.who:
            count += last.get(number, answer.who) != answer.who
            last[number] = answer.who
    return count


def given(head: bytes) -> dict[bytes, bytes]:
    """Cookies that an answer's head sets, by name."""
    found = {}
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"set-cookie:"):
            name, _, value = line.partition(b":")[2].split(b";")[0].strip().partition(b"=")
            found[name] = value
    return found


async def _asked(connection: Connection, request: bytes, patience: float) -> str:
    """Why it failed; empty if it did not."""
    try:
        async with asyncio.timeout(patience):
            status = await connection.ask(request)
    except (OSError, EOFError, TimeoutError) as why:
        connection.close()
        return type(why).__name__
    return "" if status == 200 else str(status)


def _who(connection: Connection, fault: str) -> str:
    """The container that answered, if one did: also with an error of its own."""
    answered = (not fault or fault.isdigit()) and connection.body.startswith((b"v1 ", b"v2 "))
    return connection.body.decode() if answered else ""


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Until the time is over, or `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
