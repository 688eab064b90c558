from tests.support.release_plane import DEPLOY, PATH, SERVICE

WEIGHTS = "/v1/overrides/weights"


async def shift(stage, target=SERVICE, query="", **weights):
    return await stage.ask("PUT", f"{WEIGHTS}{query}", json={"target": target, "weights": weights})


async def test_a_shift_moves_the_weights_of_a_release_that_waits(stage):
    await stage.ask("POST", PATH, json=DEPLOY)
    await stage.becomes("awaiting-confirm")
    status, shown = await shift(stage, query="?dry_run=true", v1=30, v2=70)
    assert (status, stage.weights()) == (200, {"v2": 100})
    assert shown["changes"]
    status, _ = await shift(stage, v1=30, v2=70)
    assert (status, stage.weights()) == (200, {"v1": 30, "v2": 70})
    assert (await stage.ask("GET", PATH))[1]["current"]["release"]["weights"] == {"v1": 30, "v2": 70}


async def test_weights_beside_those_that_a_release_moves_are_refused(stage):
    await stage.ask("POST", PATH, json=DEPLOY)
    await stage.becomes("awaiting-confirm")
    status, answer = await shift(stage, "a.test", v1=100)
    assert (status, answer["code"]) == (409, "T2010")


async def test_a_release_that_has_ended_gives_way_to_a_shift(stage):
    await stage.ask("POST", PATH, json=DEPLOY | {"confirm": False})
    await stage.becomes("complete")
    status, _ = await shift(stage, v1=100, v2=0)
    assert (status, stage.weights()) == (200, {"v1": 100})
    assert (await stage.ask("GET", PATH))[1]["current"]["release"]["closed"]
