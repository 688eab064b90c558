import asyncio
import json

import aiohttp
from aiohttp import web

from tidegate.control.stacklogs import Source, stream
from tidegate.engine.port import LogLine
from tidegate.errors import NoSuchThing, Problem


class Speaking:
    """An engine whose containers say what they are called, and one that is not there."""

    name = "fake"

    def __init__(self):
        self.left = asyncio.Event()

    async def logs(self, container, tail=100, follow=False):
        if container == "none":
            raise NoSuchThing(Problem(code="T1112", text="no such container"))
        yield LogLine(text=f"{container} {tail}", at=1.0)
        if follow:
            try:
                await asyncio.sleep(3600)
            finally:
                self.left.set()


async def served(engine, containers, *, follow):
    """An application that streams them."""
    sources = tuple(Source(replica=str(n), container=each, engine=engine) for n, each in enumerate(containers))

    async def answer(request):
        return await stream(request, sources, 5, follow=follow)

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/"


async def test_lines_of_all_containers_come_and_one_that_is_gone_ends_nothing():
    runner, url = await served(Speaking(), ["one", "none", "two"], follow=False)
    try:
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            lines = [json.loads(each) for each in (await answer.text()).splitlines()]
    finally:
        await runner.cleanup()
    assert sorted((each["replica"], each["text"]) for each in lines) == [("0", "one 5"), ("2", "two 5")]


async def test_when_the_reader_goes_nothing_is_read_any_more():
    engine = Speaking()
    runner, url = await served(engine, ["one"], follow=True)
    try:
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            assert json.loads(await answer.content.readline())["text"] == "one 5"
            answer.close()
        async with asyncio.timeout(5):
            await engine.left.wait()
    finally:
        await runner.cleanup()
