import asyncio
import json

import aiohttp
import pytest
from openapi_spec_validator import validate

from tests.support.plane import DEADLINE, running, until
from tests.support.seen import instance, report
from tidegate.control.ports import Alone
from tidegate.model import TrafficMode

V1 = instance("c1", project="shop", version="v1", routes=["a.test/"], created_at=1.0)
V2 = instance("c2", project="shop", version="v2", routes=["a.test/"], created_at=2.0)


@pytest.fixture
async def world(tmp_path):
    async with running(tmp_path) as world:
        world.see(V1, V2)
        yield world


def weights(world, route="a.test/"):
    return {backend.version: backend.weight for backend in world.cell.table.routes[route].backends}


# --------------------------------------------------------------------------------------------------------------- look


async def test_status_says_what_runs(world):
    status, answer = await world.ask("GET", "/v1/status")
    assert status == 200
    assert answer["ready"] is True
    assert answer["node"] == "node-a"
    assert (answer["services"], answer["routes"], answer["endpoints"]) == (1, 1, 2)
    assert answer["providers"] == [{"name": "docker", "version": 1, "stale": False}]
    assert answer["workers"][0]["name"] == "worker-1"


@pytest.mark.parametrize("name", ["services", "routes", "endpoints", "nodes", "problems", "events"])
async def test_lists_stand_under_their_own_name(world, name):
    status, answer = await world.ask("GET", f"/v1/{name}")
    assert status == 200
    assert list(answer) == [name]


async def test_entries_write_out_their_defaults(world):
    _, answer = await world.ask("GET", "/v1/routes")
    assert answer["routes"][0]["mode"] == "normal"
    assert answer["routes"][0]["backends"][0] == {"service": "shop/web", "version": "v1", "port": 80, "weight": 100}


async def test_a_service_is_shown_with_its_weights_routes_and_problems(world):
    for path in ("/v1/services/shop/web", "/v1/services/shop%2Fweb"):
        status, answer = await world.ask("GET", path)
        assert status == 200
        assert answer["weights"] == {"v1": 100, "v2": 100}
        assert answer["routes"] == ["a.test/"]
        assert len(answer["endpoints"]) == 2


async def test_an_unknown_service_is_answered_with_the_nearest_name(world):
    status, answer = await world.ask("GET", "/v1/services/shop/wep")
    assert status == 404
    assert answer["code"] == "T1611"
    assert "shop/web" in answer["hint"]


async def test_an_endpoint_is_shown_with_its_health(world):
    world.reconciler.offer_health(report("c1:80"))
    world.reconciler.settle()
    _, answer = await world.ask("GET", "/v1/endpoints")
    assert answer["endpoints"][0]["state"] == "healthy"
    assert answer["endpoints"][0]["health"]["source"] == "probe"
    assert answer["endpoints"][1]["health"] is None


async def test_an_endpoint_that_workers_have_ejected_says_so_wherever_it_is_listed(world):
    world.plane.ejections.take(0, 1, [("c1:80", 60.0)])
    world.plane.ejections.take(1, 2, [])
    _, endpoints = await world.ask("GET", "/v1/endpoints")
    _, service = await world.ask("GET", "/v1/services/shop/web")
    for answer in (endpoints, service):
        ejected = {each["id"]: each["ejected"] for each in answer["endpoints"]}
        assert (ejected["c1:80"]["workers"], ejected["c1:80"]["of"], ejected["c2:80"]) == (1, 2, None)
    for question in ({"url": "http://a.test/"}, {"container": "c1"}):
        _, answer = await world.ask("GET", "/v1/explain", params=question)
        assert set(answer["ejected"]) == {"c1:80"}
        assert any("ejected after failed requests by 1 of 2 workers" in step for step in answer["steps"])
    _, carried = await world.ask("GET", "/v1/traffic", params={"kind": "endpoint", "resting": "true"})
    assert {row["endpoint"]: row["ejected"] for row in carried["rows"]} == {"c1:80": "1/2", "c2:80": ""}


async def test_a_url_is_explained(world):
    status, answer = await world.ask("GET", "/v1/explain", params={"url": "http://a.test/x"})
    assert status == 200
    assert answer["route"] == "a.test/"
    assert any("not checked yet" in step for step in answer["steps"])


async def test_a_url_is_explained_for_a_request_with_headers_and_a_client(world):
    world.see(V1, instance("c3", routes=["b.test/"], settings={"filter.allow": "10.0.0.0/8"}))
    question = {"url": "http://1.2.3.4/", "headers": "Host: b.test\nX-Beta: 1", "from": "192.0.2.1"}
    _, answer = await world.ask("GET", "/v1/explain", params=question)
    assert answer["route"] == "b.test/"
    assert answer["steps"][-1] == "answer: 403 forbidden"
    _, answer = await world.ask("GET", "/v1/explain", params=question | {"from": "10.0.0.7"})
    assert answer["steps"][-1] != "answer: 403 forbidden"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"from": "nobody"}, "/query/from"),
        ({"headers": "nonsense"}, "/query/headers"),
        ({"url": "http://"}, "/query/url"),
    ],
)
async def test_a_request_that_cannot_be_is_refused_by_name(world, wrong, pointer):
    status, answer = await world.ask("GET", "/v1/explain", params={"url": "http://a.test/"} | wrong)
    assert status == 400
    assert answer["errors"][0]["place"] == pointer


async def test_a_container_is_explained(world):
    _, answer = await world.ask("GET", "/v1/explain", params={"container": "c1"})
    assert any("claims a.test/" in step for step in answer["steps"])
    assert (await world.ask("GET", "/v1/explain", params={"container": "zz"}))[0] == 404


@pytest.mark.parametrize(
    "params", [{}, {"url": "http://a", "container": "c1"}, {"url": "http://"}, {"url": "http://["}]
)
async def test_a_question_that_cannot_be_explained_is_refused(world, params):
    status, answer = await world.ask("GET", "/v1/explain", params=params)
    assert status == 400
    assert answer["code"] == "T1602"


async def test_a_name_is_resolved_by_the_dns_part(world):
    status, answer = await world.ask("GET", "/v1/resolve", params={"name": "web", "type": "a", "from": "10.0.0.9"})
    assert status == 200
    assert answer["answers"] == [{"name": "web", "ttl": 5, "type": "A", "data": "10.0.0.9"}]
    assert (await world.ask("GET", "/v1/resolve", params={"name": "x"}))[1]["code"] == "T1401"


# ------------------------------------------------------------------------------------------------------------- change


async def test_weights_change_both_sides_in_one_table(world):
    before = world.cell.table.version
    body = {"target": "shop/web", "weights": {"v1": 50, "v2": 50}, "why": "try v2"}
    status, answer = await world.ask("PUT", "/v1/overrides/weights", json=body, params={"wait": 5})
    assert status == 200
    assert answer["version"] == before + 1 == world.cell.table.version
    assert answer["applied"] is True
    assert world.workers.waited == [before + 1]
    assert weights(world) == {"v1": 50, "v2": 50}
    assert "shop/web v1 50, shop/web v2 50" in answer["changes"][0]["text"]
    happening = next(each for each in world.journal.happenings() if each.kind == "override")
    assert happening.why == "try v2"
    assert happening.who == "127.0.0.1"


async def test_a_version_not_named_keeps_its_weight(world):
    await world.ask("PUT", "/v1/overrides/weights", json={"target": "a.test", "weights": {"v2": 10}})
    assert weights(world) == {"v1": 100, "v2": 10}


async def test_a_dry_run_tells_the_difference_and_changes_nothing(world):
    before = world.cell.table
    body = {"target": "shop/web", "weights": {"v1": 0, "v2": 100}}
    status, answer = await world.ask("PUT", "/v1/overrides/weights", json=body, params={"dry_run": "true"})
    assert status == 200
    assert answer["dry_run"] is True
    assert "v1 0" in answer["changes"][0]["text"]
    assert world.cell.table is before
    assert world.plane.book.settings == ()


async def test_clearing_weights_goes_back_to_the_labels(world):
    await world.ask("PUT", "/v1/overrides/weights", json={"target": "shop/web", "weights": {"v1": 1}})
    status, _ = await world.ask("DELETE", "/v1/overrides/weights", json={"target": "shop/web"})
    assert status == 200
    assert weights(world) == {"v1": 100, "v2": 100}


async def test_an_unknown_target_is_answered_with_the_nearest_names(world):
    body = {"target": "shop/wib", "weights": {"v1": 1}}
    status, answer = await world.ask("PUT", "/v1/overrides/weights", json=body)
    assert (status, answer["code"]) == (404, "T1611")
    assert "shop/web" in answer["hint"]


async def test_all_wrong_weights_are_named_at_once(world):
    body = {"target": "shop/web", "weights": {"v7": 1, "v8": 1}}
    status, answer = await world.ask("PUT", "/v1/overrides/weights", json=body)
    assert status == 422
    assert [error["place"] for error in answer["errors"]] == ["/body/weights/v7", "/body/weights/v8"]


async def test_weights_that_leave_nobody_are_refused_unless_a_mode_answers(world):
    body = {"target": "shop/web", "weights": {"v1": 0, "v2": 0}}
    assert (await world.ask("PUT", "/v1/overrides/weights", json=body))[0] == 422
    await world.ask("PUT", "/v1/overrides/mode", json={"target": "shop/web", "mode": "maintenance"})
    assert (await world.ask("PUT", "/v1/overrides/weights", json=body))[0] == 200


async def test_a_revision_guards_a_change(world):
    body = {"target": "shop/web", "weights": {"v1": 1}}
    _, first = await world.ask("PUT", "/v1/overrides/weights", json=body, headers={"If-Match": '"0"'})
    status, answer = await world.ask("PUT", "/v1/overrides/weights", json=body, headers={"If-Match": '"0"'})
    assert (status, answer["code"]) == (412, "T1610")
    guarded = {"If-Match": f'"{first["revision"]}"'}
    assert (await world.ask("PUT", "/v1/overrides/weights", json=body, headers=guarded))[0] == 200
    assert (await world.ask("PUT", "/v1/overrides/weights", json=body, headers={"If-Match": "x"}))[0] == 400


async def test_a_mode_is_set_and_taken_back(world):
    body = {"target": "a.test", "mode": "maintenance", "message": "back soon"}
    await world.ask("PUT", "/v1/overrides/mode", json=body)
    assert world.cell.table.routes["a.test/"].mode is TrafficMode.MAINTENANCE
    assert world.cell.table.routes["a.test/"].message == "back soon"
    await world.ask("DELETE", "/v1/overrides/mode", json={"target": "a.test"})
    assert world.cell.table.routes["a.test/"].mode is TrafficMode.NORMAL


async def test_an_endpoint_is_drained_and_taken_back(world):
    assert (await world.ask("PUT", "/v1/overrides/drain", json={"name": "c1", "drained": True}))[0] == 200
    assert world.cell.table.services["shop/web"].endpoints[0].state == "draining"
    assert (await world.ask("PUT", "/v1/overrides/drain", json={"name": "c1", "drained": False}))[0] == 200
    assert world.cell.table.services["shop/web"].endpoints[0].state == "starting"
    status, answer = await world.ask("PUT", "/v1/overrides/drain", json={"name": "c9", "drained": True})
    assert (status, answer["code"]) == (404, "T1611")


class Others(Alone):
    """A cluster of two; it keeps what is ordered."""

    alone, leader = False, "node-b"

    def __init__(self):
        super().__init__()
        self.orders = []

    def listed(self):
        return [{"name": name, "state": "ready", "zone": f"of {name}"} for name in ("node-a", "node-b")]

    def standing(self):
        return {"leader": self.leader, "nodes": 2}

    async def order(self, node, order, who, why):
        self.orders.append((node, order, why))
        return 7


async def test_nodes_of_a_cluster_are_listed_and_emptied_by_order(tmp_path):
    others = Others()
    async with running(tmp_path, others=others) as world:
        world.see(V1, V2)
        _, answer = await world.ask("GET", "/v1/nodes")
        assert [(each["name"], each["zone"]) for each in answer["nodes"]] == [
            ("node-a", "of node-a"),
            ("node-b", "of node-b"),
        ]
        assert (await world.ask("GET", "/v1/status"))[1]["cluster"]["leader"] == "node-b"
        body = {"name": "node-b", "drained": True, "why": "disk"}
        status, answer = await world.ask("PUT", "/v1/overrides/drain", json=body, params={"dry_run": "true"})
        assert (status, answer["dry_run"], others.orders) == (200, True, [])
        status, answer = await world.ask("PUT", "/v1/overrides/drain", json=body)
        assert (status, answer["revision"]) == (200, 7)
        assert others.orders == [("node-b", {"drained": True}, "disk")]
        states = {each.state for each in world.cell.table.services["shop/web"].endpoints}
        assert states == {"starting"}, "requests go on as before"


async def test_workers_that_do_not_follow_in_time_are_told_about(world):
    world.workers.follow = False
    body = {"target": "shop/web", "weights": {"v1": 1}}
    status, answer = await world.ask("PUT", "/v1/overrides/weights", json=body, params={"wait": "0.1"})
    assert (status, answer["code"]) == (504, "T1613")
    assert weights(world)["v1"] == 1


async def test_overrides_survive_a_restart_of_everything(tmp_path):
    async with running(tmp_path) as world:
        world.see(V1, V2)
        await world.ask("PUT", "/v1/overrides/weights", json={"target": "shop/web", "weights": {"v1": 7}})
        await world.ask("PUT", "/v1/overrides/drain", json={"name": "c2", "drained": True})
        before = world.cell.table
    async with running(tmp_path) as world:
        assert weights(world) == {"v1": 7, "v2": 100}, "the remembered table serves before any provider speaks"
        world.see(V1, V2)
        assert weights(world) == {"v1": 7, "v2": 100}
        assert world.cell.table.services == before.services
        assert world.cell.table.version >= before.version


# -------------------------------------------------------------------------------------------------- description, others


async def test_the_api_describes_itself_validly(world):
    status, described = await world.ask("GET", "/openapi.json")
    assert status == 200
    validate(described)
    assert described["openapi"] == "3.1.0"
    assert set(described["paths"]["/v1/overrides/weights"]) == {"put", "delete"}
    names = {parameter["name"] for parameter in described["paths"]["/v1/resolve"]["get"]["parameters"]}
    assert names == {"name", "type", "from"}


async def test_ready_only_after_every_required_provider_spoke(tmp_path):
    async with running(tmp_path) as world:
        assert (await world.ask("GET", "/readyz")) == (503, "waiting\n")
        assert (await world.ask("GET", "/healthz")) == (200, "ok\n")
        world.see(V1)
        assert (await world.ask("GET", "/readyz")) == (200, "ready\n")


async def test_metrics_and_a_page_are_served(world):
    _, text = await world.ask("GET", "/metrics")
    assert "tidegate_control_routes 1.0" in text
    assert "tidegate_control_publish_seconds_bucket" in text
    status, page = await world.ask("GET", "/")
    assert status == 200
    assert "Tidegate" in page


async def test_the_configuration_is_shown_without_secrets(tmp_path):
    async with running(tmp_path, token="canary-4711") as world:
        headers = {"Authorization": "Bearer canary-4711"}
        for path in ("/v1/config", "/v1/status", "/openapi.json", "/metrics", "/"):
            _, answer = await world.ask("GET", path, headers=headers)
            assert "canary-4711" not in json.dumps(answer)


# ------------------------------------------------------------------------------------------------------------- stream


async def events_of(response, count):
    found, current = [], {}
    async with asyncio.timeout(DEADLINE):
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                current[name] = value
            elif current:
                found.append((current["event"], int(current["id"]), json.loads(current["data"])))
                current = {}
                if len(found) == count:
                    return found
    return found


async def test_the_stream_starts_with_a_snapshot_and_goes_on_with_what_changes(world):
    async with world.http.get(f"{world.url}/v1/stream") as response:
        assert response.content_type == "text/event-stream"
        ((event, _, snapshot),) = await events_of(response, 1)
        assert event == "snapshot"
        assert snapshot["version"] == world.cell.table.version
        world.see(V1)
        (first, *_rest) = await events_of(response, 2)
        assert first[0] == "delta"
        assert first[2]["version"] == world.cell.table.version


async def test_a_client_that_comes_back_gets_what_it_missed(world):
    last = world.journal.last_id
    world.see(V1)
    async with world.http.get(f"{world.url}/v1/stream", headers={"Last-Event-ID": str(last)}) as response:
        found = await events_of(response, 2)
    assert [event for event, _, _ in found] == ["delta", "happening"]
    assert [id_ for _, id_, _ in found] == [last + 1, last + 2]


async def test_a_client_from_another_life_gets_a_snapshot(world):
    async with world.http.get(f"{world.url}/v1/stream", headers={"Last-Event-ID": "999999"}) as response:
        ((event, _, _),) = await events_of(response, 1)
    assert event == "snapshot"


async def test_a_client_that_leaves_is_forgotten(world):
    async with world.http.get(f"{world.url}/v1/stream") as response:
        await events_of(response, 1)
        assert len(world.journal._followers) == 1
    world.see(V1)
    world.see(V1, V2)
    await until(lambda: not world.journal._followers)


# --------------------------------------------------------------------------------------------------------- unix socket


async def test_the_cli_needs_no_token_on_the_unix_socket_which_only_we_may_open(tmp_path):
    async with running(tmp_path, token="secret") as world:
        path = world.folder / "admin.sock"
        assert path.stat().st_mode & 0o777 == 0o600
        world.see(V1, V2)
        connector = aiohttp.UnixConnector(str(path))
        async with aiohttp.ClientSession(connector=connector) as http:
            body = {"target": "shop/web", "weights": {"v1": 5}}
            async with http.put("http://localhost/v1/overrides/weights", json=body) as response:
                assert response.status == 200
        assert world.plane.book.settings[0].who.startswith("uid ")
