"""The last table and health on disk, so that a cold start serves before an engine answers.

A sealed file (`store.sealed`) of MessagePack. One that does not check out is moved aside and told loudly; it never stops the
start.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tidegate.errors import Problem, Severity
from tidegate.model import HealthReport, HealthSource, HealthState
from tidegate.routing import RoutingTable, decode_table, encode_table
from tidegate.store.sealed import unsealed, write_sealed
from tidegate.telemetry import logger
from tidegate.value import Value

MAGIC = b"TGSNAP1\n"
DEBOUNCE_SECONDS = 1.0


class Remembered(Value, frozen=True):
    """A table of an earlier life and the reports of the endpoints that were healthy in it, marked as assumed."""

    table: RoutingTable
    health: tuple[HealthReport, ...] = ()


def remembered(table: RoutingTable) -> Remembered:
    """What to assume from a table alone: its healthy endpoints are where they were."""
    return Remembered(
        table=table,
        health=tuple(
            HealthReport(
                endpoint=endpoint.id,
                state=HealthState.HEALTHY,
                source=HealthSource.ASSUMED,
                since=0.0,
                reason="healthy before the restart",
                address=endpoint.address,
            )
            for service in table.services.values()
            for endpoint in service.endpoints
            if endpoint.state is HealthState.HEALTHY
        ),
    )


def load(path: Path) -> tuple[Remembered | None, Problem | None]:
    """What was remembered, or None; and what was wrong with the file, which then stands aside as `<name>.broken`."""
    try:
        data = path.read_bytes()
        return remembered(decode_table(unsealed(data, MAGIC))), None
    except FileNotFoundError:
        return None, None
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        return None, _put_aside(path, error)


def save(path: Path, table: RoutingTable) -> None:
    """Write durably. Raises OSError. Blocks: not for the event loop's thread."""
    write_sealed(path, MAGIC, encode_table(table))


def save_names(path: Path, table: RoutingTable, more: Iterable[tuple[str, str]] = ()) -> None:
    """Write what Tab completes with, one `kind<TAB>name` a line. Raises OSError."""
    pairs = {("service", key) for key in table.services} | set(more)
    pairs |= {("route", route.host) for route in table.routes.values()}
    for service in table.services.values():
        pairs |= {("endpoint", endpoint.name) for endpoint in service.endpoints}
        pairs |= {("node", endpoint.node) for endpoint in service.endpoints if endpoint.node}
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    temporary.write_text("".join(f"{kind}\t{name}\n" for kind, name in sorted(pairs)), "utf-8")
    temporary.replace(path)


def _put_aside(path: Path, error: Exception) -> Problem:
    aside = path.with_name(path.name + ".broken")
    kept = f"the file is kept as {aside}"
    try:
        path.replace(aside)
    except OSError as failure:
        kept = f"it could not be moved aside: {failure.strerror}"
    return Problem(
        code="T1320",
        text="the last table on disk cannot be read; starting without it",
        place=str(path),
        cause=str(error),
        mend="nothing to do: it is written again with the first table",
        kept=kept,
        severity=Severity.WARNING,
    )


class Memory:
    """Keeps the last table on disk, at most once a second, off the loop's thread; and beside it the names that Tab completes."""

    def __init__(self, folder: Path, debounce_seconds: float = DEBOUNCE_SECONDS) -> None:
        self._folder = folder
        self._debounce = debounce_seconds
        self._pending: RoutingTable | None = None  # the newest table not yet written
        self._table = RoutingTable()  # the newest one, written or not
        self._names: frozenset[tuple[str, str]] = frozenset()  # (kind, name) of what is in no table
        self._changed = asyncio.Event()
        self._failing = False

    @property
    def path(self) -> Path:
        """Where the table is kept."""
        return self._folder / "table.snapshot"

    def load(self) -> tuple[Remembered | None, Problem | None]:
        """See `load`."""
        found, problem = load(self.path)
        if found is not None:
            self._table = found.table
        return found, problem

    def note(self, table: RoutingTable) -> None:
        """Remember this table soon."""
        self._pending = self._table = table
        self._changed.set()

    def name(self, names: frozenset[tuple[str, str]]) -> None:
        """(kind, name) of what else Tab shall complete, from now on."""
        if names != self._names:
            self._names = names
            self._changed.set()

    async def run(self) -> None:
        """Write what was noted until cancelled; then write the last once more."""
        try:
            while True:
                await self._changed.wait()
                await asyncio.sleep(self._debounce)
                await asyncio.to_thread(self._write, self._take())
        finally:
            if self._pending is not None:
                self._write(self._take())

    def _take(self) -> RoutingTable | None:
        table, self._pending = self._pending, None
        self._changed.clear()
        return table

    def _write(self, table: RoutingTable | None) -> None:
        try:
            if table is not None:
                save(self.path, table)
            save_names(self._folder / "names", self._table, self._names)
            self._failing = False
        except OSError as error:
            # A full disk must not stop the routing; it is told once, until a write succeeds again.
            log = logger("control").debug if self._failing else logger("control").error
            log("the table cannot be kept on disk", extra={"place": str(self.path), "cause": str(error)})
            self._failing = True
