"""What runs in the containers of `releases`, as a client meets it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from bench.macro.replica import Replica
from bench.macro.strict import Connection
from bench.macro.websockets import Session
from tests.support.channel import until

GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\n" + bytes(1000)


@asynccontextmanager
async def replica(**options):
    made = Replica("v2", **options)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(made.serve(0))
        await until(lambda: made.port)
        try:
            yield made, made.port, serving
        finally:
            made.leaving.set()


async def test_it_answers_with_its_version_and_echoes_frames():
    async with replica() as (_, port, _):
        connection = Connection(port)
        assert await connection.ask(GET) == 200
        assert await connection.ask(POST) == 200
        assert connection.body.startswith(b"v2 ")
        session = await Session.open(port, "a.test")
        assert await session.ask(b"who")
        session.close()
        connection.close()


async def test_every_so_manieth_request_fails_but_no_health_check():
    async with replica(errors=4) as (_, port, _):
        connection = Connection(port)
        assert [await connection.ask(GET) for _ in range(8)] == [200, 200, 200, 503] * 2
        assert [await connection.ask(GET.replace(b"/ ", b"/healthz ")) for _ in range(4)] == [200] * 4
        connection.close()


async def test_told_to_leave_it_refuses_at_once_finishes_what_was_begun_and_ends():
    async with replica() as (made, port, serving):
        idle, busy = Connection(port), Connection(port)
        await idle.ask(GET)
        begun = serving.get_loop().create_task(busy.ask(GET))
        await until(lambda: any(each.busy for each in made.connections))
        made.leaving.set()
        assert await begun == 200
        await serving
        with pytest.raises(OSError, match="Errno 111"):
            await Connection(port).ask(GET)
        idle.close()
        busy.close()
