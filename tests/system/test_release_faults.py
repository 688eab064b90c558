"""Bad versions on a real engine, under load: each is caught by the gate that is made for it, which says so with its numbers,
and the old version has the traffic again."""

from __future__ import annotations

import time

import pytest

from tests.support.deploying import HOST, SERVICE, Command, forget_image, new_image, old_ones
from tests.support.load import Load
from tests.support.serve import running

pytestmark = pytest.mark.system

RATE = 300
QUICK = ("--min-healthy", "1s", "--drain", "2s", "--yes", "--pull", "never", "--env", "WHO=new")


@pytest.fixture
async def image(box):
    """The name of the new version's image."""
    yield await new_image(box)
    await forget_image(box)


@pytest.mark.parametrize(
    ("how", "options", "said"),
    [
        ("NEVER=1", ("--ready-within", "6s"), "replicas ready, none more for"),
        ("CRASH=8", ("--hold", "60s"), "ended with exit code 3"),
        ("ERRORS=20", ("--hold", "20s"), "success"),
        ("LAZY=0.04", ("--hold", "20s"), "latency"),
    ],
    ids=["never ready", "crashes", "5 % errors", "twice as slow"],
)
async def test_a_bad_version_is_caught_by_the_right_gate_and_the_old_one_serves(
    box, image, tmp_path, say, how, options, said
):
    async with running(tmp_path, docker=box.url, workers=2) as tidegate:
        await old_ones(box, tidegate, 2, "--env=LAZY=0.02")
        async with Load(tidegate.http, HOST, rate=RATE, connections=32) as load:
            await load.more(RATE)
            deploy = ("deploy", SERVICE, "--image", image, "--version", "v2", "--canary", "50", "--env", how)
            async with Command(tidegate, *deploy, *options, *QUICK) as command:
                code, told = await command.ended()
            since = time.monotonic()
            await load.more(RATE)
        reason = next(line for line in told.splitlines() if line.startswith("error["))
        say(f"{how}: {reason}")
        say(load.told())
        assert code == 8, told
        assert said in reason
        assert all(who.startswith("old") for who in load.who(since))
        assert {each.status for each in load.failures} <= ({503} if how == "ERRORS=20" else set())


async def test_a_version_that_nobody_asks_for_is_held_and_not_passed(box, image, tmp_path, say):
    async with running(tmp_path, docker=box.url, workers=1) as tidegate:
        await old_ones(box, tidegate, 1)
        deploy = ("deploy", SERVICE, "--image", image, "--version", "v2", "--canary", "50", "--hold", "2s")
        async with Command(tidegate, *deploy, *QUICK) as command:
            code, told = await command.ended()
        say(told.splitlines()[-3])
        assert code == 9, told
        assert "samples" in told or "requests" in told
        assert "v2 has 50% of the traffic" in told
        await tidegate.cli("abort", SERVICE)
