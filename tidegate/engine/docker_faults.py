"""Sentences for what goes wrong between us and a Docker Engine: which socket, what it looks like, who we are, what helps.

Every failure of a connection is turned into `EngineUnreachable` here and nowhere else. The file system is looked at
only once something has failed.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import aiohttp

from tidegate.engine.docker_raw import RawError, decode
from tidegate.errors import EngineConflict, EngineError, EngineUnreachable, NoSuchThing, Problem, TidegateError

KEPT = "what was seen last stays in service"


def unreachable(url: str, error: BaseException) -> EngineUnreachable:
    """Why nobody answers at `url`, told from the exception of the connection attempt or of a broken transfer."""
    if isinstance(error, TimeoutError):
        return EngineUnreachable(no_answer(url))
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(error, aiohttp.ClientSSLError):
        return EngineUnreachable(_tls_refused(url, error))
    if url.startswith("unix://") and isinstance(cause, OSError):
        return EngineUnreachable(socket_problem(url.removeprefix("unix://"), cause))
    return EngineUnreachable(_broken(url, cause))


def no_answer(url: str) -> Problem:
    """The connection stands, or hangs, and no answer came."""
    return Problem(
        code="T1104",
        text=f"the Docker Engine at {url} did not answer in time",
        place=url,
        cause="the engine is starting, overloaded or stuck; one container's own calls wait while it starts or stops",
        mend="look at the engine: docker info; journalctl -u docker",
        kept=KEPT,
    )


def stream_ended(url: str, cause: str) -> EngineUnreachable:
    """The event stream is over, with or without an error; what happens meanwhile is unknown."""
    return EngineUnreachable(
        Problem(
            code="T1107",
            text=f"the event stream of the Docker Engine at {url} ended",
            place=url,
            cause=cause,
            mend="nothing, if the engine was restarted; a proxy before the engine must not cut idle streams",
            kept=KEPT,
        )
    )


def refused(url: str, status: int, body: bytes, what: str) -> TidegateError:
    """The engine's own refusal of `what`, with its own words."""
    message = _message(body) or f"status {status} without a message"
    if status == 404:
        return NoSuchThing(Problem(code="T1112", text=f"{what}: {message}", place=url, mend=_mend_missing(message)))
    problem = Problem(code="T1113", text=f"{what}: {message}", place=url, cause=f"the engine answered {status}")
    return EngineConflict(problem) if status == 409 else EngineError(problem)


def not_understood(url: str, what: str, error: Exception) -> EngineError:
    """The engine's answer is not of the shape that any known API version has."""
    return EngineError(
        Problem(
            code="T1109",
            text=f"{what}: the answer of {url} was not understood",
            place=url,
            cause=str(error),
            mend="check that the URL names a Docker Engine and not something else",
        )
    )


def _message(body: bytes) -> str:
    try:
        raw = decode(RawError, body)
    except ValueError:
        return body[:300].decode("utf-8", "replace").strip()  # a proxy before the engine answers in its own form
    return (raw.message or raw.error).strip()


def _mend_missing(message: str) -> str:
    return "pull or build the image first: docker pull IMAGE" if "image" in message.lower() else ""


# ------------------------------------------------------------------------------------------------------- unix sockets


def socket_problem(path: str, error: OSError) -> Problem:
    """Why the socket at `path` cannot be connected to, with the rights of the file and of this process."""
    facts = _facts(path)
    if error.errno == errno.ENOENT:
        return _missing(path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return _not_permitted(path, facts)
    if error.errno == errno.ECONNREFUSED:
        return _nobody_listens(path, facts)
    return _broken(f"unix://{path}", error)


def _missing(path: str) -> Problem:
    return Problem(
        code="T1101",
        text=f"there is no Docker socket at {path}: the file does not exist",
        place=path,
        cause="Docker is not installed, not running, or listens elsewhere",
        mend="start Docker (systemctl start docker), name its socket with --docker URL, or go without: --no-docker",
        kept=KEPT,
    )


def _not_permitted(path: str, facts: str) -> Problem:
    group = _group_of(path)
    return Problem(
        code="T1102",
        text=f"the Docker socket {path} may not be opened by this process",
        place=path,
        cause=f"{facts}; we are {_ourselves()}",
        mend=f"join the group that owns the socket{group}, or run as root; in a container add that group by its number",
        kept=KEPT,
    )


def _nobody_listens(path: str, facts: str) -> Problem:
    return Problem(
        code="T1103",
        text=f"the Docker socket {path} exists but nobody listens on it",
        place=path,
        cause=f"{facts}; Docker is stopped, or the socket was replaced when Docker started again",
        mend="start Docker; in a container mount the socket's directory instead of the socket itself",
        kept=KEPT,
    )


def _facts(path: str) -> str:
    """Kind, mode and owner of the file at `path`."""
    try:
        seen = Path(path).stat()
    except OSError as error:
        return f"{path} cannot be looked at ({error.strerror})"
    kind = "socket" if stat.S_ISSOCK(seen.st_mode) else "file that is no socket"
    return f"it is a {kind} of mode {stat.S_IMODE(seen.st_mode):04o}, owner uid {seen.st_uid} gid {seen.st_gid}"


def _group_of(path: str) -> str:
    try:
        return f" (gid {Path(path).stat().st_gid})"
    except OSError:
        return ""


def _ourselves() -> str:
    groups = sorted({os.getegid(), *os.getgroups()})
    return f"uid {os.geteuid()}, gids {', '.join(map(str, groups))}"


# ---------------------------------------------------------------------------------------------------------- the rest


def _tls_refused(url: str, error: aiohttp.ClientSSLError) -> Problem:
    return Problem(
        code="T1106",
        text=f"no TLS connection to the Docker Engine at {url}",
        place=url,
        cause=str(error),
        mend="check the ca, cert and key files, and that the URL's host is one the engine's certificate names",
        kept=KEPT,
    )


def _broken(url: str, error: BaseException) -> Problem:
    return Problem(
        code="T1105",
        text=f"the Docker Engine at {url} cannot be reached",
        place=url,
        cause=str(error) or type(error).__name__,
        mend="check the URL and that the engine runs: docker -H URL version",
        kept=KEPT,
    )
