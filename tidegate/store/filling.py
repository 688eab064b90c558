"""A cluster store filled as a whole: nobody sees half of it.

Entries are written below a root that nobody reads yet, in as many transactions as it takes, and read back. One last transaction puts
that root in force, and bumps the epoch; it holds only if nothing came into the old root meanwhile. What fails before
that is never seen, and is deleted.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

import msgspec

from tidegate.errors import Problem, StoreError
from tidegate.store import gateway
from tidegate.store.etcd import EtcdStore
from tidegate.store.gateway import Body, TxnAnswer
from tidegate.store.ground import Epoch, Ground, epoch_key, is_entry
from tidegate.store.port import MAX_BYTES, MAX_OPERATIONS, Entry

TRIES = 5  # to write between two heartbeats


async def vacant(store: EtcdStore) -> tuple[Ground, int]:
    """The ground, and the revision at which no entry was on it. Raises StoreError (T1530) where there are some."""
    ground = await store.ground()
    found, revision = await store.scan(ground.data)
    entries = sum(is_entry(each.key) for each in found)
    if entries:
        raise StoreError(_not_empty(store, entries))
    return ground, revision


async def fill(store: EtcdStore, entries: Sequence[Entry], source: str, when: float) -> Epoch:
    """Put these entries, and no others, in force; the new epoch. Leases stay behind. Raises StoreError, and then nothing changed."""
    ground, _ = await vacant(store)
    number = ground.epoch.number + 1
    epoch = Epoch(number=number, root=f"{number}-{secrets.token_hex(4)}", source=source, when=when)
    root = ground.root(epoch.root)
    try:
        for part in parts(entries):
            await _write(store, [], [gateway.put(root + each.key.encode(), each.value) for each in part])
        await _read_back(store, root, entries)
    except BaseException:
        await _delete(store, root)
        raise
    if not await _put_in_force(store, ground, epoch):
        await _delete(store, root)
        raise StoreError(_disturbed(store))
    await store.refreshed()
    store.session.renew()
    await _delete(store, ground.data)  # heartbeats, at most
    return epoch


def parts(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries in portions that fit into a transaction each."""
    part: list[Entry] = []
    size = 0
    for each in entries:
        if part and (len(part) >= MAX_OPERATIONS or size + len(each.value) > MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(each)
        size += len(each.value)
    if part:
        yield part


async def _read_back(store: EtcdStore, root: bytes, entries: Sequence[Entry]) -> None:
    found, _ = await store.scan(root)
    wanted = {root + each.key.encode(): each.value for each in entries}
    if {each.key: each.value for each in found} != wanted:
        raise StoreError(_not_same(store, len(found), len(wanted)))


async def _put_in_force(store: EtcdStore, ground: Ground, epoch: Epoch) -> bool:
    """The one write that everybody sees; False if it surely was not and will not be made. A heartbeat of someone who looks
    on may come between, so it is tried some times. Raises StoreError where it may have been made."""
    span = gateway.span(ground.data)
    unmoved = gateway.unchanged(epoch_key(ground.prefix), ground.revision)
    for _ in range(TRIES):
        found, revision = await store.scan(ground.data)
        if any(is_entry(each.key) for each in found):
            return False
        conditions = [unmoved, gateway.none_after(ground.data, span, revision)]
        if await _write(store, conditions, [gateway.put(epoch_key(ground.prefix), msgspec.json.encode(epoch))]):
            return True
        now = await store.refreshed()
        if now != ground:  # ours, where only the answer was lost
            return now.epoch == epoch
    return False


async def _write(store: EtcdStore, conditions: list[Body], writes: list[Body]) -> bool:
    """One transaction that may be sent twice: what it writes is the same each time."""
    body = gateway.transaction(conditions, writes, [])
    return (await store.session.ask("/v3/kv/txn", body, TxnAnswer)).succeeded


async def _delete(store: EtcdStore, root: bytes) -> None:
    await store.session.ask("/v3/kv/deleterange", gateway.ranged(root, gateway.span(root)), TxnAnswer)


def _not_empty(store: EtcdStore, entries: int) -> Problem:
    return Problem(
        code="T1530",
        text="the cluster store is not empty",
        place=str(store.session.address),
        cause=f"it has {entries} entries",
        mend="name another prefix after the slash, or delete what is there: etcdctl del --prefix",
        kept="nothing was written",
    )


def _not_same(store: EtcdStore, found: int, wanted: int) -> Problem:
    return Problem(
        code="T1531",
        text="what was read back of the cluster store is not what was written",
        place=str(store.session.address),
        cause=f"{found} entries of {wanted}, or other values",
        mend="see the log of its members, then try again",
        kept="what was written was never in force, and is deleted",
    )


def _disturbed(store: EtcdStore) -> Problem:
    return Problem(
        code="T1532",
        text="somebody else writes to the cluster store",
        place=str(store.session.address),
        mend="stop every Tidegate that uses it, then try again",
        kept="what was written was never in force, and is deleted",
    )
