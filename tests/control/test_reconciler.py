import asyncio

import pytest
from msgspec import structs

from tests.support.plane import DEADLINE, Checks, until
from tests.support.seen import following, instance, inventory, report
from tests.support.virtual_time import run_virtual
from tidegate.building import BuildOptions
from tidegate.control.journal import Journal
from tidegate.control.metrics import Registry
from tidegate.control.reconciler import Reconciler
from tidegate.control.snapshot import Memory, save
from tidegate.errors import Problem
from tidegate.model import HealthSource, HealthState, InstanceState, Overrides
from tidegate.routing import TableCell
from tidegate.tasks import Tasks

C1 = instance("c1", routes=["a.test/"])


class Set:
    """A reconciler and its neighbours."""

    def __init__(self, **options):
        self.cell, self.checks, self.journal = TableCell(), Checks(), Journal(lambda: 7.0)
        self.published = []
        self.cell.follow(lambda table, delta: self.published.append((table.version, delta)))
        self.reconciler = Reconciler(self.cell, self.checks, self.journal, **options)


async def test_what_is_offered_within_one_turn_makes_one_table():
    world = Set()
    world.reconciler.offer_overrides(Overrides())
    world.reconciler.offer_inventory(inventory(C1))
    world.reconciler.offer_health(report("c1:80"))
    assert world.published == []
    await asyncio.sleep(0)
    assert [version for version, _ in world.published] == [1]
    assert world.cell.table.services["web"].endpoints[0].state is HealthState.HEALTHY


async def test_nothing_is_published_before_every_required_provider_and_the_overrides_spoke():
    world = Set(required=["docker", "file"])
    world.reconciler.offer_inventory(inventory(C1))
    world.reconciler.settle()
    assert world.reconciler.waiting_for == {"file", "overrides"}
    world.reconciler.offer_overrides(Overrides())
    world.reconciler.offer_inventory(inventory(provider="file"))
    world.reconciler.settle()
    assert not world.reconciler.waiting_for
    assert world.cell.table.version == 1


async def test_an_offer_that_changes_nothing_publishes_nothing():
    world = Set()
    world.reconciler.offer_overrides(Overrides())
    world.reconciler.offer_inventory(inventory(C1))
    world.reconciler.settle()
    world.reconciler.offer_inventory(inventory(C1, version=2))
    world.reconciler.settle()
    assert len(world.published) == 1


async def test_the_checker_follows_and_health_of_what_is_gone_is_forgotten():
    world = Set()
    world.reconciler.offer_overrides(Overrides())
    first = inventory(C1)
    world.reconciler.offer_inventory(first)
    world.reconciler.offer_health(report("c1:80"))
    world.reconciler.settle()
    assert set(world.checks.targets) == {"c1:80"}
    world.reconciler.offer_inventory(following(first))
    world.reconciler.settle()
    assert world.checks.removed == ["c1:80"]
    assert not world.reconciler.health
    again = following(following(first), C1)
    world.reconciler.offer_inventory(again)
    world.reconciler.settle()
    assert world.cell.table.services["web"].endpoints[0].state is HealthState.STARTING


async def test_changes_are_told_in_the_journal_with_their_version():
    world = Set()
    world.reconciler.offer_overrides(Overrides())
    world.reconciler.offer_inventory(inventory(C1))
    world.reconciler.settle()
    world.reconciler.offer_health(report("c1:80"))
    world.reconciler.settle()
    last = world.journal.happenings()[-1]
    assert (last.kind, last.version) == ("endpoint", 2)
    assert last.text == "web c1:80 is healthy, was starting"


async def test_the_time_from_offer_to_table_is_measured():
    registry = Registry()
    world = Set(metrics=registry)
    world.reconciler.offer_overrides(Overrides())
    world.reconciler.settle()
    assert b"tidegate_control_publish_seconds_count 1.0" in registry.text()


async def test_a_table_says_since_when_the_oldest_of_its_changes_was_known():
    now = iter(range(100, 200))
    world = Set(clock=lambda: float(next(now)))
    world.reconciler.offer_overrides(Overrides())
    world.reconciler.offer_inventory(structs.replace(inventory(C1), since=42.0))
    world.reconciler.offer_health(report("c1:80"))
    world.reconciler.settle()
    world.reconciler.offer_inventory(inventory(version=2))
    world.reconciler.settle()
    first, second = (delta.since for _, delta in world.published)
    assert first == 42.0
    assert second > 100.0


def test_a_claim_ceases_to_linger_by_itself():
    async def story():
        loop = asyncio.get_running_loop()
        world = Set(clock=loop.time, options=BuildOptions(linger_seconds=30.0))
        async with Tasks("test") as tasks:
            task = tasks.spawn("reconciler", world.reconciler.run())
            first = inventory(C1)
            world.reconciler.offer_overrides(Overrides())
            world.reconciler.offer_inventory(first)
            world.reconciler.settle()
            world.reconciler.offer_inventory(following(first))
            world.reconciler.settle()
            assert "a.test/" in world.cell.table.routes
            began = loop.time()
            while world.cell.table.routes:  # noqa: ASYNC110  virtual time
                await asyncio.sleep(1.0)
            assert loop.time() - began == pytest.approx(30.0, abs=1.5)
            task.cancel()

    run_virtual(story())


async def test_a_bug_in_a_build_ends_the_reconciler():
    world = Set()
    world.reconciler.offer_overrides(Overrides())

    async def story():
        async with Tasks("test") as tasks:
            tasks.spawn("reconciler", world.reconciler.run())
            await asyncio.sleep(0)
            world.reconciler.offer_inventory(_Broken())
            await asyncio.sleep(DEADLINE)

    with pytest.raises(ExceptionGroup) as caught:
        await story()
    assert caught.group_contains(AttributeError)


class _Broken:
    """Not an inventory at all."""

    provider = "docker"


async def test_a_preview_changes_nothing():
    world = Set()
    world.reconciler.offer_overrides(Overrides())
    world.reconciler.offer_inventory(inventory(C1))
    world.reconciler.settle()
    before = world.reconciler.current
    made = world.reconciler.preview(Overrides(drained=frozenset({"c1"})))
    assert made.table.services["web"].endpoints[0].state is HealthState.DRAINING
    assert world.reconciler.current is before


async def test_a_remembered_table_serves_at_once_and_its_healthy_endpoints_are_assumed(tmp_path):
    first = Set()
    first.reconciler.offer_overrides(Overrides())
    first.reconciler.offer_inventory(inventory(C1, instance("c2")))
    first.reconciler.offer_health(report("c1:80"))
    first.reconciler.settle()
    memory = Memory(tmp_path)
    save(memory.path, first.cell.table)
    second = Set(required=["docker"], memory=memory)
    second.reconciler.resume()
    assert second.cell.table == first.cell.table
    assert set(second.published[0][1].services) == {"web"}, "its delta holds everything"
    assert [(each.endpoint, each.source) for each in second.checks.assumed] == [("c1:80", HealthSource.ASSUMED)]
    second.reconciler.offer_overrides(Overrides())
    second.reconciler.offer_inventory(inventory(C1, instance("c2", state=InstanceState.STOPPED)))
    second.reconciler.settle()
    assert [each.state for each in second.cell.table.services["web"].endpoints] == [HealthState.HEALTHY]


async def test_a_broken_memory_is_told_and_does_not_stop_the_start(tmp_path):
    memory = Memory(tmp_path)
    memory.path.write_bytes(b"nonsense")
    world = Set(memory=memory)
    world.reconciler.resume()
    assert [problem.code for problem in world.reconciler.problems] == ["T1320"]
    assert world.journal.happenings()[0].kind == "problem"


async def test_each_table_is_remembered(tmp_path):
    memory = Memory(tmp_path, debounce_seconds=0.0)
    world = Set(memory=memory)
    async with Tasks("test") as tasks:
        task = tasks.spawn("memory", memory.run())
        world.reconciler.offer_overrides(Overrides())
        world.reconciler.offer_inventory(inventory(C1))
        await until(memory.path.exists)
        task.cancel()
    found, _ = memory.load()
    assert found.table == world.cell.table


async def test_problems_of_providers_and_checks_stand_beside_those_of_the_build():
    away = Problem(code="T1101", text="the engine does not answer")
    world = Set(complaints=lambda: (away, away))
    assert world.reconciler.problems == (away,)
