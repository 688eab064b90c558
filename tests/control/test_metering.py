import pytest

from tests.support.fake_engine import FakeEngine
from tests.support.seen import instance, inventory
from tidegate.control.engines import Engines
from tidegate.control.metering import MOST, Metering
from tidegate.control.metrics import Registry
from tidegate.model import InstanceState


class Time:
    now = 1_700_000_000.0

    def __call__(self):
        return self.now


class World:
    def __init__(self, tmp_path):
        self.engine, self.registry, self.time, self.seen = FakeEngine(), Registry(), Time(), ()
        (tmp_path / "stat").write_text("cpu 100 0 50 800 50 0 0 0\n")
        (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 400 kB\n")
        engines = Engines({"docker": self.engine})
        self.metering = Metering(
            engines, lambda: {"docker": inventory(*self.seen)}, self.registry, self.time, self.time, tmp_path
        )

    def run(self, *names):
        made = [self.engine.run(name, {}) for name in names]
        self.seen += tuple(
            instance(id_, "web", project="shop", name=name) for id_, name in zip(made, names, strict=True)
        )
        return made

    def later(self, seconds):
        self.time.now += seconds


@pytest.fixture
async def world(tmp_path):
    return World(tmp_path)


async def test_a_load_takes_two_readings(world):
    (one,) = world.run("one")
    assert await world.metering.read(world.seen) == {}
    assert set(await world.metering.read(world.seen)) == {one}
    assert world.metering.load(one).cpu == 0


async def test_what_cannot_be_read_is_not_there_and_costs_the_others_nothing(world):
    one, two = world.run("one", "two")
    await world.metering.read(world.seen)
    del world.engine.containers[two]
    assert set(await world.metering.read(world.seen)) == {one}
    assert world.registry.value("tidegate_container_readings_total", outcome="failed") == 1


async def test_a_round_reads_those_that_were_not_read_lately(world):
    world.run("one", "two")
    await world.metering.read(world.seen[:1])
    await world.metering.round()
    assert world.engine.calls["stats"] == 2
    world.later(15)
    await world.metering.round()
    assert world.engine.calls["stats"] == 4


async def test_a_round_is_bounded_and_each_has_its_turn(world):
    world.run(*(f"c{number}" for number in range(MOST + 10)))
    await world.metering.round()
    assert world.engine.calls["stats"] == MOST
    world.later(15)
    await world.metering.round()
    assert len([each for each in world.seen if world.metering._read_at(each.id)]) == MOST + 10


async def test_who_is_gone_is_forgotten_and_who_stopped_is_not_asked(world):
    one, two = world.run("one", "two")
    await world.metering.round()
    world.seen = (world.seen[0], instance(two, "web", state=InstanceState.STOPPED))
    world.later(15)
    await world.metering.round()
    assert set(world.metering._readings) == {one}
    assert world.engine.inspected[one] == 1, "limits are asked for once"


async def test_readings_and_the_host_are_shown(world):
    world.run("one")
    await world.metering.round()
    found = {family.name: family for family in world.metering.families()}
    sample = found["tidegate_container_memory_limit_bytes"].samples[0]
    assert sample.labels == {"service": "shop/web", "version": "", "container": "one"}
    assert sample.value == 1 << 30
    assert found["tidegate_node_memory_bytes"].samples[0].value == 1024000
