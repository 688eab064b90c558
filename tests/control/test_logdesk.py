import asyncio
import contextlib
import json

import pytest

from tidegate.control import logdesk
from tidegate.control.logdesk import LogDesk, There
from tidegate.control.stacklogs import Asked, Here
from tidegate.control.unixsocket import private_socket
from tidegate.engine.port import LogLine
from tidegate.errors import Problem, TidegateError
from tidegate.tasks import Tasks

ASKED = Asked(service="shop/web", tail=3)


class Engine:
    def __init__(self):
        self.left = asyncio.Event()

    async def logs(self, container, tail=100, follow=False, since=0.0):
        yield LogLine(text=f"{container} {tail} {since:g}", at=1.0)
        if follow:
            try:
                await asyncio.sleep(3600)
            finally:
                self.left.set()


class Others:
    """A way to the desk at `path`; `spoil` may change what arrives."""

    def __init__(self, path):
        self.path = path

    async def logs(self, node):
        return await asyncio.open_unix_connection(self.path)


@contextlib.asynccontextmanager
async def opened(folder, engine):
    source = Here(key="c0ffee", node="b", service="shop/web", replica="1.1", lives=True, engine=engine)
    path = folder / "logs.sock"
    desk = LogDesk(lambda service: [source] if service == "shop/web" else [])
    async with Tasks("test") as tasks:
        task = tasks.spawn("desk", desk.run(private_socket(path)))
        yield Others(str(path))
        task.cancel()


async def rows(others, asked=ASKED):
    async with asyncio.timeout(10):
        return [(row.node, row.text) async for row in There(node="b", others=others).read(asked)]


async def test_another_nodes_rows_come_as_it_tells_them_until_that_was_all(tmp_path):
    async with opened(tmp_path, Engine()) as others:
        assert await rows(others, Asked(service="shop/web", tail=3, since=0.5)) == [("b", "c0ffee 3 0.5")]
        assert await rows(others, Asked(service="shop/unknown")) == []


async def test_who_hangs_up_is_read_for_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr("tidegate.control.stacklogs.QUIET_SECONDS", 0.02)
    engine = Engine()
    async with opened(tmp_path, engine) as others, asyncio.timeout(10):
        reading = There(node="b", others=others).read(Asked(service="shop/web", follow=True))
        assert (await anext(reading)).text == "c0ffee 100 0"
        await reading.aclose()
        await engine.left.wait()


@pytest.mark.parametrize("asked", [b"GET / HTTP/1.1\r\n", b"{}\n", b""], ids=["http", "nothing asked", "silence"])
async def test_who_asks_for_nothing_we_know_gets_nothing(tmp_path, asked):
    async with opened(tmp_path, Engine()) as others, asyncio.timeout(10):
        reader, writer = await others.logs("b")
        writer.write(asked)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        assert await rows(others), "the next one is answered"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b'{"node": "b"', "the connection ended"),
        (b"HTTP/1.1 400\r\n", "JSON"),
        (b"", "the connection ended"),
        (None, "nothing for"),
    ],
)
async def test_a_node_that_does_not_tell_all_is_named(monkeypatch, answer, cause):
    monkeypatch.setattr(logdesk, "ASK_SECONDS", 0.05)

    class Broken:
        async def logs(self, node):
            reader = asyncio.StreamReader()
            if answer is not None:
                reader.feed_data(answer)
                reader.feed_eof()
            return reader, Writer()

    class Writer:
        def write(self, data):
            assert json.loads(data)["tail"] == 3

        def close(self):
            pass

    with pytest.raises(TidegateError, match=r"T2307.*b does not tell") as caught:
        await rows(Broken())
    assert cause in caught.value.problems[0].cause


async def test_a_node_that_cannot_be_reached_is_named_by_who_tried():
    class Away:
        async def logs(self, node):
            raise TidegateError(Problem(code="T2307", text=f"{node} cannot be asked"))

    with pytest.raises(TidegateError, match="b cannot be asked"):
        await rows(Away())
