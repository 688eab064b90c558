"""Every verb against the real admin API, and the CLI's recorded answers against its real ones."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.cli import RECORDED, piped
from tests.support.plane import running
from tests.support.seen import instance, report

V1 = instance("c1", project="shop", version="v1", routes=["a.test/"], created_at=1.0)
V2 = instance("c2", project="shop", version="v2", routes=["a.test/"], created_at=2.0)


@pytest.fixture
async def world(tmp_path):
    async with running(tmp_path) as world:
        world.see(V1, V2)
        yield world


async def cli(world, *arguments, **extra):
    """Run beside the plane, which answers on this loop; asked over its Unix socket."""
    settings = {"TIDEGATE_STATE": str(world.folder)} | extra
    return await asyncio.to_thread(piped, *arguments, cwd=world.folder, **settings)


def weights(world):
    return {backend.version: backend.weight for backend in world.cell.table.routes["a.test/"].backends}


LOOKS = [
    (["status"], "shop/"),
    (["ls", "services"], "shop/"),
    (["ls", "routes"], "a.test"),
    (["ls", "endpoints"], "starting"),
    (["ls", "nodes"], "node-a"),
    (["show", "shop/SERVICE"], "starting"),
    (["events"], "route"),
    (["explain", "http://a.test/x"], "exact match"),
    (["explain", "CONTAINER"], "claims a.test/"),
    (["resolve", "web"], "10.0.0.1"),
    (["check", "CONTAINER"], "no problems"),
]


@pytest.mark.parametrize(
    ("arguments", "said"), LOOKS, ids=lambda value: "-".join(value) if isinstance(value, list) else ""
)
async def test_a_looking_verb_works_in_both_forms(world, arguments, said):
    words = [word.replace("SERVICE", V1.service).replace("CONTAINER", V1.name) for word in arguments]
    done = await cli(world, *words)
    assert (done.code, done.err) == (0, "")
    assert said in done.out
    assert (await cli(world, *words, "--json")).json["ok"]


async def test_over_tcp_the_same_is_answered(world):
    address = world.url.removeprefix("http://")
    assert (await cli(world, "ls", "--admin", address)) == (await cli(world, "ls"))


async def test_a_shift_moves_the_table_and_back(world):
    key = V1.key
    tried = await cli(world, "shift", key, "v2=30", "--dry-run")
    assert (tried.code, weights(world)) == (0, {"v1": 100, "v2": 100})
    moved = await cli(world, "shift", key, "v2=30", "--why", "try")
    assert (moved.code, moved.err, weights(world)) == (0, "", {"v1": 70, "v2": 30})
    assert "v2\t100\t30\t30%" in moved.out
    by_host = await cli(world, "shift", "a.test", "v2=100")
    assert (by_host.code, weights(world)) == (0, {"v1": 0, "v2": 100})
    assert (await cli(world, "shift", "a.test", "--reset")).code == 0
    assert (await cli(world, "shift", key, "--reset")).code == 0
    assert weights(world) == {"v1": 100, "v2": 100}
    assert "try" in (await cli(world, "events")).out


async def test_modes_are_set_and_taken_away(world):
    for verb, mode in (("maint", "maintenance"), ("hold", "hold")):
        assert (await cli(world, verb, "a.test")).code == 0
        assert world.cell.table.routes["a.test/"].mode == mode
        assert (await cli(world, verb, "a.test", "--off")).code == 0
        assert world.cell.table.routes["a.test/"].mode == "normal"


async def test_a_container_is_drained_and_taken_back(world):
    world.reconciler.offer_health(report(f"{V1.id}:80"))
    world.reconciler.settle()
    assert (await cli(world, "drain", V1.name)).code == 0
    states = {endpoint.name: endpoint.state.value for endpoint in world.cell.table.services[V1.key].endpoints}
    assert states[V1.name] == "draining"
    assert (await cli(world, "undrain", V1.name)).code == 0


async def test_workers_that_do_not_follow_are_exit_code_7(world):
    world.workers.follow = False
    done = await cli(world, "shift", V1.key, "v2=30", "--timeout", "1s")
    assert done.code == 7
    assert "the change stands" in done.err


async def test_a_name_nobody_knows_is_exit_code_4(world):
    for arguments in (["show", "x"], ["shift", "x", "a=1"], ["drain", "x"], ["explain", "x"]):
        assert (await cli(world, *arguments)).code == 4


async def test_without_its_token_the_api_says_how_to_give_it(tmp_path):
    async with running(tmp_path, token="secret") as world:
        address = world.url.removeprefix("http://")
        refused = await cli(world, "ls", "--admin", address)
        assert (refused.code, "T1705" in refused.err) == (1, True)
        assert (await cli(world, "ls", "--admin", address, "--token", "secret")).code == 0


async def test_recorded_answers_have_no_field_that_real_ones_lack(world):
    for path, entry in (
        ("/v1/status", None),
        ("/v1/services", "services"),
        ("/v1/routes", "routes"),
        ("/v1/endpoints", "endpoints"),
        ("/v1/nodes", "nodes"),
        ("/v1/events", "events"),
    ):
        _, real = await world.ask("GET", path)
        recorded = RECORDED[f"GET {path}"]
        assert recorded.keys() <= real.keys(), path
        if entry:
            items = recorded[entry][:1] if entry == "nodes" else recorded[entry]  # the second is one of a cluster
            assert {name for item in items for name in item} <= real[entry][0].keys(), path
    body = {"target": V1.key, "weights": {"v2": 1}}
    _, changed = await world.ask("PUT", "/v1/overrides/weights", json=body)
    assert RECORDED["PUT /v1/overrides/weights"].keys() <= changed.keys()
