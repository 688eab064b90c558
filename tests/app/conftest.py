from __future__ import annotations

from tests.support.channel import channel_socket  # noqa: F401  a fixture
from tests.support.loops import pytest_asyncio_loop_factories  # noqa: F401  a hook
