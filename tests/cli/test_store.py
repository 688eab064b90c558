from __future__ import annotations

import asyncio

import pytest

from tests.support.cli import piped
from tidegate.app.folder import StateFolder
from tidegate.store.etcd import EtcdStore
from tidegate.store.opening import FILE
from tidegate.store.port import Put
from tidegate.store.sqlite import SqliteStore


@pytest.fixture
def state(tmp_path):
    async def fill():
        store = await SqliteStore.open(tmp_path / FILE)
        await store.txn((), tuple(Put(key=f"overrides/{number}", value=b"{}") for number in range(50)))
        await store.close()

    asyncio.run(fill())
    return tmp_path


async def _listed(address):
    store = await EtcdStore.open(address)
    try:
        return len((await store.list("")).entries)
    finally:
        await store.close()


def test_a_store_is_moved_and_what_to_do_next_is_said(state, etcd_member):
    address = etcd_member.address()
    tried = piped("store", "migrate", "--to", address.url(), "--state", str(state), "--dry-run", "--json")
    assert tried.code == 0
    assert (tried.json["data"]["entries"], tried.json["data"]["dry_run"]) == (50, True)
    assert asyncio.run(_listed(address)) == 0
    done = piped("store", "migrate", "--to", address.url(), "--state", str(state))
    assert done.code == 0
    assert "moved  50 entries" in done.out
    assert f"tidegate serve --store {address}" in done.out
    assert asyncio.run(_listed(address)) == 50
    again = piped("store", "migrate", "--to", address.url(), "--state", str(state), "--json")
    assert (again.code, again.json["errors"][0]["code"]) == (5, "T1530")


@pytest.mark.parametrize(
    ("url", "code", "exit_code"), [("redis://a", "T1533", 2), ("etcd://me:secret@a:port", "T1533", 2)]
)
def test_what_is_no_address_is_refused_without_its_password(state, url, code, exit_code):
    done = piped("store", "migrate", "--to", url, "--state", str(state))
    assert done.code == exit_code
    assert code in done.err
    assert "secret" not in done.err


def test_without_a_store_there_is_nothing_to_move(tmp_path):
    done = piped("store", "migrate", "--to", "etcd://127.0.0.1:1", "--state", str(tmp_path))
    assert done.code == 5
    assert "T1534" in done.err


def test_a_store_in_use_is_not_moved(state):
    lock = StateFolder(str(state))
    lock.take()
    try:
        done = piped("store", "migrate", "--to", "etcd://127.0.0.1:1", "--state", str(state))
    finally:
        lock.release()
    assert done.code == 2
    assert "T1012" in done.err
