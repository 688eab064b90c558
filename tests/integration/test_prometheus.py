"""Gates that ask a real Prometheus which scrapes a real admin API: the queries that docs/gates.md shows."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from tests.support.asking_gates import asking
from tests.support.counts import counted
from tests.support.plane import running
from tests.support.prometheus import prometheus
from tests.support.tree import ROOT
from tidegate.config import ReleasesConfig
from tidegate.control.outgoing import Outgoing
from tidegate.control.promql import Prometheus
from tidegate.control.traffic import Traffic
from tidegate.release.gate_text import gate_of
from tidegate.release.gates import Outcome

DEADLINE = 20.0
SERVICE = "shop/web"


def shown(label):
    """The line of a query gate that docs/gates.md shows under this label, for a range as short as this test."""
    text = (ROOT / "docs" / "gates.md").read_text()
    [line] = re.findall(rf"^(query {label}: (?:.|\n)*?)\n(?:query|```)", text, re.MULTILINE)
    return gate_of(" ".join(line.replace("[$window]", "[3s]").split()))


async def decided(ask, serve):
    """The verdict as soon as there are samples enough for one, under load."""
    async with asyncio.timeout(DEADLINE):
        while (verdict := await ask()).outcome is Outcome.INCONCLUSIVE:
            serve()
            await asyncio.sleep(0.1)
    return verdict


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, Outcome.PASS), (500, Outcome.FAIL)], ids=["good answers", "5 errors of 25"]
)
async def test_the_share_of_errors_of_a_version_is_asked_of_its_own_metrics(tmp_path: Path, status, outcome):
    traffic, outgoing = Traffic(time.monotonic), Outgoing()
    (tmp_path / "prometheus").mkdir()

    def serve():
        for version, last in (("v1", 200), ("v2", status)):
            exchanges = [{"status": 200}] * 20 + [{"status": last}] * 5
            traffic.add("endpoint", (SERVICE, version, f"{version}:80"), counted(*exchanges))

    async with running(tmp_path) as world:
        world.plane.registry.also_lines(traffic.lines)
        where = world.url.removeprefix("http://")
        async with prometheus(tmp_path / "prometheus", scraped=[where]) as url:
            gate = shown("errors")
            asker = Prometheus(outgoing, ReleasesConfig(prometheus=url))
            verdict = await decided(lambda: asker.ask(gate, asking(gate)), serve)
    await outgoing.close()
    assert verdict.outcome is outcome, verdict
    number = float(re.search(r"it is ([0-9.e-]+)", verdict.text)[1])
    assert number == pytest.approx(0.0 if status == 200 else 0.2, abs=0.05)
