"""On the loop of a worker."""

from __future__ import annotations

from tests.support.loops import pytest_asyncio_loop_factories  # noqa: F401  a hook
from tests.support.release_plane import stage  # noqa: F401  a fixture
