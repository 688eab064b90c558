from __future__ import annotations

import asyncio
import socket

from tests.support.router import endpoint
from tidegate.http1.events import Limits
from tidegate.router.connection import UpstreamConnection
from tidegate.router.sink import Sink
from tidegate.router.upstream import Upstream


class Paused(Sink):
    """A downstream that only hears of back-pressure and of the end."""

    def pause_reading_for_upstream(self):
        pass

    def upstream_lost(self, connection, untouched):
        pass


async def test_of_what_a_container_does_not_read_the_kernel_takes_little():
    size = 16 << 20
    with socket.create_server(("127.0.0.1", 0)) as silent:
        one = endpoint(silent.getsockname())
        upstream = Upstream(one, one.address, lambda _: None)
        loop = asyncio.get_running_loop()
        transport, connection = await loop.create_connection(
            lambda: UpstreamConnection(upstream, Limits(), loop.time), *silent.getsockname()
        )
        connection.downstream = Paused()
        connection.write(bytes(size))
        assert transport.get_write_buffer_size() > size - (1 << 20)
        transport.abort()
