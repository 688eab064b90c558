from __future__ import annotations

import asyncio

import pytest

from tests.support.virtual_time import run_virtual
from tidegate.errors import Problem, StoreError
from tidegate.store.upkeep import keep_short


class Store:
    def __init__(self):
        self.compacted = []

    async def compact(self, older_than_seconds):
        self.compacted.append((round(asyncio.get_running_loop().time()), older_than_seconds))
        if len(self.compacted) == 2:
            raise StoreError(Problem(code="T1520", text="away"))
        return 7


def test_it_compacts_every_ten_minutes_to_a_quarter_of_an_hour_ago_and_outlives_a_store_that_is_away(caplog):
    async def main():
        store = Store()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(keep_short(store), 1801)
        assert store.compacted == [(600, 900.0), (1200, 900.0), (1800, 900.0)]

    run_virtual(main())
    assert [record.message for record in caplog.records] == ["the history could not be compacted"]
