"""A directory whose conftest imports this runs its tests on the loop of a worker, which a router needs."""

from __future__ import annotations

from tidegate.router.loop import Loop


def pytest_asyncio_loop_factories(config, item):
    return {"worker": Loop}
