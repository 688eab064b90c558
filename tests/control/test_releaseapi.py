import asyncio

from msgspec.structs import replace

from tests.support.release_plane import DEPLOY, PATH, SERVICE
from tests.support.releases import release, seen
from tidegate.control.releaseview import seen_document
from tidegate.release.gates import DEFAULT_GATES, Outcome, Verdict
from tidegate.release.record import Phase, State


async def test_a_plan_is_shown_and_nothing_happens(stage):
    status, plan = await stage.ask("POST", f"{PATH}?dry_run=true", json=DEPLOY | {"environment": {"KEY": "secret"}})
    assert status == 200, plan
    assert plan["plan"][0].startswith("blue-green from v1 (2 replicas) to v2")
    assert plan["spec"]["change"]["environment"] == {"KEY": "(set)"}
    assert (await stage.ask("GET", "/v1/releases"))[1] == {"releases": []}
    assert (await stage.ask("GET", PATH))[0] == 404
    assert len(stage.engine.containers) == 2


async def test_a_plan_that_is_outdated_is_not_carried_out(stage):
    _, plan = await stage.ask("POST", f"{PATH}?dry_run=true", json=DEPLOY)
    stage.engine.run("old3", {"tidegate.service": SERVICE, "tidegate.version": "v1"})
    stage.look()
    status, answer = await stage.ask("POST", PATH, json=DEPLOY | {"revision": plan["revision"]})
    assert (status, answer["code"]) == (412, "T2009")


async def test_a_release_goes_from_a_deploy_over_a_confirmation_to_its_end_and_back(stage):
    _, plan = await stage.ask("POST", f"{PATH}?dry_run=true", json=DEPLOY)
    status, begun = await stage.ask("POST", PATH, json=DEPLOY | {"revision": plan["revision"], "why": "new colour"})
    assert (status, begun["number"]) == (200, 1)
    current = await stage.becomes("awaiting-confirm")
    assert current["summary"] == "v2 has 100% and waits for you: promote or abort"
    assert {each["name"] for each in current["seen"]["candidate"] if each["ready"]} == {
        "shop-web-v2-1-1",
        "shop-web-v2-1-2",
    }
    assert stage.weights() == {"v2": 100}
    status, second = await stage.ask("POST", PATH, json=DEPLOY | {"version": "v3"})
    assert (status, second["code"]) == (409, "T2001")
    _, explained = await stage.ask("GET", "/v1/explain?url=http://a.test/")
    assert any(step.startswith("weights: set by release 1 of shop/web") for step in explained["steps"])
    status, promoted = await stage.ask("POST", f"{PATH}/promote", json={"why": "looks fine"})
    assert (status, promoted["state"]) == (200, "draining")
    done = await stage.becomes("complete")
    assert done["release"]["history"][0]["why"] == "new colour"
    status, back = await stage.ask("POST", f"{PATH}/rollback", json={"why": "it was not"})
    assert (status, back["number"]) == (200, 2), back
    await stage.becomes("complete")
    assert stage.weights() == {"v1": 100}
    assert [each["number"] for each in (await stage.ask("GET", "/v1/releases"))[1]["releases"]] == [2, 1]


async def test_a_rollback_makes_the_old_version_again_as_it_was_though_nothing_of_it_is_left(stage):
    for number, old in enumerate(list(stage.engine.containers), 1):
        own = (f"NUMBER={number}", "COLOUR=blue", "KEY=secret")
        stage.engine.change(old, environment=own, command=("serve",))
    stage.look()
    before = stage.what_runs()
    changes = {"environment": {"COLOUR": "green", "NEW": "1"}, "labels": {"tidegate.probe": "x"}, "command": ["other"]}
    quick = {"confirm": False, "retain_seconds": 0, "drain_seconds": 0}
    status, begun = await stage.ask("POST", PATH, json=DEPLOY | changes | quick)
    assert status == 200, begun
    closed = await stage.becomes_closed()
    assert closed["release"]["origin"]["environment"] == {"NUMBER": None, "COLOUR": "(set)", "KEY": "(set)"}
    assert {image for image, *_ in stage.what_runs()} == {"sha256:image:2"}
    stage.engine.retag("image:1", "sha256:another")
    status, back = await stage.ask("POST", f"{PATH}/rollback", json={})
    assert (status, back["number"]) == (200, 2), back
    assert "secret" not in str(back)
    await stage.becomes_closed()
    assert stage.what_runs() == before


async def test_a_rollback_of_a_release_that_goes_on_is_its_end(stage):
    await stage.ask("POST", PATH, json=DEPLOY)
    await stage.becomes("awaiting-confirm")
    status, answer = await stage.ask("POST", f"{PATH}/rollback", json={})
    assert (status, answer["state"]) == (200, "rolling-back")
    await stage.becomes("rolled-back")
    assert stage.weights() == {"v1": 100}


async def test_what_cannot_be_said_now_is_refused_with_its_reason(stage):
    await stage.ask("POST", PATH, json=DEPLOY)
    await stage.becomes("awaiting-confirm")
    for verb in ("pause", "resume"):
        status, answer = await stage.ask("POST", f"{PATH}/{verb}", json={})
        assert (status, answer["code"]) == (409, "T2002"), verb


async def test_an_image_that_may_not_be_fetched_and_is_not_there_is_refused_at_once(stage):
    status, answer = await stage.ask("POST", PATH, json=DEPLOY | {"image": "image:3", "pull": "never"})
    assert (status, answer["code"]) == (404, "T1150")
    assert (await stage.ask("GET", "/v1/releases"))[1] == {"releases": []}


async def test_weights_of_a_host_stand_against_a_release_and_are_named(stage):
    await stage.ask("PUT", "/v1/overrides/weights", json={"target": "a.test", "weights": {"v1": 100}})
    status, answer = await stage.ask("POST", PATH, json=DEPLOY)
    assert (status, answer["code"]) == (409, "T2010")
    assert "a.test" in answer["detail"]


async def test_how_far_an_image_is_on_its_way_is_shown(stage):
    stage.engine.registry.add("image:3")
    stage.engine.pull_seconds = 3600.0
    await stage.ask("POST", PATH, json=DEPLOY | {"image": "image:3", "version": "v3"})
    async with asyncio.timeout(20):
        while (
            not (fetches := (await stage.ask("GET", PATH))[1]["current"]["seen"]["fetches"]) or not fetches[0]["layers"]
        ):
            pass
    assert fetches == [
        {
            "node": "docker",
            "image": "image:3",
            "said": "Downloading",
            "layers_done": 0,
            "layers": 1,
            "done_bytes": 1,
            "total_bytes": 2,
        }
    ]


def test_a_release_that_ended_shows_what_its_gates_said_last():
    said = Verdict(gate="success", outcome=Outcome.FAIL, text="success 90 %")
    ended = replace(release(gates=DEFAULT_GATES), state=State.ROLLED_BACK, step=1, phase=Phase.HOLD, verdicts=(said,))
    assert [each["text"] for each in seen_document(ended, seen(), 1000.0)["verdicts"]] == ["success 90 %"]
