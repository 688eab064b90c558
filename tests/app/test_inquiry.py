"""Questions through a running router to a desk behind it."""

import asyncio
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from tests.support.router import running
from tidegate.app import inquiry
from tidegate.app.inquiry import inquire
from tidegate.model import Address
from tidegate.router.passport import FIGURES, Asking

SECRET = b"s" * 32


class Known:
    def current(self):
        return SECRET


@asynccontextmanager
async def node(folder, answer, *, desk=True):
    """Node `a`, whose control answers a question with what `answer` makes of it."""

    async def serve(reader, writer):
        writer.write(answer(await reader.readline()))
        writer.close()

    path = str(folder / "figures.sock")
    parts = {"node": "a", "secret": Known(), "desks": {FIGURES: path}}
    async with running(parts=parts) as near:
        server = await asyncio.start_unix_server(serve, path, limit=1 << 20) if desk else None
        try:
            yield near
        finally:
            if server is not None:
                server.close()


def unheard(_ahead, _within):
    """Clocks are not looked at."""


async def asked(near, question=b"who?", *, secret=SECRET, to="a", service="", endpoint=FIGURES, heard=unheard):
    asking = Asking(node="b", to=to, service=service, endpoint=endpoint, when=int(time.time()))
    return await inquire(near.peer, asking, secret, question, heard)


async def test_control_answers_through_the_router_of_its_node(tmp_path):
    async with node(tmp_path, lambda line: b"you said " + line) as near:
        assert await asked(near) == b"you said who?\n"
        assert await asked(near, b"x" * 200_000) == b"you said " + b"x" * 200_000 + b"\n"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"secret": b"another"}, "407"),
        ({"to": "c"}, "407"),
        ({"endpoint": "admin"}, "404"),
        ({"service": "web"}, "404"),
    ],
    ids=["of another cluster", "meant for another node", "something else of control", "an endpoint of that name"],
)
async def test_who_may_not_ask_is_refused(tmp_path, more, status):
    async with node(tmp_path, lambda line: line) as near:
        assert f"it refuses: HTTP/1.1 {status}" in await asked(near, **more)


@pytest.mark.parametrize("ahead", [0.0, 100.0, -100.0])
async def test_its_clock_is_compared_with_ours_also_where_it_refuses_us_because_of_it(tmp_path, monkeypatch, ahead):
    monkeypatch.setattr("tidegate.router.peering.time", SimpleNamespace(time=lambda: time.time() + ahead))
    found = []
    async with node(tmp_path, lambda line: line) as near:
        answer = await asked(near, heard=lambda *measure: found.append(measure))
    assert answer == (b"who?\n" if ahead == 0.0 else "it refuses: HTTP/1.1 407 Proxy Authentication Required")
    ((seen, within),) = found
    assert abs(seen - ahead) <= within + 0.01 and within < 1.0


async def test_a_node_whose_control_is_down_is_told_as_that(tmp_path):
    async with node(tmp_path, bytes, desk=False) as near:
        assert await asked(near) == "it refuses: HTTP/1.1 503 Service Unavailable"


async def test_an_answer_of_nothing_or_of_too_much_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(inquiry, "MAX_ANSWER", 1000)
    async with node(tmp_path, lambda line: b"" if line == b"who?\n" else b"x" * 5000) as near:
        assert await asked(near) == "it closed without an answer"
        assert await asked(near, b"much") == "an answer of more than 1000 bytes"


async def test_a_node_that_does_not_listen_is_told_as_that(tmp_path):
    async with node(tmp_path, bytes) as near:
        gone = near.peer
    answer = await inquire(
        gone, Asking(node="b", to="a", service="", endpoint=FIGURES, when=0), SECRET, b"who?", unheard
    )
    assert isinstance(answer, str) and str(gone) in answer


async def test_a_node_that_says_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(inquiry, "SECONDS", 0.1)
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with silent:
        place = Address(host="127.0.0.1", port=silent.sockets[0].getsockname()[1])
        asking = Asking(node="b", to="a", service="", endpoint=FIGURES, when=0)
        assert await inquire(place, asking, SECRET, b"who?", unheard) == f"{place} does not answer in time"
