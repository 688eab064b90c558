"""One secret for all nodes."""

import asyncio

from tests.support.memory_store import MemoryStore, Way
from tests.support.virtual_time import run_virtual
from tidegate.cluster.secret import shared_secret


def test_whoever_is_first_makes_it_and_all_have_the_same():
    async def main() -> None:
        store = MemoryStore()
        ways = [Way(store) for _ in range(5)]
        for number, way in enumerate(ways):
            way.delays = [0.0, 0.1 * number]  # all find none, then they write
        found = await asyncio.gather(*map(shared_secret, ways))
        assert len(set(found)) == 1 and len(found[0]) >= 32
        assert await shared_secret(store) == found[0]

    run_virtual(main())
