"""The SQLite file itself: opened, verified, kept in a backup, moved aside when damaged. Synchronous; runs on one thread.

A file is *good* when SQLite finds it whole, it is ours, its version is known and every entry matches its checksum
(SQLite itself does not notice a flipped bit inside a value). A damaged file is never deleted and never silently replaced
by an empty one: it is renamed, the last good backup takes its place, and a `Problem` says so. After that the revision
jumps, so that nothing decided from the lost revisions compares equal by accident.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import zlib
from datetime import UTC, datetime
from pathlib import Path

from tidegate.errors import Problem, Severity, StoreError

APPLICATION = 0x7469_6467  # "tidg", in SQLite's own header
SCHEMA = 1
JUMP = 1_000_000_000  # far more revisions than a lost file can have had since its backup
BUSY_SECONDS = 5.0  # how long a predecessor that is just stopping may still hold the file
SIDE_FILES = ("", "-wal", "-shm")

_TABLES = """
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL, compacted INTEGER NOT NULL);
INSERT INTO state VALUES (1, 0, 0);
CREATE TABLE entry (
    key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL, lease INTEGER NOT NULL, checksum INTEGER NOT NULL
);
CREATE INDEX entry_lease ON entry (lease) WHERE lease != 0;
CREATE TABLE history (
    revision INTEGER NOT NULL, part INTEGER NOT NULL, key TEXT NOT NULL, value BLOB, PRIMARY KEY (revision, part)
);
CREATE TABLE lease (id INTEGER PRIMARY KEY AUTOINCREMENT, ttl REAL NOT NULL);
"""


class Damaged(Exception):
    """The file is not whole; the text says how."""


def checksum(key: str, value: bytes, revision: int, lease: int) -> int:
    """What an entry must match when it is read back."""
    return zlib.crc32(value, zlib.crc32(f"{key}\0{revision}\0{lease}".encode()))


def open_file(path: Path) -> tuple[sqlite3.Connection, tuple[Problem, ...]]:
    """A connection to a good file, made or recovered if need be, and what the operator must know about it.

    Raises `StoreError` when it cannot be opened, belongs to somebody else, or was written by a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            return _start(path)
        try:
            return _connect(path, new=False), ()
        except Damaged as damage:
            return _recover(path, str(damage))
    except (OSError, sqlite3.Error) as error:
        raise StoreError(_cannot_open(path, error)) from error


def back_up(connection: sqlite3.Connection, path: Path) -> None:
    """Replace the backup by a verified copy of the open file. Raises `sqlite3.Error`, `OSError` or `Damaged`; whatever
    happens, the previous backup stays until the new one is whole and on disk.
    """
    draft = path.with_name(path.name + ".backup-draft")
    try:
        _create(draft)
        with contextlib.closing(sqlite3.connect(draft)) as copy:
            connection.backup(copy)
            _verify(copy)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(backup_path(path))
        _sync_folder(path)
    finally:
        draft.unlink(missing_ok=True)


def backup_path(path: Path) -> Path:
    """Where the backup of `path` stands."""
    return path.with_name(path.name + ".backup")


def _start(path: Path) -> tuple[sqlite3.Connection, tuple[Problem, ...]]:
    """A new file; from the backup if there is one, because then the file itself was lost."""
    if backup_path(path).exists():
        return _recover(path, "the file is missing, but its backup is there")
    _create(path)
    return _connect(path, new=True), ()


def _recover(path: Path, damage: str) -> tuple[sqlite3.Connection, tuple[Problem, ...]]:
    moved = _move_aside(path)
    restored = _restore(path)
    if not restored:
        _create(path)
    connection = _connect(path, new=not restored)
    connection.execute("UPDATE state SET revision = revision + ?", (JUMP,))
    connection.execute("UPDATE state SET compacted = revision")
    connection.execute("DELETE FROM history")
    return connection, (_recovered(path, damage, moved, restored),)


def _connect(path: Path, new: bool) -> sqlite3.Connection:
    path.chmod(0o600)  # SQLite gives its -wal the same mode
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        # EXCLUSIVE: a second process must not write past our watchers and leases.
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        _make_tables(connection, path, new)
        _verify(connection)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.DatabaseError) and _is_damage(error):
            raise Damaged(str(error)) from error
        raise
    return connection


def _make_tables(connection: sqlite3.Connection, path: Path, new: bool) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == 0 and schema == 0 and tables == 0:
        if not new and backup_path(path).exists():
            raise Damaged("it is empty, and was not")  # SQLite takes a file cut to nothing for a new one
        connection.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id={APPLICATION}; PRAGMA user_version={SCHEMA}; COMMIT;"
        )
    elif application != APPLICATION:
        raise StoreError(_foreign(path))
    elif schema != SCHEMA:
        raise StoreError(_other_version(path, schema))


def _verify(connection: sqlite3.Connection) -> None:
    """Raise `Damaged` unless every page and every entry is as it was written. Reads everything once."""
    try:
        verdicts = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        if verdicts != ["ok"]:
            raise Damaged("; ".join(verdicts))
        newest = connection.execute("SELECT revision FROM state").fetchone()
        rows = connection.execute("SELECT key, value, revision, lease, checksum FROM entry")
        for key, value, revision, lease, expected in rows:
            if checksum(key, value, revision, lease) != expected or revision > newest[0]:
                raise Damaged(f"entry `{key}` does not match its checksum")
    except (sqlite3.DatabaseError, TypeError, ValueError) as error:
        # A flipped type byte turns a blob into a number, a flipped text byte is no UTF-8 any more.
        raise Damaged(str(error)) from error


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _move_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    moved = path.with_name(f"{path.name}.corrupt-{stamp}")
    for side in SIDE_FILES:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + side).rename(moved.with_name(moved.name + side))
    return moved


def _restore(path: Path) -> bool:
    """Put the backup in place if it is good; False leaves nothing at `path`."""
    backup = backup_path(path)
    try:
        _create(path)
        with contextlib.closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as source:
            _verify(source)
            with contextlib.closing(sqlite3.connect(path)) as target:
                source.backup(target)
    except (sqlite3.Error, OSError, Damaged):
        path.unlink(missing_ok=True)
        return False
    return True


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _recovered(path: Path, damage: str, moved: Path, restored: bool) -> Problem:
    aside = f"the damaged file is {moved}" if moved.exists() else "there was no file to move aside"
    if restored:
        return Problem(
            code="T1501",
            text="the store was damaged and its last good backup is in use",
            place=str(path),
            cause=damage,
            mend="check weights, drains and releases: changes made since the backup are missing",
            kept=aside,
            severity=Severity.WARNING,
        )
    return Problem(
        code="T1502",
        text="the store was damaged, it has no usable backup, and a new empty one is in use",
        place=str(path),
        cause=damage,
        mend="set weights, drains and releases again, or stop, put a saved copy in place and start",
        kept=aside,
    )


def _cannot_open(path: Path, error: Exception) -> Problem:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
        cause, mend = "another process has it open", "stop the other one, or give this one its own --state folder"
    else:
        cause, mend = str(error), f"see that uid {os.geteuid()} may write the folder and that its disk works"
    return Problem(
        code="T1503", text="the store cannot be opened", place=str(path), cause=cause, mend=mend, kept="it is unchanged"
    )


def _foreign(path: Path) -> Problem:
    return Problem(
        code="T1503",
        text="the store cannot be opened",
        place=str(path),
        cause="it is an SQLite file of another program",
        mend="give another --state folder",
        kept="it is unchanged",
    )


def _other_version(path: Path, schema: int) -> Problem:
    return Problem(
        code="T1504",
        text=f"the store has format {schema}, and this version reads format {SCHEMA}",
        place=str(path),
        cause="another version of Tidegate wrote it",
        mend="start the version that wrote it, or restore a backup made by this one",
        kept="it is unchanged",
    )
