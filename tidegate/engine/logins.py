"""Logins to registries, which an engine needs to fetch what is not public: read where Docker's own command keeps them.

Read anew for each fetch, so that `docker login` takes effect without a restart. Secrets go from here to the engine and nowhere else:
they are in no message, no log and no value that shows itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from subprocess import DEVNULL, PIPE

from msgspec import DecodeError, Struct, json

from tidegate.engine.login_file import Helper, Login, header, login_for
from tidegate.errors import EngineError, Problem

HELPER_SECONDS = 15.0
_HELPER = re.compile(r"[A-Za-z0-9._-]+")
_ABSENT = b"credentials not found"  # a helper's way to say that it has none


class _Given(Struct, rename="pascal"):
    """What a helper says."""

    username: str = ""
    secret: str = ""


class Logins:
    """Those of a file, which need not be there unless it is `required`; none where `path` is None."""

    def __init__(self, path: Path | None, *, required: bool = False) -> None:
        self._path = path
        self._required = required

    @classmethod
    def said(cls, setting: str, environ: Mapping[str, str]) -> Logins:
        """By the setting: a path, `off`, or empty for where Docker's own command keeps them."""
        if setting == "off":
            return cls(None)
        if setting:
            return cls(Path(setting), required=True)
        folder = environ.get("DOCKER_CONFIG") or (f"{environ['HOME']}/.docker" if environ.get("HOME") else "")
        return cls(Path(folder) / "config.json" if folder else None)

    async def headers(self, registry: str) -> dict[str, str]:
        """What the request for an image of `registry` says beside. Raises EngineError (T1161) where a login cannot be read."""
        try:
            login = await self._login(registry)
        except (OSError, ValueError) as error:
            raise EngineError(_unread(registry, str(self._path), _cause(error))) from error
        return {} if login is None else {"X-Registry-Auth": header(login, registry)}

    async def _login(self, registry: str) -> Login | None:
        if self._path is None:
            return None
        try:
            content = await asyncio.to_thread(self._path.read_bytes)
        except FileNotFoundError:
            if self._required:
                raise
            return None
        found = login_for(content, registry)
        return await _asked(found) if isinstance(found, Helper) else found


async def _asked(helper: Helper) -> Login | None:
    """What a helper says; None where it has no login. Raises ValueError, OSError; never with its words."""
    if not _HELPER.fullmatch(helper.name):
        raise ValueError("it names a helper whose name no program has")
    program = f"docker-credential-{helper.name}"
    child = await asyncio.create_subprocess_exec(program, "get", stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    try:
        async with asyncio.timeout(HELPER_SECONDS):
            said, _ = await child.communicate(helper.address.encode())
    except TimeoutError:
        raise ValueError(f"{program} said nothing for {HELPER_SECONDS:g} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        if _ABSENT in said:
            return None
        raise ValueError(f"{program} ended with {child.returncode}")
    return _given(program, said)


def _given(program: str, said: bytes) -> Login:
    try:
        given = json.decode(said, type=_Given)
    except DecodeError:
        raise ValueError(f"what {program} says is not understood") from None
    if given.username == "<token>":
        return Login(identity=given.secret)
    return Login(name=given.username, password=given.secret)


def _cause(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__}: {error.filename or ''}".rstrip(": ")
    return str(error)


def _unread(registry: str, path: str, cause: str) -> Problem:
    return Problem(
        code="T1161",
        text=f"the login for {registry} cannot be read",
        place=path,
        cause=cause,
        mend="log in again with docker login, or say where logins are: docker.registry_config, 'off' for nowhere",
        kept="nothing was fetched",
    )
