"""The history of a cluster store, kept as short as watches can bear. One party does it: the leader.

Watches resume over five minutes at most, so a quarter of an hour is plenty. The server's own compaction stays off: it would not
know what we need.
"""

from __future__ import annotations

import asyncio

from tidegate.errors import StoreError
from tidegate.store.port import Store
from tidegate.telemetry import logger

EVERY_SECONDS = 600.0
KEPT_SECONDS = 900.0


async def keep_short(store: Store) -> None:
    """Compact now and then, until cancelled. A store that is away is compacted later."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            revision = await store.compact(KEPT_SECONDS)
        except StoreError as error:
            logger("store").warning("the history could not be compacted", extra={"cause": error.problems[0].text})
        else:
            logger("store").debug("the history was compacted", extra={"revision": revision})
