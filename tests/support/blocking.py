"""`no_blocking`: inside the test, a call that blocks the running event loop raises BlockingError."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx


@pytest.fixture
def no_blocking() -> Iterator[BlockBuster]:
    """Watches calls made from `tidegate`; compiled modules have no frames to see, so the plain run watches those."""
    with blockbuster_ctx("tidegate") as watch:
        yield watch
