"""Whole releases on a real engine, under load from clients that forgive nothing, clients with sticky cookies, and WebSockets:
nothing fails, and each step has the share it should have. Figures with -s, or in docs/releases.md."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.support.deploying import HOST, SERVICE, Command, current, forget_image, new_image, old_ones
from tests.support.load import Load
from tests.support.serve import running, until
from tests.support.visitors import Sockets, Sticky

pytestmark = pytest.mark.system

RATE = 300
QUICK = (
    "--min-healthy",
    "1s",
    "--drain",
    "3s",
    "--retain",
    "2s",
    "--gate",
    "latency off",
    "--yes",
    "--env",
    "WHO=new",
    "--on-unsure",
    "pass",
)


@pytest.fixture
async def image(box):
    """The name of the new version's image."""
    yield await new_image(box)
    await forget_image(box)


def shares(load, history):
    """What part of the requests each stretch between two changes of the weights gave the new version, in percent, by the percent that was set.
    The moment is stored before the workers have it: the first half second of each is left out."""
    offset = time.time() - time.monotonic()
    changes = [(each["when"] - offset, each["what"]) for each in history]
    found = {}
    stretches = zip(changes, [*changes[1:], (time.monotonic(), "")], strict=True)
    for (began, what), (ended, _) in stretches:
        if what.startswith("share "):
            who = load.who(began + 0.5, ended)
            if who.total() >= 300:
                found[int(what.split()[1])] = 100 * (
                    1 - sum(who[name] for name in who if name.startswith("old")) / who.total()
                )
    return found


class Crowd:
    """All three kinds of clients."""

    def __init__(self, tidegate):
        self.load = Load(tidegate.http, HOST, rate=RATE)
        self.sticky = Sticky(tidegate.http, HOST, 10)
        self.sockets = Sockets(tidegate.http, HOST, 10)

    async def __aenter__(self):
        for each in (self.load, self.sticky, self.sockets):
            await each.__aenter__()
        await self.load.more(RATE)
        return self

    async def __aexit__(self, *error):
        for each in (self.load, self.sticky, self.sockets):
            await each.__aexit__(*error)

    def told(self):
        sizes = f"{len(self.sticky.visits)} sticky requests, {len(self.sockets.visits)} frames, {len(self.sockets.ended)} sockets ended"
        return f"{self.load.told()}; {sizes}"

    def unharmed(self):
        """Nothing failed. A socket ends with its container, and is opened again at once."""
        assert not self.load.failures
        assert not self.sticky.failures
        assert not self.sockets.failures
        served = Counter(who for _, who in self.sockets.ended)
        assert max(served.values(), default=0) <= 10


@pytest.mark.parametrize(
    ("name", "replicas", "options"),
    [
        ("blue-green", 2, ("--blue-green", "--no-confirm", "--hold", "3s")),
        ("canary", 4, ("--canary", "5,25,50", "--hold", "4s")),
        ("rolling", 10, ("--rolling", "--parallelism", "2", "--hold", "2s")),
    ],
)
async def test_a_release_under_load_fails_nothing_and_keeps_its_shares(
    box, image, tmp_path, say, name, replicas, options
):
    async with running(tmp_path, docker=box.url, workers=2) as tidegate:
        await old_ones(box, tidegate, replicas)
        async with Crowd(tidegate) as crowd:
            began = time.monotonic()
            deploy = ("deploy", SERVICE, "--image", image, "--version", "v2", "--pull", "never", *options, *QUICK)
            async with Command(tidegate, *deploy) as command:
                code, said = await command.ended()
            assert code == 0, said
            took = time.monotonic() - began
            await crowd.load.more(RATE)
            found = shares(crowd.load, (await current(tidegate))["release"]["history"])
            last = crowd.load.who(time.monotonic() - 0.5)
        say(f"{name} of {replicas}, {took:.0f} s: {crowd.told()}")
        say(f"{name}: shares " + ", ".join(f"{share} % {real:.1f}" for share, real in found.items()))
        crowd.unharmed()
        assert found or name == "rolling"  # of which each share lasts a second or two
        assert all(abs(real - share) <= 2 for share, real in found.items())
        assert not [who for who in last if who.startswith("old")]


@pytest.mark.parametrize("share", [5, 50, 100])
async def test_a_canary_is_aborted_at_each_step_without_a_failed_request(box, image, tmp_path, say, share):
    async with running(tmp_path, docker=box.url, workers=2) as tidegate:
        await old_ones(box, tidegate, 2)
        async with Crowd(tidegate) as crowd:
            deploy = ("deploy", SERVICE, "--image", image, "--version", "v2", "--pull", "never")
            options = ("--canary", f"5,{share}" if share > 5 else "5", "--hold", "20s" if share == 5 else "6s")
            async with Command(tidegate, *deploy, *options, *QUICK, "--confirm") as command:
                await until(lambda: _has_share(tidegate, share), 90, what=f"share {share}")
                await crowd.load.more(RATE)
                await tidegate.cli("abort", SERVICE, "--why", "test")
                code, said = await command.ended()
            assert code == 8, said
            since = time.monotonic()
            await crowd.load.more(RATE)
        say(f"aborted at {share} %: {crowd.told()}")
        crowd.unharmed()
        assert all(who.startswith("old") for who in crowd.load.who(since))


async def _has_share(tidegate, share):
    found = await current(tidegate)
    return found is not None and found["release"]["share"] >= share
