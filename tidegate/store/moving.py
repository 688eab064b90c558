"""Everything of the embedded store, moved to a cluster store: exported at one revision, put in force as a whole."""

from __future__ import annotations

from tidegate.store.etcd import EtcdStore
from tidegate.store.filling import fill, parts, vacant
from tidegate.store.opening import MOVED
from tidegate.store.port import Put, Store
from tidegate.value import Value


class Move(Value):
    """What was done, or would be. `left` are entries on leases: whoever holds those puts them anew."""

    source: str
    target: str
    revision: int
    entries: int
    left: int
    size: int
    transactions: int
    epoch: int


async def move(source: Store, target: EtcdStore, name: str, when: float, *, dry_run: bool) -> Move:
    """Copy all of `source`, called `name`, and leave word there of where it went. Nobody may write to `source` meanwhile.

    Raises StoreError (T1530, T1531, T1532, T1520); then nothing changed that anybody sees.
    """
    listing = await source.list("")
    entries = [each for each in listing.entries if not each.lease and each.key != MOVED]
    ground, _ = await vacant(target)
    number = ground.epoch.number + 1
    if not dry_run:
        await fill(target, entries, name, when)
        await source.txn((), (Put(key=MOVED, value=str(target.session.address).encode()),))
    return Move(
        source=name,
        target=str(target.session.address),
        revision=listing.revision,
        entries=len(entries),
        left=sum(bool(each.lease) for each in listing.entries),
        size=sum(len(each.value) for each in entries),
        transactions=len(list(parts(entries))),
        epoch=number,
    )
