"""Releases of local processes: the embedded engine under the executor."""

import pytest

from tests.support.carrier import SERVICE, Carrier
from tidegate.engine.port import ContainerSpec
from tidegate.engine.process import ProcessEngine
from tidegate.release.record import State
from tidegate.release.spec import Change, Strategy

LOOP = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")


@pytest.fixture
async def carrier(tmp_path):
    engine = ProcessEngine(tmp_path)
    carrier = Carrier(engine)
    for number in (1, 2):
        labels = {"tidegate.service": SERVICE, "tidegate.version": "v1"}
        spec = ContainerSpec(name=f"old-{number}", image="web:1", command=LOOP, labels=labels, restart="always")
        carrier.old[await engine.create(spec)] = spec.name
    for container in carrier.old:
        await engine.start(container)
    try:
        yield carrier
    finally:
        await engine.close()


async def running(carrier):
    rows = await carrier.engines.at("engine").list()
    return {row.names[0]: row.state.value for row in rows}


@pytest.mark.parametrize("strategy", list(Strategy))
@pytest.mark.parametrize("patience", [60.0, 0.05])
async def test_a_release_leaves_the_new_processes_and_nothing_else_whatever_dies(carrier, strategy, patience):
    carrier.begin(strategy, "new-")
    await carrier.run(patience)
    assert carrier.release.state is State.COMPLETE, carrier.release.history
    assert await running(carrier) == {"new-1": "running", "new-2": "running"}


async def test_a_version_that_crashes_again_and_again_is_rolled_back(carrier):
    carrier.begin(Strategy.ROLLING, "new-", Change(command=("sh", "-c", "exit 3")), hold_seconds=1.0)
    await carrier.run()
    assert carrier.release.state is State.ROLLED_BACK
    assert await running(carrier) == {"old-1": "running", "old-2": "running"}
