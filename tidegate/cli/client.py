"""Talks to the admin API of a running Tidegate, over its Unix socket or TCP, one request per connection.

Kept to the standard library: a verb must start, ask and print in less time than importing an HTTP framework takes.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tidegate.cli.faults import Unreachable, WaitedTooLong, usage
from tidegate.cli.output import as_problem
from tidegate.cli.session import Session
from tidegate.errors import Conflict, NoSuchThing, Problem, StoreError, TidegateError

DEFAULT = ("127.0.0.1", 9900)
MAX_ANSWER = 256 << 20


class Admin:
    """One admin API. `where` is a path of a Unix socket, or (host, port). Every call may raise `Unreachable` (nobody
    answers), `NoSuchThing`, `Conflict`, `WaitedTooLong`, or `TidegateError` with what the API said.
    """

    def __init__(self, where: str | tuple[str, int], token: str, timeout_seconds: float) -> None:
        self.where = where
        self._token = token
        self._timeout = timeout_seconds

    @property
    def name(self) -> str:
        """How messages call it."""
        if isinstance(self.where, str):
            return f"unix:{self.where}"
        host, port = self.where
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def get(self, path: str, **query: object) -> Any:
        """The decoded answer to GET."""
        return self._call("GET", path, None, query)

    def put(self, path: str, body: Mapping[str, Any], **query: object) -> Any:
        """The decoded answer to PUT; empty mapping where the answer is empty."""
        return self._call("PUT", path, body, query)

    def post(self, path: str, body: Mapping[str, Any], **query: object) -> Any:
        """The decoded answer to POST."""
        return self._call("POST", path, body, query)

    def delete(self, path: str, body: Mapping[str, Any], **query: object) -> Any:
        """The decoded answer to DELETE."""
        return self._call("DELETE", path, body, query)

    def stream(self, path: str, after: int) -> Iterator[tuple[str, Any]]:
        """Server-sent events later than id `after`, as (event name, decoded data), until the server ends the stream.

        Raises WaitedTooLong when not even a comment comes for a minute.
        """
        connection = self.connection(max(self._timeout, 60.0))
        try:
            headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
            response = self._ask(connection, "GET", path, None, {}, headers)
            if response.status != 200:
                raise _refusal(response.status, _decode(self, response.read(MAX_ANSWER)), self.name)
            yield from self._events(response)
        finally:
            connection.close()

    def lines(self, path: str, **query: object) -> Iterator[Any]:
        """Decoded JSON objects, one a line, until the server ends the stream. Raises WaitedTooLong as `stream`."""
        connection = self.connection(max(self._timeout, 60.0))
        try:
            response = self._ask(connection, "GET", path, None, query)
            if response.status != 200:
                raise _refusal(response.status, _decode(self, response.read(MAX_ANSWER)), self.name)
            while line := self._line(response):
                if line.strip():
                    yield _decode(self, line)
        finally:
            connection.close()

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, object]) -> Any:
        # The answer to a waiting change arrives after the wait the server was asked for.
        connection = self.connection(self._timeout + (5.0 if "wait" in query else 0.0))
        try:
            response = self._ask(connection, method, path, body, query)
            payload = self._read(response)
        finally:
            connection.close()
        answer = _decode(self, payload)
        if response.status >= 300:
            raise _refusal(response.status, answer, self.name)
        return answer

    def connection(self, timeout: float) -> http.client.HTTPConnection:
        """A connection not yet opened."""
        if isinstance(self.where, str):
            return _UnixConnection(self.where, timeout)
        return http.client.HTTPConnection(*self.where, timeout=timeout)

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, object],
        extra: Mapping[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        wanted = {name.rstrip("_"): _plain(value) for name, value in query.items() if value is not None}
        target = path + (f"?{urlencode(wanted)}" if wanted else "")
        headers = {"Accept": "application/json", "User-Agent": "tidegate-cli", **(extra or {})}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, target, body=payload, headers=headers)
            return connection.getresponse()
        except TimeoutError:
            raise self._too_long() from None
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read(MAX_ANSWER)
        except TimeoutError:
            raise self._too_long() from None
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None

    def _events(self, response: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
        name = "message"
        data: list[str] = []
        while line := self._line(response):
            text = line.decode(errors="replace").rstrip("\r\n")
            if not text:
                if data:
                    yield name, json.loads("\n".join(data))
                name, data = "message", []
            elif text.startswith("event:"):
                name = text[6:].strip()
            elif text.startswith("data:"):
                data.append(text[5:].strip())

    def _line(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.readline()
        except TimeoutError:
            raise self._too_long() from None
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None

    def _too_long(self) -> WaitedTooLong:
        text = f"no answer from {self.name} within {self._timeout:g} s"
        return WaitedTooLong(Problem(code="T1710", text=text, mend="give it longer with --timeout"))

    def _unreachable(self, error: Exception) -> Unreachable:
        cause = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, PermissionError):
            mend = f"run as a user who may open the socket (we are uid {os.geteuid()}), or use --admin HOST:PORT"
        elif isinstance(error, OSError):
            mend = "start it with tidegate serve, or name another address with --admin or TIDEGATE_ADMIN"
        else:
            mend = "is this the admin address? HTTP and DNS have other ports"
        text = f"no running Tidegate answers at {self.name}"
        return Unreachable(Problem(code="T1704", text=text, cause=cause, mend=mend))


def connect(session: Session, environ: Mapping[str, str] = os.environ) -> Admin:
    """The admin API the session means: --admin, TIDEGATE_ADMIN, the socket in the state folder, or 127.0.0.1:9900."""
    token = session.token if session.token is not None else environ.get("TIDEGATE_TOKEN", "")
    given = session.admin or environ.get("TIDEGATE_ADMIN", "")
    if given:
        return Admin(parse(given), token, session.timeout_seconds)
    path = state_folder(environ) / "admin.sock"
    return Admin(str(path) if path.is_socket() else DEFAULT, token, session.timeout_seconds)


def parse(text: str) -> str | tuple[str, int]:
    """A place to ask: `unix:/path`, `/path`, `host:port`, `:port`, `port`, or a URL. Raises UsageFault."""
    if text.startswith(("unix:", "/")):
        return text.removeprefix("unix:").replace("///", "/", 1)
    first = text.replace(",", " ").split()[0] if text.strip() else ""
    if "://" not in first:
        first = f"http://{first if ':' in first else ':' + first}"
    try:
        parts = urlsplit(first)
        host, port = parts.hostname or DEFAULT[0], parts.port or DEFAULT[1]
    except ValueError:
        host, port = "", 0
    if not port or not host or parts.scheme != "http":
        raise usage(f"{text!r} is not an address to ask", "write it as host:port, http://host:port or unix:/path")
    return (DEFAULT[0] if host == "0.0.0.0" else host, port)  # noqa: S104  a listener on all addresses is on loopback too


def segment(text: str) -> str:
    """`text` as one segment of a path."""
    return quote(text, safe="")


def state_folder(environ: Mapping[str, str]) -> Path:
    """State folder of a daemon that was started as we are, unless it was told otherwise."""
    if environ.get("TIDEGATE_STATE"):
        return Path(environ["TIDEGATE_STATE"])
    if os.geteuid() == 0:
        return Path("/var/lib/tidegate")
    base = environ.get("XDG_STATE_HOME") or f"{environ.get('HOME', '/nonexistent')}/.local/state"
    return Path(base) / "tidegate"


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _plain(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _decode(admin: Admin, payload: bytes) -> Any:
    if not payload.strip():
        return {}
    try:
        return json.loads(payload)
    except ValueError:
        text = f"{admin.name} answered something that is not JSON"
        mend = "is this the admin address? HTTP and DNS have other ports"
        raise Unreachable(Problem(code="T1706", text=text, cause=repr(payload[:60]), mend=mend)) from None


def _refusal(status: int, answer: Any, name: str) -> TidegateError:
    """The exception for an RFC 9457 answer; its problems are the API's own where it names any."""
    if status in (401, 403):
        text = f"{name} wants a token" if status == 401 else f"{name} does not accept this token"
        return TidegateError(Problem(code="T1705", text=text, mend="give it with --token or TIDEGATE_TOKEN"))
    named = answer.get("errors") if isinstance(answer, dict) else None
    problems = [as_problem(item) for item in named or () if isinstance(item, dict)]
    if not problems:
        fields = answer if isinstance(answer, dict) else {}
        text = str(fields.get("detail") or fields.get("title") or f"{name} answered {status}")
        problems = [Problem(code=str(fields.get("code") or "T1706"), text=text)]
    kinds = {404: NoSuchThing, 409: Conflict, 412: Conflict, 503: StoreError, 408: WaitedTooLong, 504: WaitedTooLong}
    return kinds.get(status, TidegateError)(*problems)
