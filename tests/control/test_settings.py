import pytest

from tests.support.plane import running, until
from tests.support.seen import instance
from tidegate.model import TrafficMode
from tidegate.store.port import Put

WEB = instance(
    "c1", project="shop", routes=["a.test/", "a.test/api"], settings={"retry.tries": "2", "limit.queue": "7"}
)
HASH = "{SHA256}" + "0" * 64


@pytest.fixture
async def world(tmp_path):
    async with running(tmp_path) as world:
        world.see(WEB)
        yield world


async def put(world, target, settings, **more):
    return await world.ask("PUT", f"/v1/settings/{target}", json={"settings": settings, **more})


def policy(world, route="a.test/"):
    return world.cell.table.routes[route].policy


async def test_what_is_set_goes_before_what_labels_say_until_it_is_taken_back(world):
    status, answer = await put(world, "shop/web", {"retry": {"tries": 5}, "timeout.connect_seconds": 0.5}, why="try")
    assert status == 200
    assert "a.test/ has retry.tries 5, was 2" in [change["text"] for change in answer["changes"]]
    assert (policy(world).retry.tries, policy(world).limits.queue, policy(world).timeouts.connect) == (5, 7, 0.5)
    status, _ = await world.ask("DELETE", "/v1/settings/shop/web", json={})
    assert status == 200
    assert (policy(world).retry.tries, policy(world).timeouts.connect) == (2, 2.0)


async def test_what_is_not_named_stays_and_is_taken_back_by_name_or_family(world):
    await put(world, "shop/web", {"retry.tries": 5, "retry.budget_percent": 5})
    await put(world, "shop/web", {"limit.queue": 1})
    assert world.reconciler.overrides.settings["shop/web"] == {
        "retry.tries": "5",
        "retry.budget_percent": "5",
        "limit.queue": "1",
    }
    await world.ask("DELETE", "/v1/settings/shop/web", json={"names": ["retry"]})
    assert world.reconciler.overrides.settings["shop/web"] == {"limit.queue": "1"}


async def test_what_is_in_force_is_shown_with_who_said_it(world):
    await put(world, "a.test/api", {"retry.tries": 1, "filter.basic_auth.users": f"al:{HASH}"}, why="because")
    _, answer = await world.ask("GET", "/v1/settings/a.test/api")
    assert answer["settings"] == {"retry.tries": "1", "filter.basic_auth.users": "al:(hash)"}
    assert (answer["why"], answer["revision"] > 0) == ("because", True)
    assert answer["routes"] == [
        {
            "route": "a.test/api",
            "settings": {
                "filter.basic_auth.users": {"value": "al:(hash)", "source": "override of a.test/api"},
                "limit.queue": {"value": "7", "source": "labels of c1"},
                "retry.tries": {"value": "1", "source": "override of a.test/api"},
            },
        }
    ]


async def test_a_hash_is_shown_nowhere(world):
    await put(world, "shop/web", {"filter.basic_auth.users": f"al:{HASH}"})
    for path in ("settings/shop/web", "routes", "status", "services/shop/web", "events", "explain?url=a.test"):
        _, answer = await world.ask("GET", f"/v1/{path}")
        assert "0000" not in str(answer), path
    assert policy(world).filters.basic_auth.users == (("al", HASH),)


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"retry.tires": 1}, "T1619", "did you mean retry.tries?"),
        ({"retry": {"tries": 0}}, "T1620", "1 to 10"),
        ({"retry.tries": None}, "T1620", "missing"),
        ({"retry": {"tries": 1}, "retry.tries": 2}, "T1620", "twice"),
        ({"filter.allow": ["10.0.0.1/8"]}, "T1620", "did you mean 10.0.0.0/8?"),
        ({"filter.rate.burst": 5}, "T1620", "filter.rate.per_second"),
        ({"match.method": "GET"}, "T1620", "which route"),
    ],
)
async def test_a_wrong_setting_is_refused_with_what_was_meant_and_nothing_is_changed(world, settings, code, words):
    status, answer = await put(world, "shop/web", settings | {"limit.queue": 1})
    assert (status, answer["code"]) == (422, code)
    assert words in str(answer)
    assert world.reconciler.overrides.settings == {}


async def test_every_wrong_setting_is_told_at_once(world):
    _, answer = await put(world, "shop/web", {"retry.tries": 0, "no.such": 1})
    assert {each["place"] for each in answer["errors"]} == {"/body/settings/retry.tries", "/body/settings/no.such"}


async def test_an_unknown_target_or_name_is_told_with_the_nearest(world):
    status, answer = await put(world, "shop/wbe", {"retry.tries": 1})
    assert (status, answer["code"]) == (404, "T1611")
    await put(world, "shop/web", {"retry.tries": 1})
    status, answer = await world.ask("DELETE", "/v1/settings/shop/web", json={"names": ["retry.tires"]})
    assert (status, answer["code"]) == (422, "T1619")
    assert "retry.tries" in answer["hint"]


async def test_half_a_filter_cannot_be_taken_back(world):
    await put(world, "shop/web", {"filter.rate.per_second": 5, "filter.rate.burst": 5})
    status, answer = await world.ask("DELETE", "/v1/settings/shop/web", json={"names": ["filter.rate.per_second"]})
    assert (status, answer["code"]) == (422, "T1620")


async def test_too_many_settings_are_refused(world):
    for part in range(2):
        headers = {f"filter.header.request.set.x-{part}-{number}": "1" for number in range(100)}
        status, _ = await put(world, "shop/web", headers)
        assert status == (200, 422)[part]


async def test_what_was_set_outlives_its_target_and_can_still_be_taken_back(world):
    await put(world, "shop/web", {"retry.tries": 1})
    world.see()
    status, answer = await world.ask("GET", "/v1/settings/shop/web")
    assert (status, answer["settings"]) == (200, {"retry.tries": "1"})
    status, _ = await world.ask("DELETE", "/v1/settings/shop/web", json={})
    assert status == 200


async def test_an_override_of_a_later_version_closes_its_routes_until_it_is_taken_away(world):
    body = b'{"value": {"filter.basic_auth.mode": "strict", "retry.tries": "4"}}'
    await world.store.txn((), (Put(key="overrides/settings/shop/web", value=body),))
    await until(lambda: world.cell.table.routes["a.test/"].mode is TrafficMode.CLOSED)
    assert policy(world).retry.tries == 4
    _, answer = await world.ask("GET", "/v1/explain", params={"url": "http://a.test/"})
    assert "T1313" in [problem["code"] for problem in answer["problems"]]
    _, answer = await world.ask("GET", "/v1/problems")
    assert "override settings/shop/web" in [problem.get("place") for problem in answer["problems"]]
    status, _ = await put(world, "shop/web", {"retry.tries": 5})
    assert status == 200
    assert world.cell.table.routes["a.test/"].mode is TrafficMode.CLOSED, "what is not understood is kept"
    status, _ = await world.ask("DELETE", "/v1/settings/shop/web", json={})
    assert status == 200
    assert world.cell.table.routes["a.test/"].mode is TrafficMode.NORMAL


async def test_an_override_that_cannot_be_read_is_not_written_over(world):
    await world.store.txn((), (Put(key="overrides/settings/shop/web", value=b"{"),))
    await until(lambda: world.cell.table.routes["a.test/"].mode is TrafficMode.CLOSED)
    status, answer = await put(world, "shop/web", {"retry.tries": 5})
    assert (status, answer["code"]) == (409, "T1313")
    status, _ = await world.ask("DELETE", "/v1/settings/shop/web", json={})
    assert status == 200
    assert world.cell.table.routes["a.test/"].mode is TrafficMode.NORMAL
