"""Which store this is: a name it got once and never changes, by which what was made on its behalf is told from what others made."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.store.port import Compare, Put, Store

KEY = "identity"


async def identity(store: Store, make: Callable[[], str]) -> str:
    """The store's name; where it has none yet it gets what `make` says. Raises StoreError."""
    while True:
        known = await store.get(KEY)
        if known is not None:
            return known.value.decode()
        name = make()
        # Where somebody else was faster, theirs holds.
        if await store.txn((Compare(key=KEY, revision=0),), (Put(key=KEY, value=name.encode()),)) is not None:
            return name
