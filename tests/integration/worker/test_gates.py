"""Gates over what a real router counted of real containers: a stable version beside one that misbehaves, half of the traffic each."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from tests.support.client import get
from tests.support.origin import ok, refusing, serving
from tests.support.router import endpoint, route, running, service
from tidegate.app.report import Reporter
from tidegate.control.traffic import Traffic
from tidegate.control.windows import Windows
from tidegate.model import Backend
from tidegate.policy import Ejection
from tidegate.release.gates import DEFAULT_GATES, Outcome
from tidegate.release.judge import judge
from tidegate.router.worker import Router

NEW, OLD = ("web", "v2"), ("web", "v1")
CLIENTS, EACH, ROUNDS = 8, 50, 8
COUNTED = {"restarts", "success", "refusals"}  # all but times, which a busy machine makes
NEVER = Ejection(failures=0)
USUAL_SECONDS = 0.02  # what a busy machine adds must be little beside it
ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
LOST = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"


def answering(seconds=USUAL_SECONDS, odd=b"", every=0):
    """A script that takes its time, and gives each `every`th answer as `odd`; half an answer ends the connection."""
    asked = [0]

    async def script(peer):
        while await peer.request() is not None:
            asked[0] += 1
            await asyncio.sleep(seconds)
            strange = every and asked[0] % every == 0
            await peer.send(odd if strange else ok())
            if strange and odd is HALF:
                return

    return script


class Watched:
    """What control sees of a router: the reports of its worker, summed, and the window over both versions."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._reporter = Reporter(0)
        self._traffic = Traffic(lambda: 0.0)
        self._windows = Windows(self._traffic)
        self.window()

    def window(self):
        report = self._reporter.report(self._router)
        for tally in report.counted:
            self._traffic.add(tally.kind, tally.key, tally.columns)
        for failed in report.failures:
            self._traffic.fail(failed.kind, failed.key[:-1], failed.key[-1], failed.values[0])
        return self._windows.of("web/1", "hold", NEW, OLD)


@asynccontextmanager
async def split(candidate, ejection=NEVER):
    """A router that gives v1 and the address of v2 half of the requests each."""
    async with serving(answering()) as stable, running() as mesh:
        backends = tuple(Backend(service="web", version=version, weight=50) for version in ("v1", "v2"))
        both = [endpoint(stable.address, version="v1"), endpoint(candidate, version="v2")]
        mesh.publish([replace(route(ejection=ejection), backends=backends)], [service("web", *both)])
        yield mesh


async def load(mesh):
    """Statuses that the clients saw; 0 for an answer that broke off."""
    seen = []

    async def client():
        connection = await mesh.client()
        for _ in range(EACH):
            await connection.send(get())
            try:
                seen.append((await connection.response()).status)
            except Exception:  # noqa: BLE001  an answer that broke off, in whichever way
                seen.append(0)
                connection = await mesh.client()
        connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(client())
    return seen


async def judged(candidate, ejection=NEVER, until=lambda _: True):
    """The verdicts of the default gates by name, and what the clients saw: after the first load, or the first of some after
    which `until` holds of the verdicts. A busy machine adds to all times, and so to how many requests tell them apart."""
    async with split(candidate, ejection) as mesh:
        watched = Watched(mesh.router)
        seen = []
        for _ in range(ROUNDS):
            seen += await load(mesh)
            await mesh.at_rest()
            window = watched.window()
            assert window.candidate.requests + window.stable.requests >= len(seen)
            verdicts = {gate.name: judge(gate, window, ()) for gate in DEFAULT_GATES}
            if until(verdicts):
                break
    return verdicts, seen


async def test_a_version_that_is_as_good_passes():
    async with serving(answering()) as candidate:
        verdicts, seen = await judged(candidate.address)
    assert {each.outcome for each in verdicts.values()} == {Outcome.PASS}, verdicts
    assert set(seen) == {200}


@pytest.mark.parametrize(
    ("script", "gate"),
    [
        (answering(odd=ERROR, every=20), "success"),
        (answering(odd=HALF, every=10), "success"),
        (answering(odd=LOST, every=5), "refusals"),
    ],
    ids=["5 % errors", "answers that break off", "lost routes"],
)
async def test_a_version_that_is_worse_fails_at_the_gate_for_it(script, gate):
    async with serving(script) as candidate:
        verdicts, _ = await judged(candidate.address, until=lambda said: said[gate].outcome is Outcome.FAIL)
    assert verdicts[gate].outcome is Outcome.FAIL, verdicts
    others = COUNTED - {gate}
    assert {verdicts[each].outcome for each in others} == {Outcome.PASS}, verdicts


async def test_a_version_that_is_slow_holds_its_release_until_that_was_seen_for_long_enough():
    """The window is one of a few seconds: sure by its requests, and by too few slices of time to fail."""
    async with serving(answering(seconds=4 * USUAL_SECONDS)) as candidate:
        verdicts, _ = await judged(candidate.address, until=lambda said: "times as long" in said["latency"].text)
    assert verdicts["latency"].outcome is Outcome.INCONCLUSIVE, verdicts
    assert "more than 1.5 times as long" in verdicts["latency"].text
    assert {verdicts[each].outcome for each in COUNTED - {"latency"}} == {Outcome.PASS}, verdicts


@pytest.mark.parametrize("ejection", [NEVER, Ejection()], ids=["tried on", "left out"])
async def test_a_version_that_nobody_can_reach_fails_though_every_client_is_answered(ejection):
    """All its requests are saved by the stable version; nothing but the failed tries speaks of it."""
    nobody = refusing()
    try:
        verdicts, seen = await judged(nobody.getsockname(), ejection)
    finally:
        nobody.close()
    assert set(seen) == {200}
    assert verdicts["success"].outcome is Outcome.FAIL
    assert "success 0 % of " in verdicts["success"].text


async def test_a_version_nobody_asks_for_is_neither_passed_nor_failed():
    async with serving(answering()) as candidate, split(candidate.address) as mesh:
        window = Watched(mesh.router).window()
    verdicts = {gate.name: judge(gate, window, ()).outcome for gate in DEFAULT_GATES}
    assert verdicts.pop("restarts") is Outcome.PASS
    assert set(verdicts.values()) == {Outcome.INCONCLUSIVE}
