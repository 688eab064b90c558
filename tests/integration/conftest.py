"""The lab of the end-to-end tests is started once for all of them."""

from __future__ import annotations

import pytest_asyncio

from tests.support.lab import Lab


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory):
    made = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield await made.start()
    finally:
        await made.stop()
