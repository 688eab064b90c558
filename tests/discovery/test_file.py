import asyncio
import contextlib
import os

from tidegate.discovery.file import FileProvider, check_file

GOOD = "services: {web: {endpoints: ['127.0.0.1:1']}, db: {endpoints: ['127.0.0.1:2']}}\nroutes: [{host: a.test, backends: {web: 1}}]\n"
MORE = GOOD.replace("'127.0.0.1:2'", "'127.0.0.1:2', '127.0.0.1:3'")
BROKEN = "services: {web: [\n"


class Watching:
    def __init__(self, path):
        self.inventories = []
        self.provider = FileProvider(str(path), poll_seconds=0.01)
        self._news = asyncio.Event()

    def publish(self, inventory):
        self.inventories.append(inventory)
        self._news.set()

    async def until(self, condition):
        async with asyncio.timeout(10):
            while not (self.inventories and condition(self.inventories[-1])):
                self._news.clear()
                await self._news.wait()
        return self.inventories[-1]


@contextlib.asynccontextmanager
async def watching(path):
    watcher = Watching(path)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watcher.provider.run(watcher.publish))
        yield watcher
        task.cancel()


def codes(inventory):
    return [problem.code for problem in inventory.problems]


async def test_a_change_is_published_and_what_did_not_change_is_shared(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(GOOD)
    async with watching(path) as watcher:
        first = await watcher.until(lambda each: True)
        path.write_text(MORE)
        second = await watcher.until(lambda each: len(each.services["db"]) == 2)
    assert (first.version, second.version, first.provider) == (1, 2, f"file:{path}")
    assert second.services["web"] is first.services["web"]
    assert second.services["db"][0] is first.services["db"][0]
    assert second.routes is first.routes


async def test_a_broken_file_keeps_the_last_good_content_and_says_so(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(GOOD)
    async with watching(path) as watcher:
        good = await watcher.until(lambda each: True)
        path.write_text(BROKEN)
        broken = await watcher.until(lambda each: each.problems)
        assert watcher.provider.problems == broken.problems
        path.write_text(MORE)
        mended = await watcher.until(lambda each: not each.problems)
    assert codes(broken) == ["T1250"]
    assert (broken.services, broken.routes) == (good.services, good.routes)
    assert broken.problems[0].place.startswith(f"{path}:")
    assert len(mended.services["db"]) == 2


async def test_a_missing_file_is_told_and_waited_for(tmp_path):
    path = tmp_path / "f.yaml"
    async with watching(path) as watcher:
        missing = await watcher.until(lambda each: True)
        path.write_text(GOOD)
        there = await watcher.until(lambda each: each.services)
        path.unlink()
        gone = await watcher.until(lambda each: each.problems)
    assert (codes(missing), missing.services, codes(there), codes(gone)) == (["T1254"], {}, [], ["T1254"])
    assert gone.services == there.services


async def test_an_atomic_replace_and_a_swapped_link_are_seen(tmp_path):
    path = tmp_path / "f.yaml"
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "f.yaml").write_text(GOOD)
    (tmp_path / "two" / "f.yaml").write_text(MORE)
    (tmp_path / "data").symlink_to("one")
    path.symlink_to("data/f.yaml")
    async with watching(path) as watcher:
        await watcher.until(lambda each: each.services)
        (tmp_path / "new").symlink_to("two")
        (tmp_path / "new").replace(tmp_path / "data")
        await watcher.until(lambda each: len(each.services["db"]) == 2)
        (tmp_path / "x").write_text(GOOD)
        (tmp_path / "x").replace(path)
        await watcher.until(lambda each: len(each.services["db"]) == 1)


async def test_two_writes_within_one_clock_tick_are_both_seen(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(GOOD)
    async with watching(path) as watcher:
        await watcher.until(lambda each: True)
        status = path.stat()
        path.write_text(GOOD.replace(":2'", ":7'"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        await watcher.until(lambda each: each.services["db"][0].ports == (7,))


async def test_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xff\xfe")
    async with watching(path) as watcher:
        inventory = await watcher.until(lambda each: True)
    assert codes(inventory) == ["T1254"]
    assert "UTF-8" in inventory.problems[0].cause


async def test_a_folder_instead_of_a_file_is_told(tmp_path):
    async with watching(tmp_path) as watcher:
        assert codes(await watcher.until(lambda each: True)) == ["T1254"]


def test_a_text_can_be_checked_without_watching():
    assert check_file(GOOD, "f.yaml") == ()
    assert [problem.place for problem in check_file("rutes: []\n", "f.yaml")] == ["f.yaml:1"]
