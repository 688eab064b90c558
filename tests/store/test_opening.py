from __future__ import annotations

from tidegate.config import StateConfig
from tidegate.store.etcd import EtcdStore
from tidegate.store.opening import FILE, MOVED, open_store
from tidegate.store.port import Put
from tidegate.store.sqlite import SqliteStore


async def test_without_a_url_it_is_sqlite_in_the_state_folder(tmp_path):
    store = await open_store(StateConfig(folder=str(tmp_path)))
    assert isinstance(store, SqliteStore)
    assert (tmp_path / FILE).exists()
    assert store.problems == ()
    await store.close()


async def test_a_cluster_store_that_is_away_is_opened_all_the_same(tmp_path):
    store = await open_store(StateConfig(folder=str(tmp_path), store="etcd://127.0.0.1:1"))
    assert isinstance(store, EtcdStore)
    assert store.problems == ()
    assert not (tmp_path / FILE).exists()
    await store.close()


async def test_a_store_that_was_moved_away_says_so(tmp_path):
    store = await SqliteStore.open(tmp_path / FILE)
    await store.txn((), (Put(key=MOVED, value=b"etcd://a:2379/tidegate"),))
    await store.close()
    store = await open_store(StateConfig(folder=str(tmp_path)))
    (problem,) = store.problems
    assert (problem.code, problem.severity) == ("T1529", "warning")
    assert "etcd://a:2379/tidegate" in problem.mend
    await store.close()
