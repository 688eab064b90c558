"""Watches one static file and publishes what it says.

The file is looked at once a second (see docs/decisions/0016-file-polling.md), so that an editor's write in place, an
atomic replace and a directory-mounted volume that swaps a symbolic link are all the same. A file that is broken or
missing changes nothing: the last good content is published again, with the problems.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from msgspec import Struct

from tidegate import yamlfile
from tidegate.discovery.catalog import Catalog
from tidegate.discovery.provider import Publish
from tidegate.discovery.statics import Statics, read_statics
from tidegate.errors import Problem
from tidegate.model import Inventory, RouteSpec
from tidegate.telemetry import logger

POLL_SECONDS = 1.0
READ_SECONDS = 5.0
SETTLED_SECONDS = 2.0  # two writes within a file system's clock tick look alike; a file this young is read again

_log = logger("discovery.file")


class _Content(Struct, frozen=True):
    """One look: `text`, or why there is none."""

    text: str = ""
    fault: str = ""


class FileProvider:
    """A `Provider` over one static file."""

    def __init__(self, path: str, name: str = "", node: str = "", poll_seconds: float = POLL_SECONDS) -> None:
        self.name = name or f"file:{path}"
        self._path = path
        self._node = node
        self._poll_seconds = poll_seconds
        self._signature: tuple[int, ...] | None = None  # of the file when it was last read
        self._content: _Content | None = None
        self._catalog = Catalog()
        self._routes: tuple[RouteSpec, ...] = ()
        self._defaults: dict[str, str] = {}
        self._problems: tuple[Problem, ...] = ()
        self._version = 0

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the file as it is now."""
        return self._problems

    async def run(self, publish: Publish) -> None:
        """See `Provider`. Runs until cancelled."""
        while True:
            content = await self._look()
            if content is not None and content != self._content:
                self._content = content
                self._take(content)
                self._version += 1
                publish(self._inventory())
            await asyncio.sleep(self._poll_seconds)

    def _inventory(self) -> Inventory:
        return Inventory(
            provider=self.name,
            version=self._version,
            services=self._catalog.services(),
            routes=self._routes,
            defaults=self._defaults,
            problems=self._problems,
        )

    async def _look(self) -> _Content | None:
        """The file's content if it may have changed. In a thread: a disk can take its time."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await asyncio.to_thread(self._read)
        except TimeoutError:
            return _Content(fault=f"reading it took longer than {READ_SECONDS:g} s")

    def _read(self) -> _Content | None:
        try:
            status = os.stat(self._path)  # noqa: PTH116  one call for all that is needed, links followed
            signature = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev)
            if signature == self._signature and time.time() - status.st_mtime > SETTLED_SECONDS:
                return None
            content = _read_content(self._path)
        except OSError as error:
            self._signature = None
            return _Content(fault=error.strerror or str(error))
        self._signature = signature
        return content

    def _take(self, content: _Content) -> None:
        """Apply good content; keep the old one beside a broken one."""
        statics = _understood(content, self._path, self.name, self._node)
        if statics.problems:
            _log.warning("file has problems", extra={"provider": self.name, "count": len(statics.problems)})
        self._problems = statics.problems
        if not statics.is_good:
            return
        for gone in set(self._catalog.ids()) - {instance.id for instance in statics.instances}:
            self._catalog.remove(gone)
        for instance in statics.instances:
            self._catalog.put(instance)
        if statics.routes != self._routes:
            self._routes = statics.routes
        if statics.defaults != self._defaults:
            self._defaults = statics.defaults


def check_file(text: str, name: str) -> tuple[Problem, ...]:
    """Every problem of a static file's `text`; `name` is how the file is called in them."""
    return read_statics(yamlfile.load(text, name), "check").problems


def _read_content(path: str) -> _Content:
    """The file's text. Reads no more than is allowed, so that a wrong path cannot fill the memory."""
    with Path(path).open("rb") as file:
        data = file.read(yamlfile.MAX_BYTES + 1)
    try:
        return _Content(text=data.decode())
    except UnicodeDecodeError as error:
        return _Content(fault=f"it is not UTF-8 text (byte {error.start})")


def _understood(content: _Content, path: str, provider: str, node: str) -> Statics:
    if not content.fault:
        return read_statics(yamlfile.load(content.text, path), provider, node)
    problem = Problem(
        code="T1254",
        text=f"file {path} cannot be read",
        place=path,
        cause=content.fault,
        mend="see that the path is right and that we may read it",
        kept="the last good content of this file stays in force",
    )
    return Statics(problems=(problem,))
