import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tidegate.control.api import Fields, openapi, operation, operations, refusals, routes
from tidegate.errors import Conflict, Problem


class Body(Fields):
    """A body."""

    size: int
    name: str = "x"


class Query(Fields):
    """A query."""

    deep: bool = False


class Shop:
    """Some operations."""

    @operation("GET", "/things/{key:.*}")
    async def thing(self, key: str, query: Query) -> dict[str, object]:
        """One thing.

        Not in the summary.
        """
        return {"key": key, "deep": query.deep}

    @operation("PUT", "/things")
    async def put(self, body: Body) -> dict[str, object]:
        """Keep a thing."""
        return {"size": body.size, "name": body.name}

    @operation("GET", "/conflict")
    async def conflict(self) -> dict[str, object]:
        """Refuse."""
        raise Conflict(Problem(code="T1610", text="changed"))

    @operation("GET", "/bug")
    async def bug(self) -> dict[str, object]:
        """Fail."""
        raise RuntimeError("inner secret")


@pytest.fixture
async def client():
    app = web.Application(middlewares=[refusals])
    app.add_routes(routes(operations(Shop())))
    async with TestClient(TestServer(app)) as client:
        yield client


async def answer(response):
    return response.status, await response.json(content_type=None)


async def test_path_query_and_body_reach_the_operation_as_values(client):
    assert await answer(await client.get("/things/a/b?deep=1")) == (200, {"key": "a/b", "deep": True})
    assert await answer(await client.put("/things", json={"size": 3})) == (200, {"size": 3, "name": "x"})


async def test_a_number_written_as_text_is_not_guessed_at(client):
    status, told = await answer(await client.put("/things", json={"size": "3"}))
    assert status == 400
    assert told["errors"][0]["pointer"] == "/body/size"


async def test_what_is_raised_becomes_a_refusal(client):
    assert (await answer(await client.get("/conflict")))[0] == 409


async def test_a_bug_is_logged_and_its_text_not_sent(client, caplog):
    response = await client.get("/bug")
    text = await response.text()
    assert response.status == 500
    assert "T1614" in text
    assert "inner secret" not in text
    assert "inner secret" in caplog.text


def test_the_description_follows_the_signatures():
    described = openapi(operations(Shop()), "1.2.3")
    get = described["paths"]["/things/{key}"]["get"]
    assert get["summary"] == "One thing."
    assert [(each["name"], each["in"]) for each in get["parameters"]] == [("key", "path"), ("deep", "query")]
    body = described["paths"]["/things"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Body"}
    assert described["components"]["schemas"]["Body"]["additionalProperties"] is False
