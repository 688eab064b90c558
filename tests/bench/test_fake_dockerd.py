"""The scripted engine, seen through its HTTP interface."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer
from msgspec import json

from bench.fake_dockerd import Container, Engine, application

WEB = Container(name="web-1", host="web.bench.test", ip="127.1.0.1", port=9000, service="web")


@pytest.fixture
async def client():
    async with TestClient(TestServer(application(Engine()))) as client:
        yield client


async def add(client, *containers, quiet=""):
    answer = await client.post(f"/_bench/containers{quiet}", data=json.encode(list(containers)))
    return await answer.json()


async def test_a_container_is_listed_with_every_label_language(client):
    await add(client, WEB, quiet="?quiet=1")
    [row] = await (await client.get("/v1.41/containers/json")).json()
    assert row["Labels"]["aliyun.routing.port_9000"] == "http://web.bench.test"
    assert row["Labels"]["traefik.http.routers.web.rule"] == "Host(`web.bench.test`)"
    assert row["Labels"]["caddy.reverse_proxy"] == "{{upstreams 9000}}"
    assert row["NetworkSettings"]["Networks"]["bridge"]["IPAddress"] == "127.1.0.1"


async def test_a_container_that_stopped_runs_again_when_it_is_added_again(client):
    await add(client, WEB)
    await client.post(f"/_bench/die/{WEB.id}")
    assert not (await (await client.get(f"/containers/{WEB.id}/json")).json())["State"]["Running"]
    await add(client, WEB)
    assert (await (await client.get(f"/containers/{WEB.id}/json")).json())["State"]["Running"]


async def test_inspect_finds_by_id_by_prefix_and_by_name_and_is_counted(client):
    await add(client, WEB, quiet="?quiet=1")
    for key in (WEB.id, WEB.id[:12], "web-1"):
        assert (await (await client.get(f"/containers/{key}/json")).json())["Id"] == WEB.id
    assert (await client.get("/containers/nothing/json")).status == 404
    assert (await (await client.get("/_bench/counters")).json())["inspect"] == 4


async def test_a_life_is_told_as_events_in_order(client):
    async with client.get("/events") as stream, asyncio.timeout(5):
        at = (await add(client, WEB))["at"]
        await client.post(f"/_bench/kill/{WEB.id}")
        later = (await (await client.post(f"/_bench/die/{WEB.id}")).json())["at"]
        events = [json.decode(await stream.content.readline()) for _ in range(4)]
    assert [event["Action"] for event in events] == ["start", "kill", "die", "stop"]
    assert later >= at


async def test_a_dead_container_is_listed_only_with_all(client):
    await add(client, WEB)
    await client.post(f"/_bench/die/{WEB.id}")
    assert await (await client.get("/containers/json")).json() == []
    [row] = await (await client.get("/containers/json?all=1")).json()
    assert row["State"] == "exited"


async def test_a_route_may_have_a_path_in_every_language(client):
    await add(client, Container(name="v2", host="web.bench.test", ip="127.1.0.2", port=9000, path="/v2"))
    [row] = await (await client.get("/containers/json")).json()
    assert row["Labels"]["aliyun.routing.port_9000"] == "http://web.bench.test/v2"
    assert row["Labels"]["traefik.http.routers.v2.rule"] == "Host(`web.bench.test`) && PathPrefix(`/v2`)"
    assert row["Labels"]["caddy.reverse_proxy"] == "/v2/* {{upstreams 9000}}"


async def test_a_container_on_two_networks_has_an_address_on_each_and_the_engine_knows_both(client):
    networks = {"back": "127.1.0.3", "front": "127.1.0.4"}
    await add(client, Container(name="two", host="two.bench.test", ip="127.1.0.4", port=9000, networks=networks))
    [row] = await (await client.get("/containers/json")).json()
    found = {name: each["IPAddress"] for name, each in row["NetworkSettings"]["Networks"].items()}
    assert found == networks
    assert [each["Name"] for each in await (await client.get("/networks")).json()] == ["bridge", "back", "front"]
