"""Every test with a loop runs on the loop of a worker, where its directory does not say otherwise."""

from __future__ import annotations

from tidegate.router.loop import Loop


def pytest_asyncio_loop_factories(config, item):
    return {"worker": Loop}
