"""The Unix socket between control and workers: `ChannelServer` in control, `ChannelClient` in each worker.

The listening socket belongs to the supervisor, so its path stays while control restarts; a worker whose control is gone
keeps the table it has and connects again. A worker that does not read falls behind a bound, loses its connection, and
gets a fresh snapshot when it is back.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from tidegate.app.messages import (
    MAX_FRAME,
    Applied,
    FromWorker,
    Hello,
    Message,
    Snapshot,
    change,
    delta_of,
    frame,
    from_control,
    from_worker,
)
from tidegate.routing import Delta, RoutingTable, decode_table, encode_table, sharded, with_delta
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

_MAX_BACKLOG = 64 << 20  # bytes a worker may lag behind
_RECONNECT_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_log = logger("channel")


class Follower:
    """One connected worker, as control sees it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.slot = -1
        self.pid = 0
        self.applied = 0
        self.synced = False  # it has our table as a whole, so that deltas fit

    def send(self, data: bytes) -> None:
        """Queue a frame; cut the connection if the worker is too far behind."""
        if self.writer.transport.get_write_buffer_size() > _MAX_BACKLOG:
            _log.warning("worker does not read, connection cut", extra={"slot": self.slot, "pid": self.pid})
            self.writer.transport.abort()
        else:
            self.writer.write(data)


class ChannelServer:
    """Control's side: publishes tables to every worker and takes in what they report.

    `on_message(slot, message)` gets everything but greetings. Implements the reconciler's publisher and the admin API's
    question whether all workers applied a version.
    """

    def __init__(self, on_message: Callable[[int, Message], None], expected: int) -> None:
        self.table = RoutingTable()
        self.followers: set[Follower] = set()
        self._on_message = on_message
        self._expected = expected
        self._fresh = False
        self._built = False  # a table was built in this life of control
        self._changed = asyncio.Condition()
        self._tasks: Tasks | None = None

    async def run(self, listening: socket.socket) -> None:
        """Accept workers until cancelled."""
        async with Tasks("channel") as tasks:
            self._tasks = tasks
            server = await asyncio.start_unix_server(self._serve, sock=listening)
            try:
                await server.serve_forever()
            finally:
                server.close()
                for follower in self.followers:
                    follower.writer.transport.abort()

    def publish(self, table: RoutingTable, delta: Delta) -> None:
        """Send a published difference to all workers."""
        self.table = table
        self._built = self._fresh
        data = frame(change(delta))
        for follower in self.followers:
            if follower.synced:
                follower.send(data)
            else:
                self._synchronise(follower)

    def settle(self) -> None:
        """From here on tables are fresh: what was published before is only remembered, and a worker that outlived the
        last control process knows better."""
        self._fresh = True

    def synchronise_all(self) -> None:
        """The table is fresh: workers that were left with theirs get it now."""
        self._built = True
        for follower in self.followers:
            if not follower.synced:
                self._synchronise(follower)

    def _synchronise(self, follower: Follower) -> None:
        follower.synced = True
        follower.send(frame(Snapshot(table=encode_table(self.table))))

    async def wait_applied(self, version: int, timeout: float) -> bool:  # noqa: ASYNC109  the port is a deadline
        """Whether all expected workers route by `version` (or later) within the time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(lambda: self.applied_by_all(version))
                return True
        return False

    def applied_by_all(self, version: int) -> bool:
        """Whether every expected worker is connected and routes by `version` or later."""
        ready = [follower for follower in self.followers if follower.slot >= 0 and follower.applied >= version]
        return len({follower.slot for follower in ready}) >= self._expected

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        follower = Follower(writer)
        try:
            while True:
                self._take(follower, from_worker(await _read_frame(reader)))
                if follower.slot >= 0:
                    async with self._changed:
                        self._changed.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the worker is gone; its successor will connect
        except msgspec.DecodeError:
            _log.exception("a worker sent what is not a message")
        finally:
            self.followers.discard(follower)
            writer.transport.abort()

    def _take(self, follower: Follower, message: FromWorker) -> None:
        if isinstance(message, Hello):
            follower.slot, follower.pid = message.slot, message.pid
            self.followers.add(follower)
            if self._built or (self.table.version and not message.version):
                self._synchronise(follower)
        elif isinstance(message, Applied):
            follower.applied = message.version
        else:
            self._on_message(follower.slot, message)


class ChannelClient:
    """A worker's side: keeps a mirror of the table and reports. `on_table(table, delta)` is called per version."""

    def __init__(self, path: str, slot: int, on_table: Callable[[RoutingTable, Delta], None]) -> None:
        self.table = RoutingTable()
        self._path = path
        self._slot = slot
        self._on_table = on_table
        self._writer: asyncio.StreamWriter | None = None
        self.told = asyncio.Event()  # control has spoken once

    def start_from(self, table: RoutingTable) -> None:
        """Begin with a remembered table (before control has spoken)."""
        self._replace(table)

    async def run(self) -> None:
        """Follow control for ever; connect again whenever it is gone."""
        attempt = 0
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(self._path)
                self.send(Hello(slot=self._slot, pid=os.getpid(), version=self.table.version))
                while True:
                    self._take(await _read_frame(reader))
                    attempt = 0
            except (ValueError, msgspec.DecodeError):
                _log.exception("what control sent does not fit, asking for the whole table", extra={"slot": self._slot})
            except (OSError, asyncio.IncompleteReadError):
                _log.debug("control is gone, the table stays", extra={"slot": self._slot})
            finally:
                self._hang_up()
            await asyncio.sleep(_RECONNECT_SECONDS[min(attempt, len(_RECONNECT_SECONDS) - 1)])
            attempt += 1

    def send(self, message: Message) -> None:
        """Tell control, if it is there and listening; reports that cannot be sent are given up."""
        writer = self._writer
        if writer is not None and writer.transport.get_write_buffer_size() < _MAX_BACKLOG:
            writer.write(frame(message))

    @property
    def connected(self) -> bool:
        """Whether control is there."""
        return self._writer is not None

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    def _take(self, body: bytes) -> None:
        message = from_control(body)
        if isinstance(message, Snapshot):
            self._replace(decode_table(message.table))
        else:
            delta = delta_of(message)
            table = with_delta(self.table, delta)
            self.table = table
            self._on_table(table, delta)
        self.send(Applied(version=self.table.version))
        self.told.set()

    def _replace(self, table: RoutingTable) -> None:
        """Go over to a whole table by the difference to the one we have, so that live things survive."""
        delta = difference(self.table, table)
        # In shards the next version copies what a change touches, not 40 000 names (docs/decisions/0030).
        self.table = RoutingTable(
            version=table.version,
            routes=sharded(table.routes),
            services=sharded(table.services),
            names=sharded(table.names),
            subnets=table.subnets,
        )
        self._on_table(self.table, delta)


def difference(old: RoutingTable, new: RoutingTable) -> Delta:
    """The delta from one whole table to another (their versions may go either way, e.g. after a lost state folder)."""
    changes: dict[str, Any] = {}
    for field in ("routes", "services", "names"):
        before, after = getattr(old, field), getattr(new, field)
        changed = {key: value for key, value in after.items() if before.get(key) != value}
        changed.update(dict.fromkeys(key for key in before if key not in after))
        changes[field] = changed
    subnets = new.subnets if new.subnets != old.subnets else None
    return Delta(base=old.version, version=new.version, subnets=subnets, **changes)


async def _read_frame(reader: asyncio.StreamReader) -> bytes:
    """One frame's body. Raises IncompleteReadError at the end, ConnectionError for an absurd length."""
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > MAX_FRAME:
        raise ConnectionError(f"a frame of {size} bytes")
    return await reader.readexactly(size)
