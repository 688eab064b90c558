from __future__ import annotations

import pytest

from tests.support.client import GET, post
from tests.support.origin import refusing, serving
from tests.support.router import endpoint, route, running, service, until
from tidegate.policy import Timeouts
from tidegate.router import live


async def closing(peer):
    """Takes one request and closes without an answer."""
    await peer.request()


async def test_a_get_that_one_container_does_not_answer_is_answered_by_another():
    async with serving(closing) as bad, serving() as good, running(bad, good) as mesh:
        client = await mesh.client()
        for _ in range(4):
            assert (await client.ask(GET)).body == b"ok"
        assert {reason.token for _, reason in mesh.failures} == {"upstream-closed"}
    assert len(good.requests) == 4


async def test_a_post_that_a_container_took_and_did_not_answer_is_not_sent_again():
    async with serving(closing) as bad, serving() as good, running(bad, good) as mesh:
        client = await mesh.client()
        statuses = sorted([(await client.ask(post(b"x"))).status for _ in range(2)])
        assert statuses == [200, 502]
    assert (len(bad.requests), len(good.requests)) == (1, 1)


async def test_a_request_that_ends_every_container_reaches_two_and_is_a_502():
    async with serving(closing) as a, serving(closing) as b, serving(closing) as c, running(a, b, c) as mesh:
        client = await mesh.client()
        response = await client.ask(GET)
        assert (response.status, response.reason) == (502, "upstream-closed")
    assert a.connections + b.connections + c.connections == 2


async def test_nothing_is_sent_again_once_an_interim_answer_has_passed():
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")

    async with serving(script) as a, serving(script) as b, running(a, b) as mesh:
        client = await mesh.client()
        response = await client.ask(GET)
        assert (response.status, response.interim) == (502, (103,))
    assert a.connections + b.connections == 1


async def test_a_refused_connection_goes_to_another_container():
    with refusing() as nobody:
        async with serving() as good, running() as mesh:
            ready = [endpoint(nobody.getsockname()), endpoint(good.address)]
            mesh.publish([route()], [service("web", *ready)])
            client = await mesh.client()
            for _ in range(4):
                assert (await client.ask(post(b"x"))).status == 200
            assert {reason.token for _, reason in mesh.failures} == {"connect-failed"}


async def test_a_container_that_does_not_answer_is_a_504():
    slow = route(timeouts=Timeouts(response=0.3))
    async with serving(lambda peer: peer.ended()) as origin, running(origin, routes=[slow]) as mesh:
        client = await mesh.client()
        response = await client.ask(GET)
        assert (response.status, response.reason) == (504, "response-timeout")
        assert [reason.token for _, reason in mesh.failures] == ["response-timeout"]
        await until(lambda: not origin.open)


@pytest.mark.parametrize("request_bytes", [GET, post(b"x")])
async def test_a_container_that_thinks_for_longer_than_until_the_first_look_is_waited_for(monkeypatch, request_bytes):
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    slow = route(timeouts=Timeouts(response=0.8))
    async with (
        serving(lambda peer: peer.ended()) as a,
        serving(lambda peer: peer.ended()) as b,
        running(a, b, routes=[slow]) as mesh,
    ):
        client = await mesh.client()
        response = await client.ask(request_bytes)
        assert (response.status, response.reason) == (504, "response-timeout")
        assert [reason.token for _, reason in mesh.failures] == ["response-timeout"]
    assert a.connections + b.connections == 1
