"""A process that writes to a store and tells what was committed: `python store_writer.py PATH MODE [BYTES]`.

`pairs`: writes p/a and p/b with the same number in one transaction, for ever, and prints each number once committed.
`fill`: writes ever more entries of 4 kB, prints each number once committed, and on a StoreError its code, `list` if all
committed entries are still readable, and ends. With BYTES no file may grow beyond that size (RLIMIT_FSIZE).
"""

from __future__ import annotations

import asyncio
import resource
import sys

from tidegate.errors import StoreError
from tidegate.store.port import Put
from tidegate.store.sqlite import SqliteStore


async def main(path: str, mode: str, limit: int) -> None:
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    store = await SqliteStore.open(path)
    number = len((await store.list("fill/")).entries)
    while True:
        number += 1
        value = b"%d" % number
        pairs = (Put(key="p/a", value=value), Put(key="p/b", value=value))
        fill = tuple(Put(key=f"fill/{number:06}/{part}", value=value * 500) for part in "ab")
        try:
            await store.txn((), pairs if mode == "pairs" else fill)
        except StoreError as error:
            listing = await store.list("fill/")
            whole = len(listing.entries) == 2 * (number - 1)
            print(error.problems[0].code, "list" if whole else f"lost {number} {len(listing.entries)}", flush=True)  # noqa: T201  its report
            return
        print(number, flush=True)  # noqa: T201  its report


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0))
