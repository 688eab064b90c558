"""The synchronous core: bounded history, backups, read-back checks."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.errors import StoreError
from tidegate.store.database import BACKUP_SECONDS, TRIM_EVERY, Database
from tidegate.store.datafile import backup_path
from tidegate.store.port import Delete, Put, WatchLost


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path, clock):
    database = Database(tmp_path / "store.db", clock, 100, lambda batch: None)
    yield database
    database.close()


def test_the_history_stays_bounded(database):
    for number in range(1000):
        database.txn((), (Put(key="a", value=b"%d" % number),))
    (kept,) = database._connection.execute("SELECT count(*) FROM history").fetchone()
    assert 100 <= kept <= 100 + TRIM_EVERY
    revision = database.list("").revision
    assert len(database.replay(revision - 100)) == 100
    with pytest.raises(WatchLost):
        database.replay(1)


def test_a_busy_store_renews_its_backup(database, tmp_path, clock):
    backup = backup_path(tmp_path / "store.db")
    database.txn((), (Put(key="a", value=b"1"),))
    assert _keys(backup) == []
    clock.now = BACKUP_SECONDS
    database.txn((), (Put(key="b", value=b"1"),))
    assert _keys(backup) == ["a", "b"]


def test_a_backup_that_cannot_be_written_does_not_fail_the_commit(database, tmp_path, clock, caplog):
    backup_path(tmp_path / "store.db").unlink()
    backup_path(tmp_path / "store.db").mkdir()
    (backup_path(tmp_path / "store.db") / "x").write_text("")
    clock.now = BACKUP_SECONDS
    assert database.txn((), (Put(key="a", value=b"1"),)) is not None
    assert "backup could not be renewed" in caplog.text


def test_an_entry_changed_behind_our_back_is_not_served(database):
    database.txn((), (Put(key="a", value=b"100"), Put(key="b", value=b"1")))
    database._connection.execute("UPDATE entry SET value = ? WHERE key = 'a'", (b"900",))
    with pytest.raises(StoreError) as refused:
        database.get("a")
    assert refused.value.problems[0].code == "T1508"
    assert database.get("b").value == b"1"
    database.txn((), (Delete(key="a"),))


def test_writing_one_key_twice_in_a_transaction_is_a_bug(database):
    with pytest.raises(AssertionError):
        database.txn((), (Put(key="a", value=b"1"), Delete(key="a")))


def _keys(path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return [key for (key,) in connection.execute("SELECT key FROM entry ORDER BY key")]
    finally:
        connection.close()


operations = st.lists(
    st.dictionaries(st.sampled_from("abcd"), st.one_of(st.none(), st.binary(max_size=8)), min_size=1), max_size=30
)


@settings(max_examples=40, deadline=None)
@given(operations)
def test_replaying_the_history_over_nothing_gives_the_listing(tmp_path_factory, steps):
    database = Database(tmp_path_factory.mktemp("store") / "store.db", Clock(), 1000, lambda batch: None)
    model: dict[str, bytes] = {}
    for step in steps:
        ops = tuple(Delete(key=key) if value is None else Put(key=key, value=value) for key, value in step.items())
        database.txn((), ops)
        model.update({key: value for key, value in step.items() if value is not None})
        for key in [key for key, value in step.items() if value is None]:
            model.pop(key, None)
    replayed: dict[str, bytes] = {}
    for batch in database.replay(0):
        assert len({change.revision for change in batch}) == 1
        for change in batch:
            if change.value is None:
                del replayed[change.key]
            else:
                replayed[change.key] = change.value
    listing = {entry.key: entry.value for entry in database.list("").entries}
    database.close()
    assert listing == replayed == model
