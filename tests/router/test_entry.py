from __future__ import annotations

import asyncio

from tests.support.client import GET, get, post
from tests.support.origin import ok, serving
from tests.support.router import asking, filtered, running, until
from tidegate.policy import (
    Redirect,
)


async def test_a_redirect_is_answered_here_and_keeps_the_connection():
    async with serving() as origin, running(origin, routes=[filtered(redirect=Redirect(scheme="https"))]) as mesh:
        client = await mesh.client()
        for _ in range(2):
            response = await client.ask(get("/x?y"))
            assert (response.status, response.headers["location"]) == (308, "https://a.test/x?y")
    assert origin.requests == []


async def test_a_refused_client_never_reaches_the_container():
    async with serving() as origin, running(origin, routes=[filtered(deny=("127.0.0.0/8",))]) as mesh:
        client = await mesh.client()
        response = await client.ask(post(b"body"))
        assert (response.status, response.headers["x-tidegate-reason"]) == (403, "forbidden")
    assert origin.requests == []


async def test_a_client_that_leaves_while_the_authority_thinks_leaves_nothing_behind():
    async with (
        serving(lambda peer: peer.ended()) as silent,
        serving() as origin,
        running(origin, routes=[asking(silent, timeout_seconds=5.0)]) as mesh,
    ):
        client = await mesh.client()
        await client.send(GET)
        await until(lambda: silent.connections == 1)
        client.reset()
        await mesh.at_rest()
    assert origin.requests == []


async def test_a_route_that_goes_while_the_authority_thinks_is_no_route():
    said = asyncio.Event()

    async def script(peer):
        await peer.request()
        await said.wait()
        await peer.send(ok(b""))

    async with (
        serving(script) as authority,
        serving() as origin,
        running(origin, routes=[asking(authority)]) as mesh,
    ):
        client = await mesh.client()
        await client.send(GET)
        await until(lambda: authority.connections == 1)
        mesh.publish(routes=[])
        said.set()
        assert (await client.response()).status == 404
    assert origin.requests == []
