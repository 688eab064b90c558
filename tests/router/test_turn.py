from __future__ import annotations

from tests.support.client import GET, get
from tests.support.origin import serving
from tests.support.router import route, running


async def test_a_closed_route_answers_with_its_reason_and_asks_no_container():
    closed = route(mode="closed", message="closed until it can be read")
    async with serving() as origin, running(origin, routes=[closed]) as mesh:
        client = await mesh.client()
        for _ in range(2):
            response = await client.ask(GET)
            assert (response.status, response.reason) == (503, "closed")
            assert response.body == b"closed until it can be read"
        assert not origin.requests


async def test_the_maintenance_page_is_shown_as_it_is():
    page = route(mode="maintenance", message="<h1>Back at noon</h1>")
    async with serving() as origin, running(origin, routes=[page]) as mesh:
        client = await mesh.client()
        response = await client.ask(GET)
        assert (response.status, response.reason, response.body) == (503, "maintenance", b"<h1>Back at noon</h1>")
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert (await client.ask(GET)).status == 503


async def test_an_unknown_host_is_a_404_that_keeps_the_connection():
    async with serving() as origin, running(origin) as mesh:
        client = await mesh.client()
        response = await client.ask(get(host="b.test"))
        assert (response.status, response.reason) == (404, "no-route")
        assert (await client.ask(GET)).status == 200
