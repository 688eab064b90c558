"""The wire to one Docker Engine: where it listens, which API version we speak with it, requests with deadlines.

The version is agreed on at the first call and again after the engine was out of reach: it may have been upgraded.
Everything that aiohttp can raise ends here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from tidegate.engine import docker_faults as faults
from tidegate.engine.docker_raw import RawVersion, decode
from tidegate.errors import ConfigError, EngineError, EngineUnreachable, Problem
from tidegate.value import Value

NEWEST_TESTED = "1.52"
OLDEST = "1.24"
CALL_SECONDS = 5.0
CONNECTIONS = 64

T = TypeVar("T")


class TlsFiles(Value):
    """PEM files for an engine behind TLS; `cert` and `key` are empty where it asks for none."""

    ca: str
    cert: str = ""
    key: str = ""

    @classmethod
    def in_folder(cls, folder: str) -> TlsFiles:
        """The names that the Docker client uses below DOCKER_CERT_PATH."""
        root = Path(folder)
        return cls(ca=str(root / "ca.pem"), cert=str(root / "cert.pem"), key=str(root / "key.pem"))


def agree(url: str, newest: str, minimum: str) -> str:
    """The version to speak with an engine that offers `minimum`..`newest`; raises EngineError where none fits."""
    chosen = min(newest, NEWEST_TESTED, key=_order)
    if _order(chosen) >= max(_order(minimum or OLDEST), _order(OLDEST)):
        return chosen
    raise EngineError(
        Problem(
            code="T1108",
            text=f"the Docker Engine at {url} speaks API {minimum or '?'} to {newest}, Tidegate {OLDEST} to {NEWEST_TESTED}",
            place=url,
            mend="upgrade whichever of the two is older",
        )
    )


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


class DockerHttp:
    """Requests to one engine. Makes its session at the first call, so that it can be built outside a loop."""

    def __init__(self, url: str, tls: TlsFiles | None, api_version: str | None) -> None:
        self.url = url
        self._tls = tls
        self._base, self._socket = _locate(url, tls)
        self._pinned = api_version or ""
        self._api = ""  # empty until agreed on, and after the engine was out of reach
        self._session: aiohttp.ClientSession | None = None  # set by the first call

    async def api(self) -> str:
        """The API version spoken with this engine, `1.41`."""
        if not self._api:
            self._api = self._pinned or await self._ask_version()
        return self._api

    async def version(self) -> RawVersion:
        """What the engine says of itself; of a proxy that hides it, what its ping says."""
        try:
            return decode(RawVersion, await self._send("GET", "/version", "version"))
        except ValueError as error:
            raise faults.not_understood(self.url, "version", error) from error
        except EngineUnreachable:
            raise
        except EngineError:
            return RawVersion(api_version=await self._ping_version())

    async def ping(self) -> None:
        """Return when the engine answers."""
        await self._send("GET", "/_ping", "ping")

    async def call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = CALL_SECONDS,
    ) -> bytes:
        """One request to the agreed version and its whole answer. `what` names it in errors."""
        path = f"/v{await self.api()}{path}"
        options = {"params": params, "json": json, "data": data, "headers": headers, "seconds": seconds}
        return await self._send(method, path, what, **options)

    async def read(self, kind: type[T], path: str, what: str, params: Mapping[str, str] | None = None) -> T:
        """GET `path`, decoded as `kind`."""
        return self.parse(kind, await self.call("GET", path, what, params=params), what)

    def parse(self, kind: type[T], body: bytes, what: str) -> T:
        """`body` as `kind`; raises EngineError where it is something else."""
        try:
            return decode(kind, body)
        except ValueError as error:
            raise faults.not_understood(self.url, what, error) from error

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        what: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = CALL_SECONDS,
        silence_seconds: float | None = None,
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """A request whose answer is read while it comes. Entered when its headers are here, for which it has `seconds`; with
        `silence_seconds` it also fails when for so long nothing comes.
        """
        path = f"/v{await self.api()}{path}"
        timeout = aiohttp.ClientTimeout(total=None, sock_read=silence_seconds)
        with self.faults():
            async with contextlib.AsyncExitStack() as stack:
                request = self._open().request(
                    method, self._at(path), params=params, json=json, headers=headers, timeout=timeout
                )
                async with asyncio.timeout(seconds):
                    response = await stack.enter_async_context(request)
                if response.status >= 400:
                    raise faults.refused(self.url, response.status, await response.read(), what)
                yield response.content

    @contextlib.contextmanager
    def faults(self) -> Iterator[None]:
        """Turn whatever the connection raises into EngineUnreachable."""
        try:
            yield
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._api = ""
            raise faults.unreachable(self.url, error) from error
        except RuntimeError as error:
            if self._session is not None:
                raise
            # aiohttp's way to tell a reader that the session was closed under it.
            raise faults.stream_ended(self.url, "the engine was closed") from error

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(self, method: str, path: str, what: str, **options: Any) -> bytes:
        return (await self._exchange(method, path, what, **options))[0]

    async def _exchange(
        self,
        method: str,
        path: str,
        what: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = CALL_SECONDS,
    ) -> tuple[bytes, Mapping[str, str]]:
        """Body and headers of a good answer."""
        timeout = aiohttp.ClientTimeout(total=seconds)
        with self.faults():
            request = self._open().request(
                method, self._at(path), params=params, json=json, data=data, headers=headers, timeout=timeout
            )
            async with request as response:
                body = await response.read()
        if response.status >= 400:
            raise faults.refused(self.url, response.status, body, what)
        return body, response.headers

    async def _ask_version(self) -> str:
        version = await self.version()
        return agree(self.url, version.api_version, version.min_api_version)

    async def _ping_version(self) -> str:
        _, headers = await self._exchange("GET", "/_ping", "ping")
        return headers.get("Api-Version", OLDEST)

    def _at(self, path: str) -> URL:
        # Already escaped: a container's name must not be able to add a segment or a query.
        return URL(f"{self._base}{path}", encoded=True)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=self._connector(), trust_env=False)
        return self._session

    def _connector(self) -> aiohttp.BaseConnector:
        if self._socket:
            return aiohttp.UnixConnector(self._socket, limit=CONNECTIONS)
        return aiohttp.TCPConnector(limit=CONNECTIONS, ssl=_context(self._tls) if self._tls else True)


def _locate(url: str, tls: TlsFiles | None) -> tuple[str, str]:
    """(base of request URLs, path of the Unix socket or empty) for `url`; raises ConfigError for what is no engine URL."""
    scheme, separator, rest = url.partition("://")
    rest = rest.rstrip("/")
    if separator and rest and scheme == "unix":
        return "http://docker", f"/{rest.lstrip('/')}"
    if separator and rest and scheme in ("tcp", "http", "https"):
        return f"{'https' if tls or scheme == 'https' else 'http'}://{rest}", ""
    raise ConfigError(
        Problem(
            code="T1110",
            text=f"{url!r} is no URL of a Docker Engine",
            place=url,
            mend="write unix:///var/run/docker.sock, tcp://HOST:2375 or, with TLS files, tcp://HOST:2376",
        )
    )


def _context(tls: TlsFiles) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        if tls.cert:
            context.load_cert_chain(tls.cert, tls.key or None)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(
            Problem(
                code="T1111",
                text="the TLS files for the Docker Engine cannot be used",
                place=", ".join(name for name in (tls.ca, tls.cert, tls.key) if name),
                cause=str(error),
                mend="name a PEM file for each: the CA, our certificate, our key",
            )
        ) from error
    return context
