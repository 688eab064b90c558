from __future__ import annotations

from tests.support.client import GET, post
from tests.support.origin import ok, saying, serving
from tests.support.router import running, until


async def test_an_upstream_connection_serves_one_client_after_the_other():
    async with serving() as origin, running(origin) as mesh:
        for _ in range(3):
            client = await mesh.client()
            await client.ask(GET)
            client.close()
    assert origin.connections == 1


async def test_a_stale_pooled_connection_costs_no_request():
    async def once(peer):
        await peer.request()
        await peer.send(ok())
        await peer.head()  # the next request is met by a close
        return

    async with serving(once) as origin, running(origin) as mesh:
        client = await mesh.client()
        for _ in range(5):
            assert (await client.ask(GET)).status == 200
        assert mesh.failures == []
    assert origin.connections == 5


async def test_an_idle_connection_that_the_container_ends_is_not_used_again():
    async with serving(saying(ok(), close=True)) as origin, running(origin) as mesh:
        client = await mesh.client()
        for number in range(3):
            assert (await client.ask(post(b"x"))).status == 200
            await until(lambda: all(one.connections == 0 for one in mesh.upstreams))
            assert len(origin.requests) == number + 1
