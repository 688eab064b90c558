from __future__ import annotations

import asyncio

from tests.support.client import GET
from tests.support.origin import polite, serving
from tests.support.router import quick, running, until


async def test_no_more_connections_are_kept_than_the_settings_say():
    async with serving() as origin, running(origin, config=quick(upstream_idle_connections=2)) as mesh:
        clients = [await mesh.client() for _ in range(8)]
        await asyncio.gather(*(client.ask(GET) for client in clients))
        await until(lambda: origin.open <= 2)
        assert [len(one.idle) for one in mesh.upstreams] == [origin.open]


async def test_many_connections_pile_up_nowhere_when_clients_come_and_go():
    async with serving(polite) as origin, running(origin) as mesh:
        for _ in range(10):
            clients = [await mesh.client() for _ in range(10)]
            for client in clients:
                await client.send(GET)
            for client in clients[::2]:
                client.reset()
            for client in clients[1::2]:
                assert (await client.response()).status == 200
                client.close()
        await mesh.at_rest()
        await until(lambda: sum(one.connections for one in mesh.upstreams) == origin.open)
