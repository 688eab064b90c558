"""Opening, verifying and recovering the file; nothing damaged is ever used or lost silently."""

from __future__ import annotations

import os
import random
import sqlite3
import stat

import pytest

from tidegate.errors import StoreError
from tidegate.store.database import Database
from tidegate.store.datafile import JUMP, backup_path, open_file
from tidegate.store.port import Put, WatchLost


def opened(path) -> Database:
    return Database(path, lambda: 0.0, 100, lambda batch: None)


def filled(path, count: int = 50) -> None:
    database = opened(path)
    for number in range(count):
        database.txn((), (Put(key=f"k{number:03}", value=b"%d" % number * 100),))
    database.close()


def aside(path):
    return sorted(path.parent.glob(f"{path.name}.corrupt-*"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "store.db"


def test_a_new_file_and_its_folder_are_made_for_us_alone(path):
    database = opened(path)
    database.txn((), (Put(key="a", value=b"secret"),))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes) >= {"store.db", "store.db-wal", "store.db.backup"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    database.close()


def test_a_file_readable_by_others_is_closed_to_them(path):
    filled(path)
    path.chmod(0o644)
    opened(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_good_file_opens_without_problems(path):
    filled(path)
    assert open_file(path)[1] == ()


@pytest.mark.parametrize("size", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_moved_aside_and_the_backup_used(path, size):
    filled(path)
    before = path.stat().st_size
    os.truncate(path, max(1, int(before * size)))
    database = opened(path)
    (problem,) = database.problems
    assert problem.code == "T1501"
    assert str(aside(path)[0]) in problem.kept
    assert len(database.list("").entries) == 50
    database.close()


def test_no_flipped_bit_is_ever_served(path):
    filled(path)
    whole = path.read_bytes()
    expected = [(f"k{number:03}", b"%d" % number * 100) for number in range(50)]
    rng = random.Random(7)
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            database = opened(path)
        except StoreError as refused:  # the bit made it another format or another program's
            assert refused.problems[0].code in {"T1503", "T1504"}  # noqa: PT017  one of two right outcomes
            continue
        assert [(entry.key, entry.value) for entry in database.list("").entries] == expected
        database.close()


def test_garbage_without_a_backup_starts_empty_and_says_so_as_an_error(path):
    path.parent.mkdir()
    path.write_bytes(b"not a database at all, " * 100)
    database = opened(path)
    (problem,) = database.problems
    assert (problem.code, problem.severity.value) == ("T1502", "error")
    assert aside(path)[0].read_bytes().startswith(b"not a database")
    assert database.list("").entries == ()
    database.close()


def test_a_damaged_backup_is_not_used(path):
    filled(path)
    os.truncate(path, 5000)
    os.truncate(backup_path(path), 5000)
    database = opened(path)
    assert [problem.code for problem in database.problems] == ["T1502"]
    database.close()


def test_a_vanished_file_comes_back_from_the_backup(path):
    filled(path)
    path.unlink()
    database = opened(path)
    assert [problem.code for problem in database.problems] == ["T1501"]
    assert len(database.list("").entries) == 50
    database.close()


def test_after_recovery_no_old_revision_is_known(path):
    filled(path)
    os.truncate(path, 5000)
    database = opened(path)
    assert database.list("").revision >= JUMP
    with pytest.raises(WatchLost):
        database.replay(50)
    assert database.replay(database.list("").revision) == ()
    database.close()


def test_recovery_happens_once(path):
    filled(path)
    os.truncate(path, 5000)
    opened(path).close()
    database = opened(path)
    assert database.problems == ()
    database.close()
    assert len(aside(path)) == 1


def test_a_newer_format_is_refused_and_untouched(path):
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError) as refused:
        opened(path)
    assert refused.value.problems[0].code == "T1504"
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_keeps_its_rows(path):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE songs (title)")
    connection.execute("INSERT INTO songs VALUES ('x')")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError) as refused:
        opened(path)
    assert refused.value.problems[0].code == "T1503"
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT * FROM songs").fetchall() == [("x",)]
    connection.close()


def test_a_second_opener_is_told_that_the_file_is_in_use(path, monkeypatch):
    monkeypatch.setattr("tidegate.store.datafile.BUSY_SECONDS", 0.05)
    first = opened(path)
    first.txn((), (Put(key="a", value=b"1"),))
    with pytest.raises(StoreError) as refused:
        opened(path)
    assert "another process" in refused.value.problems[0].cause
    first.close()


def test_a_folder_that_cannot_be_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as refused:
        opened(tmp_path / "file" / "store.db")
    assert refused.value.problems[0].code == "T1503"
