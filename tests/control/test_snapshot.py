import asyncio

import pytest

from tests.support.plane import until
from tests.support.seen import healthy, instance, inventory
from tidegate.building import build
from tidegate.control.snapshot import Memory, load, save, save_names
from tidegate.model import Overrides
from tidegate.routing import RoutingTable
from tidegate.tasks import Tasks


@pytest.fixture
def table():
    seen = {"docker": inventory(instance("c1", node="n1", routes=["a.test/"]), instance("c2"))}
    return build(None, seen, healthy("c1:80"), Overrides()).table


def test_what_was_saved_is_loaded(tmp_path, table):
    path = tmp_path / "table.snapshot"
    save(path, table)
    found, problem = load(path)
    assert problem is None
    assert found.table == table
    assert [report.endpoint for report in found.health] == ["c1:80"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["table.snapshot"]


def test_no_file_is_no_problem(tmp_path):
    assert load(tmp_path / "none") == (None, None)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:20],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: b"OTHER!!\n" + data[8:],
        lambda data: data + b"x",
    ],
)
def test_a_spoiled_file_is_put_aside_and_told(tmp_path, table, spoil):
    path = tmp_path / "table.snapshot"
    save(path, table)
    path.write_bytes(spoil(path.read_bytes()))
    found, problem = load(path)
    assert found is None
    assert problem.code == "T1320"
    assert not path.exists()
    assert (tmp_path / "table.snapshot.broken").exists()


def test_names_are_written_for_completion(tmp_path, table):
    save_names(tmp_path / "names", table)
    lines = (tmp_path / "names").read_text().splitlines()
    assert {"service\tweb", "route\ta.test", "endpoint\tc1", "node\tn1"} <= set(lines)


async def test_names_of_what_is_in_no_table_are_written_too_when_they_change(tmp_path, table):
    memory = Memory(tmp_path, debounce_seconds=0.0)
    names = tmp_path / "names"
    async with Tasks("test") as tasks:
        task = tasks.spawn("memory", memory.run())
        memory.note(table)
        await until(names.exists)
        memory.name(frozenset({("stack", "shop")}))
        await until(lambda: "stack\tshop" in names.read_text().splitlines())
        assert "service\tweb" in names.read_text().splitlines()
        memory.name(frozenset())
        await until(lambda: "stack\tshop" not in names.read_text())
        task.cancel()


async def test_tables_noted_soon_after_each_other_are_written_once_and_the_last_one_stays(tmp_path, table):
    memory = Memory(tmp_path, debounce_seconds=0.02)
    async with Tasks("test") as tasks:
        task = tasks.spawn("memory", memory.run())
        memory.note(RoutingTable(version=1))
        memory.note(table)
        await until(memory.path.exists)
        task.cancel()
    assert memory.load()[0].table == table


async def test_what_is_noted_last_is_written_on_the_way_out(tmp_path, table):
    memory = Memory(tmp_path, debounce_seconds=60.0)
    async with Tasks("test") as tasks:
        task = tasks.spawn("memory", memory.run())
        await asyncio.sleep(0)
        memory.note(table)
        task.cancel()
    assert memory.load()[0].table == table


async def test_a_disk_that_cannot_be_written_is_told_once_and_stops_nothing(tmp_path, table, caplog):
    memory = Memory(tmp_path / "missing", debounce_seconds=0.0)
    async with Tasks("test") as tasks:
        task = tasks.spawn("memory", memory.run())
        for _ in range(3):
            memory.note(table)
            await until(lambda: memory._pending is None)
        task.cancel()
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
