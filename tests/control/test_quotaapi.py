from __future__ import annotations

import msgspec
import pytest

from tests.support.fake_engine import FakeEngine
from tests.support.plane import running, until
from tests.support.stack_stage import member, stack
from tidegate.model import InstanceState
from tidegate.placement.resources import Resources

PATH = "/v1/quotas/team-a"
HALF = Resources(cpu=0.5, memory=1 << 30)


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


async def test_a_quota_keeps_further_replicas_from_being_placed_until_it_is_lifted(world):
    status, put = await world.ask("PUT", PATH, json={"cpus": 1.0, "why": "a small team"})
    assert (status, put["allowed"], put["used"]["replicas"]) == (200, {"cpus": 1.0, "memory": 0, "replicas": 0}, 0)
    shop = stack(member(scale=3, reservation=HALF, account="team-a"), member("db", reservation=HALF))
    await world.ask("PUT", "/v1/stacks/shop", json={"stack": msgspec.to_builtins(shop)})
    await until(lambda: len(runs(world)) == 3 and world.plane.stacks.placing.refusals)
    assert "shop-db-1" in runs(world), "it counts to its stack's own account"
    (web,) = world.plane.stacks.placing.refusals.values()
    assert "the quota of team-a is used up" in web
    told = {each["account"]: each for each in (await world.ask("GET", "/v1/quotas"))[1]["quotas"]}
    assert told["team-a"]["used"] == {"cpus": 1.0, "memory": 2 << 30, "replicas": 2}
    assert (told["shop"]["limited"], told["shop"]["used"]["replicas"]) == (False, 1)
    found = (await world.ask("GET", "/v1/stacks/shop/services/web/explain"))[1]
    assert found["explanation"]["misses"][0]["filter"] == "quota"
    status, off = await world.ask("DELETE", PATH, json={})
    assert (status, off["limited"]) == (200, False)
    await until(lambda: len(runs(world)) == 4)
    texts = [each.text for each in world.journal.happenings() if each.kind == "quota"]
    assert texts == ["team-a may set aside 1 CPU", "team-a has no quota any more"]


async def test_a_name_that_is_none_and_a_quota_that_is_not_there_are_refused(world):
    status, refused = await world.ask("PUT", "/v1/quotas/team%20a", json={"cpus": 1.0})
    assert (status, refused["code"]) == (422, "T2120")
    status, refused = await world.ask("DELETE", PATH, json={})
    assert (status, refused["code"]) == (404, "T2121")
