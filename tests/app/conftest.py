from __future__ import annotations

from tests.support.channel import channel_socket  # noqa: F401  a fixture
