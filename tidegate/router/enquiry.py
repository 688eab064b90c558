"""What filters must ask outside the event loop's turn: a slow password hash, an authority on another server. The edge.

Bounded: so many at a time, so many waiting, each with a deadline. Who is turned away hears None, and refuses.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import bcrypt
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

from tidegate.router.filters.answer import AskAuthority, Question, Reply, VerifyPassword
from tidegate.telemetry import logger

_THREADS = 2  # bcrypt lets go of the interpreter lock; more would only starve the data plane
_MAX_VERIFYING = 64
_MAX_ASKING = 1024
_VERIFY_SECONDS = 10.0
_MAX_BODY = 65536
_log = logger("router.enquiry")


class Desk:
    """Answers the questions of one worker. Nothing is started before the first question."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._session: ClientSession | None = None
        self._verifying = 0
        self._asking = 0

    async def answer(self, question: Question) -> bool | Reply | None:
        """The outcome, or None if it cannot be found out in time."""
        if isinstance(question, VerifyPassword):
            return await self._verify(question)
        return await self._ask(question)

    async def close(self) -> None:
        """Let go of threads and connections."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        if self._session is not None:
            await self._session.close()

    async def _verify(self, question: VerifyPassword) -> bool | None:
        if self._verifying >= _MAX_VERIFYING:
            return None
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, "tidegate-passwords")
        self._verifying += 1
        try:
            async with asyncio.timeout(_VERIFY_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._threads, _is_right, question)
        except TimeoutError:
            return None
        finally:
            self._verifying -= 1

    async def _ask(self, question: AskAuthority) -> Reply | None:
        if self._asking >= _MAX_ASKING:
            return None
        self._asking += 1
        try:
            session = await self._get_session()
            async with asyncio.timeout(question.timeout_seconds):
                request = session.get(question.url, headers=_headers(question.lines), allow_redirects=False)
                async with request as response:
                    body = await response.content.read(_MAX_BODY)
                    return Reply(status=response.status, headers=tuple(response.headers.items()), body=body)
        except (OSError, ValueError, ClientError) as error:  # a timeout is an OSError
            _log.warning("an authority did not answer", extra={"url": question.url, "cause": repr(error)})
            return None
        finally:
            self._asking -= 1

    async def _get_session(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(
                timeout=ClientTimeout(total=None),
                auto_decompress=False,
                cookie_jar=DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
            )
        return self._session


def _is_right(question: VerifyPassword) -> bool:
    try:
        return bcrypt.checkpw(question.password, question.digest)
    except ValueError:  # no digest at all, or a password with a NUL
        return False


_NOT_ASKED = frozenset(
    {"host", "content-length", "transfer-encoding", "content-type", "expect", "range", "if-range", "upgrade"}
)


def _headers(lines: bytes) -> list[tuple[str, str]]:
    pairs = [line.partition(b":") for line in lines.split(b"\r\n") if line]
    named = [
        (name.decode("latin-1"), value.strip(b" \t").decode("utf-8", "surrogateescape")) for name, _, value in pairs
    ]
    return [(name, value) for name, value in named if name.lower() not in _NOT_ASKED]
