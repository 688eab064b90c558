import asyncio
import json

import aiohttp
from aiohttp import web

from tidegate.control import stacklogs
from tidegate.control.stacklogs import Asked, Here, Reading, Row, stream
from tidegate.engine.port import LogLine
from tidegate.errors import EngineError, NoSuchThing, Problem
from tidegate.tasks import Tasks


class Speaking:
    """An engine whose containers have written what `lines` says; one that is not there, and one that cannot be read."""

    name = "fake"

    def __init__(self, **lines):
        self.lines = lines
        self.asked = []
        self.left = asyncio.Event()

    async def logs(self, container, tail=100, follow=False, since=0.0):
        self.asked.append((container, tail, since))
        if container == "none":
            raise NoSuchThing(Problem(code="T1112", text="no such container"))
        if container == "broken":
            raise EngineError(Problem(code="T1104", text="the engine is broken"))
        for at, text in self.lines.get(container, ()):
            if at >= since:
                yield LogLine(text=text, at=at)
        if follow and container == "endless":
            try:
                await asyncio.sleep(3600)
            finally:
                self.left.set()


def here(engine, container, *, lives=False):
    return Here(key=container, node="a", service="shop/web", replica="1.1", lives=lives, engine=engine)


async def read(engine, *containers, **asked):
    rows = []

    async def write(row):
        rows.append(row)

    sources = [here(engine, each) for each in containers]
    await Reading(lambda: sources, Asked(service="shop/web", **asked), write).run()
    return [row for row in rows if row is not None]


async def test_lines_of_all_containers_come_in_the_order_of_time_and_one_that_is_gone_ends_nothing():
    engine = Speaking(one=[(1.0, "a"), (4.0, "d")], two=[(2.0, "b"), (3.0, "c")])
    rows = await read(engine, "one", "none", "two", tail=5, since=0.5)
    assert [row.text for row in rows] == ["a", "b", "c", "d"]
    assert ("two", 5, 0.5) in engine.asked


async def test_why_a_node_says_nothing_is_a_row_of_its_own():
    (row,) = await read(Speaking(), "broken")
    assert (row.node, row.problem.code, row.text) == ("a", "T1104", "")


async def test_a_source_with_more_lines_than_wait_loses_none():
    many = [(float(at), str(at)) for at in range(3 * stacklogs.LAG_ROWS)]
    rows = await read(Speaking(one=many, two=[(1e9, "last")]), "one", "two")
    assert [row.text for row in rows] == [*(text for _, text in many), "last"]


async def test_what_is_followed_goes_on_with_containers_that_come_and_those_that_were_started_anew(monkeypatch):
    monkeypatch.setattr(stacklogs, "QUIET_SECONDS", 0.02)
    monkeypatch.setattr(stacklogs, "AGAIN_SECONDS", 0.01)
    engine = Speaking(one=[(1.0, "a")], two=[(2.0, "b")])
    sources, found = [here(engine, "one", lives=True)], asyncio.Queue()

    async def write(row):
        if row is not None:
            await found.put(row.text)

    async with Tasks("test") as tasks, asyncio.timeout(10):
        reading = Reading(lambda: sources, Asked(service="shop/web", follow=True, tail=7), write)
        task = tasks.spawn("read", reading.run())
        assert await found.get() == "a"
        sources.append(here(engine, "two"))
        assert await found.get() == "b"
        engine.lines["one"] += [(3.0, "c")]
        assert await found.get() == "c"
        task.cancel()
    assert engine.asked[0] == ("one", 7, 0.0), "the tail counts at first"
    assert ("one", stacklogs.MOST_ROWS, 1.0) in engine.asked, "then all since it ended"
    assert [name for name, *_ in engine.asked].count("two") == 1, "what does not live says no more"


async def served(engine, containers, *, follow):
    """An application that streams them."""
    sources = tuple(here(engine, each) for each in containers)

    async def answer(request):
        return await stream(request, lambda: sources, Asked(service="shop/web", tail=5, follow=follow))

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/"


async def test_rows_are_lines_of_json():
    runner, url = await served(Speaking(one=[(1.0, "a")], broken=[]), ["one", "broken"], follow=False)
    try:
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            rows = [json.loads(each) for each in (await answer.text()).splitlines()]
    finally:
        await runner.cleanup()
    line = {"node": "a", "service": "shop/web", "replica": "1.1", "stream": "stdout", "at": 1.0, "text": "a"}
    assert line in rows
    assert [each["problem"]["text"] for each in rows if "problem" in each] == ["the engine is broken"]
    assert Row(problem=None, **line).at == 1.0


async def test_when_the_reader_goes_nothing_is_read_any_more():
    engine = Speaking(endless=[(1.0, "a")])
    runner, url = await served(engine, ["endless"], follow=True)
    try:
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            assert json.loads(await answer.content.readline())["text"] == "a"
            answer.close()
        async with asyncio.timeout(5):
            await engine.left.wait()
    finally:
        await runner.cleanup()
