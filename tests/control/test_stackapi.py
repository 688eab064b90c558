import json

import msgspec
import pytest

from tests.support.fake_engine import FakeEngine
from tests.support.plane import running, until
from tests.support.seen import instance
from tests.support.stack_stage import member, stack
from tidegate.engine.port import LogLine
from tidegate.engine.process import ProcessEngine
from tidegate.engine.spec import Attachment, ContainerSpec
from tidegate.model import InstanceState
from tidegate.release.spec import Pull
from tidegate.stacks.stack import Outside

PATH = "/v1/stacks/shop"


def body(*members, **more):
    return {"stack": msgspec.to_builtins(stack(*(members or (member(scale=2),)))), **more}


@pytest.fixture
async def world(tmp_path):
    engine = FakeEngine()
    async with running(tmp_path, engines={"docker": engine}) as made:
        made.engine = engine
        await until(lambda: made.plane.stacks.book.known)
        made.see()
        yield made


def runs(world):
    return sorted(each.name for each in world.engine.containers.values() if each.state is InstanceState.RUNNING)


async def test_a_stack_is_planned_put_up_shown_scaled_and_taken_down(world):
    status, plan = await world.ask("POST", f"{PATH}/plan", json=body())
    assert (status, [each["what"] for each in plan["changes"]]) == (200, ["create"])
    assert (await world.ask("GET", "/v1/stacks"))[1] == {"stacks": []}
    status, put = await world.ask("PUT", PATH, json=body(why="a test"))
    assert (status, put["number"]) == (200, 1)
    await until(lambda: runs(world) == ["shop-web-1", "shop-web-2"])
    status, again = await world.ask("PUT", PATH, json=body())
    assert (status, again) == (200, {"name": "shop", "number": 1, "changes": [], "warnings": []})
    status, scaled = await world.ask("PUT", f"{PATH}/services/web/scale", json={"desired": 3})
    assert (status, scaled) == (200, {"service": "shop/web", "before": 2, "desired": 3})
    await until(lambda: len(runs(world)) == 3)
    status, shown = await world.ask("GET", PATH)
    assert (status, shown["wanted"], shown["why"]) == (200, 3, "a test")
    assert [each["name"] for each in shown["members"][0]["replicas"]] == ["shop-web-1", "shop-web-2", "shop-web-3"]
    assert "environment" not in json.dumps(shown)
    (node,) = (await world.ask("GET", "/v1/nodes"))[1]["nodes"]
    assert (node["name"], node["replicas"], node["holds"]["images"]) == ("node-a", 3, 1)
    status, going = await world.ask("DELETE", PATH, json={})
    assert (status, going) == (200, {"name": "shop", "replicas": 3, "volumes": []})
    said = [each.text for each in world.journal.happenings()]
    assert {"stack shop is put up, number 1", "stack shop is taken down"} <= set(said)


async def test_what_a_file_says_anew_goes_before_what_was_said_by_hand(world):
    await world.ask("PUT", PATH, json=body(member(scale=1)))
    await world.ask("PUT", f"{PATH}/services/web/scale", json={"desired": 3})
    await world.ask("PUT", PATH, json=body(member(scale=1, parallelism=2)))
    assert (await world.ask("GET", PATH))[1]["wanted"] == 3
    await world.ask("PUT", PATH, json=body(member(scale=2, parallelism=2)))
    assert (await world.ask("GET", PATH))[1]["wanted"] == 2


async def test_a_service_that_is_to_have_the_latest_image_is_replaced_when_its_name_stands_for_another_one(world):
    sent = body(member(pull=Pull.ALWAYS, stop_first=True))
    assert await refused(world, "PUT", PATH, json=sent) == (422, "T1151")
    assert (await world.ask("GET", "/v1/stacks"))[1] == {"stacks": []}, "nothing was changed"
    world.engine.registry.add("image:1")
    assert (await world.ask("PUT", PATH, json=sent))[0] == 200
    await until(lambda: runs(world) == ["shop-web-1"])
    assert (await world.ask("PUT", PATH, json=sent))[1]["changes"] == []
    world.engine.retag("image:1", "sha256:feed")
    _, plan = await world.ask("POST", f"{PATH}/plan", json=sent)
    assert plan["changes"][0]["details"] == ["image digest image:1 -> feed"]
    assert (await world.ask("PUT", PATH, json=sent))[1]["number"] == 2
    await until(lambda: "image:1@sha256:feed" in [each.image for each in world.engine.containers.values()])


async def refused(world, method, path, **options):
    status, answer = await world.ask(method, path, **options)
    return status, answer["code"]


async def test_what_cannot_be_is_refused_by_its_code(world):
    assert await refused(world, "GET", PATH) == (404, "T2102")
    assert await refused(world, "DELETE", PATH, json={}) == (404, "T2102")
    assert await refused(world, "PUT", "/v1/stacks/other", json=body()) == (422, "T2103")
    assert await refused(world, "PUT", PATH, json={"stack": {"name": "shop"}}) == (422, "T2103")
    assert await refused(world, "PUT", PATH, json={"stack": {"name": "shop", "members": 3}}) == (422, "T2103")
    assert await refused(world, "PUT", PATH, json=body(number=7)) == (409, "T2106")
    await world.ask("PUT", PATH, json=body(member(everywhere=True)))
    assert await refused(world, "PUT", f"{PATH}/services/db/scale", json={"desired": 1}) == (404, "T2104")
    assert await refused(world, "PUT", f"{PATH}/services/web/scale", json={"desired": 1}) == (409, "T2105")
    assert await refused(world, "PUT", f"{PATH}/services/web/scale", json={"desired": -1}) == (400, "T1602")


async def test_without_an_engine_no_stack_is_put_up(tmp_path):
    async with running(tmp_path) as world:
        assert await refused(world, "PUT", PATH, json=body()) == (422, "T2107")


async def test_what_replicas_write_is_told_line_by_line(world):
    async def logs(container, tail=100, follow=False, since=0.0):
        yield LogLine(text=f"{tail} {since:g} {follow} {world.engine.containers[container].name}", at=1.0)

    world.engine.logs = logs
    await world.ask("PUT", PATH, json=body(member(template=ContainerSpec(name="web", image="image:1"))))
    await until(lambda: runs(world) == ["shop-web-1"])
    line = {"node": "node-a", "service": "shop/web", "replica": "1.1", "stream": "stdout", "at": 1.0}
    for path in (f"{PATH}/services/web/logs", f"{PATH}/logs"):
        status, text = await world.ask("GET", f"{path}?tail=5&since=7.5")
        assert (status, text) == (200, {**line, "text": "5 7.5 False shop-web-1"})


async def test_services_that_are_somewhere_else_are_part_of_a_stack(world):
    outside = (Outside(name="db", host="db.example.test"),)
    sent = {"stack": msgspec.to_builtins(stack(member(), outside=outside))}
    status, put = await world.ask("PUT", PATH, json=sent)
    assert (status, [each["text"] for each in put["changes"]][-1]) == (200, "db stands for db.example.test")
    assert [each["code"] for each in put["warnings"]] == ["T2112"], "nobody asks our DNS here"
    assert (await world.ask("GET", PATH))[1]["outside"] == [{"name": "db", "host": "db.example.test", "ports": []}]
    changes = (await world.ask("POST", f"{PATH}/plan", json=body(member())))[1]["changes"]
    assert [each["text"] for each in changes] == ["db stands for db.example.test no more"]
    alone = {"stack": msgspec.to_builtins(stack(outside=outside, name="only"))}
    assert (await world.ask("PUT", "/v1/stacks/only", json=alone))[0] == 200
    assert (await world.ask("GET", "/v1/stacks/only"))[1]["state"] == "settled"


async def test_what_processes_do_without_is_told_and_what_cannot_be_one_is_refused(tmp_path):
    async with running(tmp_path, engines={"process": ProcessEngine(tmp_path)}, required=()) as world:
        await until(lambda: world.plane.stacks.book.known)
        template = ContainerSpec(name="shop-web", image="x", command=("sleep", "9"), dns=("10.0.0.1",))
        for method, path in (("POST", f"{PATH}/plan"), ("PUT", PATH)):
            status, told = await world.ask(method, path, json=body(member(template=template)))
            assert (status, [each["code"] for each in told["warnings"]]) == (200, ["T1124"])
            assert await refused(world, method, path, json=body(member())) == (422, "T1121")


async def test_a_release_that_would_make_containers_of_a_stacks_service_is_refused(world):
    await world.ask("PUT", PATH, json=body(member()))
    await until(lambda: runs(world) == ["shop-web-1"])
    container = next(iter(world.engine.containers))
    world.see(instance(container, "web", project="shop", routes=["a.test/"], version="v1"))
    world.engine.images.add("image:2")
    await until(lambda: any(each.container == container for each in world.plane.stacks.book.reports.entries.values()))
    deploy = {"image": "image:2", "version": "v2"}
    assert await refused(world, "POST", "/v1/releases/shop/web", json=deploy) == (409, "T2108")


async def test_why_a_replica_waits_is_answered_with_the_filters_and_the_candidates(world):
    await world.ask("PUT", PATH, json=body(member(expressions=("constraint:disk==ssd",))))
    await until(lambda: world.plane.stacks.placing.refusals)
    status, found = await world.ask("GET", f"{PATH}/services/web/explain")
    assert (status, found["slot"], found["explanation"]["misses"][0]["filter"]) == (200, 1, "constraint")
    assert found["steps"][1].startswith("shop/web 1 waits, no node of 1 takes it")
    await world.ask("PUT", PATH, json=body(member()))
    await until(lambda: runs(world) == ["shop-web-1"])
    status, found = await world.ask("GET", f"{PATH}/services/web/explain", params={"slot": 1})
    assert (status, found["node"], found["explanation"]["candidates"]) == (200, "node-a", 1)
    status, refused = await world.ask("GET", f"{PATH}/services/nobody/explain")
    assert (status, refused["code"]) == (404, "T2104")


async def test_a_number_that_the_file_says_counts_as_said_also_where_somebody_had_said_it_before(world):
    await world.ask("PUT", PATH, json=body(member(scale=1)))
    await world.ask("PUT", f"{PATH}/services/web/scale", json={"desired": 3})
    await world.ask("PUT", PATH, json=body(member(scale=3)))
    await world.ask("PUT", PATH, json=body(member(scale=1)))
    assert (await world.ask("GET", PATH))[1]["wanted"] == 1


async def test_what_scaling_would_change_is_told_and_what_cannot_be_scaled_is_refused_before(world):
    await world.ask("PUT", PATH, json=body(member(scale=1), member("agent", everywhere=True)))
    plan = await world.ask("POST", f"{PATH}/services/web/plan", json={"desired": 3})
    assert plan == (200, {"service": "shop/web", "before": 1, "desired": 3})
    assert await refused(world, "POST", f"{PATH}/services/agent/plan", json={"desired": 3}) == (409, "T2105")
    assert (await world.ask("GET", PATH))[1]["members"][0]["wanted"] == 1, "nothing was changed"


async def test_the_text_of_a_file_may_be_as_long_as_its_reader_takes(world):
    assert (await world.ask("PUT", PATH, json=body(member(), source="#" * 900_000)))[0] == 200
    assert await refused(world, "PUT", PATH, json=body(member(), source="#" * (1 << 20))) == (413, "T1609")


async def test_before_the_store_was_read_nobody_is_told_that_a_stack_is_gone(world):
    world.plane.stacks.book.stacks.known = False
    for method, path in (("GET", PATH), ("GET", "/v1/stacks"), ("DELETE", PATH)):
        options = {"json": {}} if method == "DELETE" else {}
        assert await refused(world, method, path, **options) == (503, "T1506")


async def test_a_network_that_the_file_has_no_more_goes_with_the_stack(world):
    def made():
        return {each.name for each in world.engine.known_networks} - {"bridge"}

    def grounded(*names, **more):
        networks = [{"spec": {"name": name}} for name in names]
        web = member(template=ContainerSpec(name="web", image="image:1", networks=dict.fromkeys(names, Attachment())))
        return {"stack": body(web)["stack"] | {"networks": networks} | more}

    theirs = {"spec": {"name": "theirs"}, "external": True}
    await world.ask("PUT", PATH, json=grounded("shop_front", "shop_back", volumes=[theirs, {"spec": {"name": "mine"}}]))
    await until(lambda: made() == {"shop_front", "shop_back"})
    assert (await world.ask("GET", PATH))[1]["volumes"] == ["mine"], "those of others do not go with it"
    await world.ask("PUT", PATH, json=grounded("shop_front"))
    await world.ask("DELETE", PATH, json={})
    assert await refused(world, "PUT", f"{PATH}/services/web/scale", json={"desired": 3}) == (409, "T2106")
    await until(lambda: "shop" not in world.plane.stacks.book.stacks.entries)
    assert made() == set()
