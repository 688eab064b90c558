"""What the routers of one cluster know each other by: made by the first node, in the store, the same for all."""

from __future__ import annotations

import secrets

from tidegate.cluster.keys import SECRET
from tidegate.cluster.lease import answered
from tidegate.store.port import Compare, Put, Store

_BYTES = 32


async def shared_secret(store: Store) -> bytes:
    """The secret, made if there is none. Raises StoreError."""
    while True:
        found = await answered(store.get(SECRET))
        if found is not None:
            return found.value
        put = Put(key=SECRET, value=secrets.token_hex(_BYTES).encode())
        if await answered(store.txn((Compare(key=SECRET, revision=0),), (put,))) is not None:
            return put.value
