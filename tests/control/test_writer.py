import pytest

from tests.support.plane import running
from tests.support.seen import instance


@pytest.fixture
async def world(tmp_path):
    async with running(tmp_path) as world:
        world.see(instance("c1", routes=["a.test/"]))
        yield world


async def test_a_dry_run_tells_the_changes_and_writes_nothing(world):
    status, answer = await world.ask("PUT", "/v1/settings/web?dry_run=true", json={"settings": {"retry.tries": 1}})
    assert status == 200
    assert answer["dry_run"] is True
    assert [change["text"] for change in answer["changes"]] == ["a.test/ has retry.tries 1, was built-in"]
    assert world.reconciler.overrides.settings == {}


async def test_a_change_that_workers_do_not_follow_in_time_is_told_to_stand(world):
    world.workers.follow = False
    status, answer = await world.ask("PUT", "/v1/settings/web?wait=1", json={"settings": {"retry.tries": 1}})
    assert (status, answer["code"]) == (504, "T1613")
    assert world.reconciler.overrides.settings == {"web": {"retry.tries": "1"}}


@pytest.mark.parametrize(("revision", "status"), [("0", 200), ("99", 412), ("x", 400)])
async def test_a_revision_is_compared_when_it_is_given(world, revision, status):
    headers = {"If-Match": f'"{revision}"'}
    answered, _ = await world.ask("PUT", "/v1/settings/web", json={"settings": {"retry.tries": 1}}, headers=headers)
    assert answered == status
