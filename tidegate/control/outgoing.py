"""Requests that control makes to others: one session, a deadline and a bound for each answer, faults as values.

No redirect is followed: whoever is told of a release is who was named.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping

import aiohttp

import tidegate
from tidegate.value import Value

CONNECTIONS = 16
MAX_ANSWER = 1 << 20
_AGENT = {"User-Agent": f"tidegate/{tidegate.__version__}"}


class Answer(Value):
    """What came back. Status 0: nothing whole did, and `fault` says why in a few words."""

    status: int = 0
    body: bytes = b""
    fault: str = ""

    @property
    def good(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    @property
    def says(self) -> str:
        """The first line of its text, or the fault, or the status: fit to be shown."""
        lines = self.body[:2000].decode(errors="replace").strip().splitlines()
        line = "".join(each for each in lines[0] if each.isprintable())[:300] if lines else ""
        return self.fault or line or f"HTTP {self.status}"


class Outgoing:
    """`authority` is a file of CAs to trust instead of the system's, or empty. Makes its session at the first call."""

    def __init__(self, authority: str = "") -> None:
        self._authority = authority
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, data: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        """POST and the whole answer, within the time. Never raises for what the other side does."""
        try:
            return await self._exchange(url, data, {**_AGENT, **headers}, seconds)
        except TimeoutError:
            return Answer(fault=f"no answer within {seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(fault=_short(error))

    async def close(self) -> None:
        """Close what is kept open."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _exchange(self, url: str, data: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        timeout = aiohttp.ClientTimeout(total=seconds)
        request = self._open().post(url, data=data, headers=headers, timeout=timeout, allow_redirects=False)
        async with request as response:
            body = bytearray()
            async for piece in response.content.iter_chunked(65536):
                body += piece
                if len(body) > MAX_ANSWER:
                    response.close()
                    return Answer(fault=f"an answer of more than {MAX_ANSWER} bytes")
        return Answer(status=response.status, body=bytes(body))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context(cafile=self._authority) if self._authority else True
            connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=context)
            self._session = aiohttp.ClientSession(
                connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def _short(error: Exception) -> str:
    """Why an exchange failed, without addresses of memory and without the words of the library around it."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ConnectionError) and cause.errno:
        return os.strerror(cause.errno).lower()
    return " ".join(str(cause).split())[:300] or type(cause).__name__
