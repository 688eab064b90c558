"""Transactions over the open file: one call, one commit. Synchronous; every call runs on the store's one thread.

Each change takes the next revision, writes the entry and its history in the same SQLite transaction, and is on disk when
the call returns (WAL, synchronous=FULL). The history is bounded; a watch that wants to resume from before it is refused.

Leases: their existence is durable, their deadlines are not (a monotonic clock means nothing after a restart), so an
opened store grants every lease its full time again.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from tidegate.errors import Problem, StoreError
from tidegate.store.bounds import check, no_lease
from tidegate.store.datafile import Damaged, back_up, checksum, open_file
from tidegate.store.port import Change, Compare, Delete, Entry, Listing, Put, WatchLost
from tidegate.telemetry import logger

Batch = tuple[Change, ...]
Changes = list[Change]  # named here, because `list` is a verb of the store below
TRIM_EVERY = 64  # revisions between two trims of the history
_SELECT = "SELECT key, value, revision, lease, checksum FROM entry"
BACKUP_SECONDS = 600.0  # a busy store renews its backup this often, besides each open and close


class Database:
    """The open file. `committed` is called with each batch of changes once it is durable, before the call returns."""

    def __init__(
        self, path: Path, clock: Callable[[], float], history: int, committed: Callable[[Batch], None]
    ) -> None:
        self._path = path
        self._clock = clock
        self._history = history
        self._committed = committed
        self._log: logging.Logger = logger("store")
        self._connection, self.problems = open_file(path)
        now = clock()
        rows = self._connection.execute("SELECT id, ttl FROM lease").fetchall()
        self._ttls: dict[int, float] = dict(rows)
        self._deadlines: dict[int, float] = {lease: now + ttl for lease, ttl in rows}
        self._backup(now)

    def get(self, key: str) -> Entry | None:
        """The entry as committed, or None."""
        with self._faults("read"):
            row = self._connection.execute(f"{_SELECT} WHERE key = ?", (key,)).fetchone()
            return None if row is None else _entry(row)

    def list(self, prefix: str) -> Listing:
        """All entries below `prefix` and the revision they stand at, in order of key."""
        with self._faults("read"):
            rows = self._connection.execute(f"{_SELECT} WHERE key >= ? AND key < ? ORDER BY key", _span(prefix))
            return Listing(entries=tuple(map(_entry, rows)), revision=self._revision())

    def replay(self, after_revision: int) -> tuple[Batch, ...]:
        """Every batch after `after_revision`; `WatchLost` if the history does not reach back, or not yet forward."""
        with self._faults("read"):
            revision, compacted = self._connection.execute("SELECT revision, compacted FROM state").fetchone()
            if not compacted <= after_revision <= revision:
                raise WatchLost(_unknown_revision(after_revision, compacted, revision))
            query = "SELECT revision, key, value FROM history WHERE revision > ? ORDER BY revision, part"
            batches: dict[int, Changes] = {}
            for number, key, value in self._connection.execute(query, (after_revision,)):
                batches.setdefault(number, []).append(Change(key=key, value=value, revision=number))
            return tuple(map(tuple, batches.values()))

    def txn(self, compares: tuple[Compare, ...], operations: tuple[Put | Delete, ...]) -> int | None:
        """Commit all or nothing; the revision after it, or None where a compare does not hold."""
        check(compares, operations)
        with self._transaction() as changes:
            if not all(self._holds(compare) for compare in compares):
                return None
            self._apply(operations, changes)
        return self._revision()

    def grant(self, ttl_seconds: float) -> int:
        """A new lease, alive from now on."""
        with self._transaction():
            cursor = self._connection.execute("INSERT INTO lease (ttl) VALUES (?)", (ttl_seconds,))
            assert cursor.lastrowid is not None, "an insert has a row"
            lease = cursor.lastrowid
        self._ttls[lease] = ttl_seconds
        self._deadlines[lease] = self._clock() + ttl_seconds
        return lease

    def keep(self, lease: int) -> bool:
        """Start the lease's time again; False if it is gone. Costs no write."""
        if lease not in self._deadlines:
            return False
        self._deadlines[lease] = self._clock() + self._ttls[lease]
        return True

    def revoke(self, *leases: int) -> None:
        """End leases and delete their entries, in one revision."""
        with self._transaction() as changes:
            for lease in leases:
                rows = self._connection.execute("SELECT key FROM entry WHERE lease = ? ORDER BY key", (lease,))
                self._apply(tuple(Delete(key=key) for (key,) in rows.fetchall()), changes)
                self._connection.execute("DELETE FROM lease WHERE id = ?", (lease,))
        for lease in leases:
            self._ttls.pop(lease, None)
            self._deadlines.pop(lease, None)

    def expire(self) -> None:
        """Revoke every lease whose time is over."""
        now = self._clock()
        due = [lease for lease, deadline in self._deadlines.items() if deadline <= now]
        if due:
            self.revoke(*due)

    def next_deadline(self) -> float | None:
        """When the first lease ends, on the clock given; None without leases."""
        return min(self._deadlines.values(), default=None)

    def close(self) -> None:
        """Renew the backup and let go of the file."""
        self._backup(self._clock())
        self._connection.close()

    # ------------------------------------------------------------------------------------------------------- writing

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Changes]:
        """BEGIN .. COMMIT around the block, ROLLBACK on any error; publishes what the block put in the list."""
        changes: Changes = []
        with self._faults("write"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield changes
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite rolls back by itself on a full disk
                    self._connection.execute("ROLLBACK")
                raise
        if changes:
            self._committed(tuple(changes))
        if self._clock() - self._backed_up >= BACKUP_SECONDS:
            self._backup(self._clock())

    def _apply(self, operations: tuple[Put | Delete, ...], changes: Changes) -> None:
        revision = changes[0].revision if changes else self._revision() + 1
        for operation in operations:
            change = self._put(operation, revision) if isinstance(operation, Put) else self._delete(operation, revision)
            if change is not None:
                self._connection.execute(
                    "INSERT INTO history VALUES (?, ?, ?, ?)", (revision, len(changes), change.key, change.value)
                )
                changes.append(change)
        if changes:
            self._connection.execute("UPDATE state SET revision = ?", (revision,))
            self._trim(revision)

    def _put(self, put: Put, revision: int) -> Change:
        if put.lease and put.lease not in self._deadlines:
            raise StoreError(no_lease(put))
        self._connection.execute(
            "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)",
            (put.key, put.value, revision, put.lease, checksum(put.key, put.value, revision, put.lease)),
        )
        return Change(key=put.key, value=put.value, revision=revision)

    def _delete(self, delete: Delete, revision: int) -> Change | None:
        gone = self._connection.execute("DELETE FROM entry WHERE key = ?", (delete.key,)).rowcount
        return Change(key=delete.key, value=None, revision=revision) if gone else None

    def _trim(self, revision: int) -> None:
        if revision % TRIM_EVERY == 0 and revision > self._history:
            oldest = revision - self._history
            self._connection.execute("DELETE FROM history WHERE revision <= ?", (oldest,))
            self._connection.execute("UPDATE state SET compacted = max(compacted, ?)", (oldest,))

    def _holds(self, compare: Compare) -> bool:
        row = self._connection.execute("SELECT revision FROM entry WHERE key = ?", (compare.key,)).fetchone()
        return bool(compare.revision == (row[0] if row else 0))

    def _revision(self) -> int:
        return int(self._connection.execute("SELECT revision FROM state").fetchone()[0])

    def _backup(self, now: float) -> None:
        self._backed_up = now
        try:
            back_up(self._connection, self._path)
        except (sqlite3.Error, OSError, Damaged) as error:
            # The store itself works; the previous backup is still there.
            self._log.warning(
                "the store's backup could not be renewed", extra={"path": str(self._path), "error": str(error)}
            )

    @contextlib.contextmanager
    def _faults(self, verb: str) -> Iterator[None]:
        """SQLite's errors become the operator's."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(_fault(self._path, verb, error)) from error


def _entry(row: tuple[str, bytes, int, int, int]) -> Entry:
    key, value, revision, lease, expected = row
    if checksum(key, value, revision, lease) != expected:
        raise StoreError(
            Problem(
                code="T1508",
                text=f"entry `{key}` of the store does not match its checksum",
                cause="the disk or the memory changed it after it was written",
                mend="restart: the damaged file is then moved aside and the last good backup used",
                kept="nothing was changed",
            )
        )
    return Entry(key=key, value=value, revision=revision, lease=lease)


def _span(prefix: str) -> tuple[str, str]:
    """Bounds of the keys below `prefix`: keys are ASCII, so one character above it ends the range."""
    return prefix, prefix + "\x7f"


def _fault(path: Path, verb: str, error: sqlite3.Error) -> Problem:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        text, mend = "the store's disk is full", "free some space; no restart is needed"
    else:
        text, mend = f"the store cannot {verb}", "see that the disk works and has space; no restart is needed"
    return Problem(
        code="T1506",
        text=text,
        place=str(path),
        cause=str(error),
        mend=mend,
        kept="nothing was written; traffic goes on",
    )


def _unknown_revision(asked: int, compacted: int, revision: int) -> Problem:
    return Problem(
        code="T1505",
        text=f"changes after revision {asked} cannot be told",
        cause=f"the store knows revisions {compacted} to {revision}",
        mend="list again and watch from the listing's revision",
        kept="every entry is in the store",
    )
