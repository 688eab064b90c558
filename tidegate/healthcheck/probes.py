"""Ask one endpoint once: connect, HTTP GET, or a command inside the container. Returns an `Outcome`, never raises for it.

An asyncio `Protocol` and not streams or an HTTP client: at 500 checks a second the difference is a fifth of a core
(bench/micro/probes.py). Only the head of an answer is read; what follows is nobody's business here.
"""

from __future__ import annotations

import asyncio
import errno
from typing import Protocol, cast
from urllib.parse import quote

from tidegate.errors import EngineUnreachable, TidegateError
from tidegate.healthcheck.state import Outcome, Verdict
from tidegate.model import Address

MAX_HEAD_BYTES = 65536
OK = Outcome(verdict=Verdict.OK)

_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL, errno.EAGAIN}
_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "network unreachable",
    errno.ETIMEDOUT: "connect timed out",
    errno.EACCES: "connecting is forbidden",
    errno.EPERM: "connecting is forbidden",
}


class Exec(Protocol):
    """Runs a command inside an instance; raises only errors of `tidegate.errors`."""

    async def __call__(self, instance: str, command: tuple[str, ...], timeout_seconds: float) -> tuple[int, str]:
        """Exit code and output."""
        ...


async def tcp(address: Address, timeout_seconds: float) -> Outcome:
    """OK if the address accepts a connection."""
    return await _ask(address, b"", timeout_seconds)


async def http(address: Address, path: str, timeout_seconds: float) -> Outcome:
    """OK if GET `path` is answered with 2xx or 3xx. The Host header is the address, as the label language says."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    name = host if address.port == 80 else f"{host}:{address.port}"
    target = quote(path, safe="/?&=%:@!$'()*+,;~")
    request = f"GET {target} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: tidegate-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    return await _ask(address, request.encode(), timeout_seconds)


async def command(execute: Exec, instance: str, words: tuple[str, ...], timeout_seconds: float) -> Outcome:
    """OK if the command exits with 0 in time. An engine that is away says nothing about the endpoint."""
    try:
        async with asyncio.timeout(timeout_seconds):
            exit_code, output = await execute(instance, words, timeout_seconds)
    except TimeoutError:
        return _timed_out(timeout_seconds)
    except EngineUnreachable as error:
        return Outcome(verdict=Verdict.UNKNOWN, reason=error.problems[0].text)
    except TidegateError as error:
        return Outcome(verdict=Verdict.FAILED, reason=f"command not run: {error.problems[0].text}")
    if exit_code == 0:
        return OK
    line = output.strip().rpartition("\n")[2][:200]
    return Outcome(verdict=Verdict.FAILED, reason=f"exit code {exit_code}" + (f": {line}" if line else ""))


class _Asker(asyncio.Protocol):
    """One connection: says `request` once connected and resolves `outcome` with the first thing that decides."""

    def __init__(self, request: bytes, outcome: asyncio.Future[Outcome]) -> None:
        self._request = request
        self._outcome = outcome
        self._head = b""
        self._transport: asyncio.Transport | None = None  # set while connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being a subclass
        if self._request:
            self._transport.write(self._request)
        else:
            self._decide(OK)

    def data_received(self, data: bytes) -> None:
        self._head += data
        outcome, self._head = read_head(self._head)
        if outcome is not None:
            self._decide(outcome)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        words = _words(exc) if isinstance(exc, OSError) else "closed before it answered"
        self._decide(Outcome(verdict=Verdict.FAILED, reason=words))

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _decide(self, outcome: Outcome) -> None:
        if not self._outcome.done():
            self._outcome.set_result(outcome)
        self.drop()


def read_head(received: bytes) -> tuple[Outcome | None, bytes]:
    """The outcome that `received` decides, or None while it does not; and what to keep of it for the next call."""
    while True:
        if received[:5] != b"HTTP/"[: len(received)]:
            return _failed(f"not HTTP: {received[:20]!r}"), b""
        end = received.find(b"\r\n\r\n")
        if end < 0:
            too_large = len(received) > MAX_HEAD_BYTES
            return (_failed(f"head larger than {MAX_HEAD_BYTES} bytes") if too_large else None), received
        status = _status(received[: received.find(b"\r\n")])
        if status is None:
            return _failed(f"not HTTP: {received[:20]!r}"), b""
        if status == 101 or status >= 200:
            return (OK if 200 <= status < 400 else _failed(f"status {status}")), b""
        received = received[end + 4 :]  # an interim answer; the real one follows
        if not received:
            return None, b""


def _status(line: bytes) -> int | None:
    words = line.split(b" ", 2)
    if len(words) < 2 or len(words[1]) != 3 or not words[1].isdigit() or words[1] < b"100":
        return None
    return int(words[1])


async def _ask(address: Address, request: bytes, timeout_seconds: float) -> Outcome:
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Outcome] = loop.create_future()
    asker = _Asker(request, outcome)
    try:
        async with asyncio.timeout(timeout_seconds):
            await loop.create_connection(lambda: asker, address.host, address.port)
            return await outcome
    except TimeoutError:
        return _timed_out(timeout_seconds)
    except OSError as error:
        return _from_error(error)
    finally:
        asker.drop()


def _from_error(error: OSError) -> Outcome:
    if error.errno in _OURS:
        return Outcome(verdict=Verdict.UNKNOWN, reason=_words(error))
    verdict = Verdict.REFUSED if error.errno == errno.ECONNREFUSED else Verdict.FAILED
    return Outcome(verdict=verdict, reason=_words(error))


def _words(error: OSError) -> str:
    return _WORDS.get(error.errno or 0) or (error.strerror or str(error)).lower()


def _timed_out(seconds: float) -> Outcome:
    return _failed(f"timed out after {seconds:g} s")


def _failed(reason: str) -> Outcome:
    return Outcome(verdict=Verdict.FAILED, reason=reason)
