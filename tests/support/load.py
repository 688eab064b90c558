"""Constant load on the router: an open loop of keep-alive connections that counts who answered and what failed.

A request leaves at its due time whether or not earlier ones were answered; it takes the connection idle longest, and
opens another one while there are fewer than `connections`, or all are busy. Nothing is tried again: a connection
refused, cut or closed under a request is a failure, with its moment and its reason. With `forgive_closed` a request that
met an idle connection just being closed goes out again once on a fresh one, as RFC 9110 section 9.2.2 allows and every
client does: for tests in which the worker at the other end goes away.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from typing import NamedTuple

from tidegate.tasks import Tasks

ANSWER_SECONDS = 20.0


class Answer(NamedTuple):
    """One request: times on the monotonic clock, status (0: none), the body's first line, why it failed."""

    began: float
    ended: float
    status: int
    who: str
    failure: str


class Load:
    """`async with Load(where, host) as load:` loads until the block ends; then all answers have come."""

    def __init__(
        self,
        where,
        host,
        *,
        path="/",
        rate=200,
        connections=8,
        forgive_closed=False,
        method="GET",
        body=b"",
        extra="",
    ):
        self.where, self.rate, self.forgive_closed = where, rate, forgive_closed
        self.wanted = connections
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.payload = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{extra}{length}\r\n".encode() + body
        self.answers: list[Answer] = []
        self.opened = 0
        self.retries = 0
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._stop = asyncio.Event()
        self._progress = asyncio.Condition()

    async def __aenter__(self):
        self._done = Tasks("load")
        tasks = await self._done.__aenter__()
        self._pacing = tasks.spawn("pace", self._pace(tasks))
        return self

    async def __aexit__(self, *error):
        self._stop.set()
        try:
            await self._done.__aexit__(*error)
        finally:
            for connection in self._open:
                connection.close()

    # --- what came back

    @property
    def failures(self):
        """Answers that are not 200."""
        return [answer for answer in self.answers if answer.status != 200]

    def who(self, since=0.0, until=float("inf")):
        """How many requests begun in that time were answered by whom."""
        return Counter(each.who for each in self.answers if since <= each.began < until and each.status == 200)

    def told(self):
        """One line of figures."""
        latest = max((each.ended - each.began for each in self.answers), default=0.0)
        reasons = dict(Counter(f"{each.status} {each.failure}".strip() for each in self.failures))
        return (
            f"{len(self.answers)} requests, {len(self.failures)} failed {reasons or ''}, {dict(self.who())}, "
            f"{self.opened} connections, {self.retries} sent again, longest {latest * 1000:.0f} ms"
        )

    async def more(self, count, deadline=30.0):
        """Wait until that many more requests that begin from now on are answered."""
        now = time.monotonic()
        await self.met(lambda: sum(each.began >= now for each in self.answers) >= count, deadline)

    async def met(self, condition, deadline=30.0):
        """Wait until the answers fulfil `condition`."""
        async with asyncio.timeout(deadline), self._progress:
            await self._progress.wait_for(condition)

    # --- the loop

    async def _pace(self, tasks):
        start, count = time.monotonic(), 0
        while not self._stop.is_set():
            count += 1
            tasks.spawn("request", self._request())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, start + count / self.rate - time.monotonic())):
                    await self._stop.wait()

    async def _request(self):
        began = time.monotonic()
        status, who, failure = 0, "", ""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status, who = await self._exchange()
        except ConnectionRefusedError:
            failure = "refused"
        except TimeoutError:
            failure = "no answer"
        except (OSError, EOFError) as error:
            failure = f"cut ({type(error).__name__})"
        self.answers.append(Answer(began, time.monotonic(), status, who, failure if status != 200 else ""))
        async with self._progress:
            self._progress.notify_all()

    async def _exchange(self):
        connection, fresh = await self._take()
        try:
            return await connection.ask(self.payload)
        except (ConnectionError, EOFError):
            if fresh or connection.answered or not self.forgive_closed:
                raise
            self.retries += 1
            connection = await self._connect()
            return await connection.ask(self.payload)
        finally:
            self._put(connection)

    async def _take(self):
        while self._idle and len(self._open) >= self.wanted:
            connection = self._idle.pop(0)
            if connection.usable():
                return connection, False
            self._drop(connection)
        return await self._connect(), True

    async def _connect(self):
        connection = _Connection(*await asyncio.open_connection(*self.where))
        self.opened += 1
        self._open.add(connection)
        return connection

    def _put(self, connection):
        if connection.reusable:
            self._idle.append(connection)
        else:
            self._drop(connection)

    def _drop(self, connection):
        connection.close()
        self._open.discard(connection)


class _Connection:
    """One keep-alive connection, one request at a time."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self.reusable = False
        self.answered = False  # a byte of the answer came

    def usable(self):
        """Whether the other side has not closed it."""
        return not self._reader.at_eof() and not self._writer.transport.is_closing()

    async def ask(self, payload):
        """Status and first line of the body. Raises OSError or EOFError if the connection breaks."""
        self.reusable = self.answered = False
        self._writer.write(payload)
        head = await self._reader.readuntil(b"\r\n")
        self.answered = True
        status, size, close, chunked = int(head.split(b" ", 2)[1]), None, False, False
        while (line := await self._reader.readuntil(b"\r\n")) != b"\r\n":
            name, _, value = line.lower().partition(b":")
            size = int(value) if name == b"content-length" else size
            close = close or (name == b"connection" and b"close" in value)
            chunked = chunked or name == b"transfer-encoding"
        body = await self._rest(size, chunked)
        self.reusable = not close and (size is not None or chunked)
        return status, body.split(b"\n")[0].decode(errors="replace")

    async def _rest(self, size, chunked):
        if size is not None:
            return await self._reader.readexactly(size)
        if not chunked:
            return await self._reader.read()
        body = b""
        while True:
            count = int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16)
            body += (await self._reader.readexactly(count + 2))[:-2]
            if not count:
                return body

    def close(self):
        self._writer.transport.abort()
