"""Sockets and tables that the tests of the composition share, in the smallest form that crosses the channel."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tidegate.model import Backend, Route
from tidegate.routing import Delta, RoutingTable, with_delta


@pytest.fixture
def channel_socket(tmp_path):
    """A listening Unix socket, as the supervisor hands it to control; its path by `getsockname`."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "channel.sock"))
        one.listen(16)
        one.setblocking(False)
        yield one


def route(host, weight=100):
    backend = Backend(service="web", version="v1", port=80, weight=weight)
    return Route(id=f"{host}/", host=host, path="/", backends=(backend,))


def step(table, **changes):
    """The next table and the delta to it; hosts map to weights, None removes."""
    routes = {
        f"{host}.test/": None if weight is None else route(f"{host}.test", weight) for host, weight in changes.items()
    }
    delta = Delta(base=table.version, version=table.version + 1, routes=routes)
    return with_delta(table, delta), delta


EMPTY = RoutingTable()


async def until(condition, deadline=10.0):
    """Let the loop run until the condition holds."""
    async with asyncio.timeout(deadline):
        while not condition():  # noqa: ASYNC110  many conditions, none of which announces itself
            await asyncio.sleep(0)
