import asyncio
import json

from tests.support.plane import running
from tests.support.seen import instance
from tidegate.control import stream
from tidegate.control.journal import QUEUE, Happening, Step
from tidegate.control.stream import encoded
from tidegate.routing import Delta


def test_entries_are_one_event_each_with_their_id():
    raw = encoded(Happening(id=4, at=1.0, kind="route", text="two\nlines"))
    assert raw.startswith(b"event: happening\nid: 4\ndata: ")
    assert raw.endswith(b"\n\n")
    assert raw.count(b"\n") == 4
    body = json.loads(encoded(Step(id=5, delta=Delta(base=1, version=2, routes={"a/": None}))).split(b"data: ")[1])
    assert body == {"base": 1, "version": 2, "routes": {"a/": None}, "services": {}}


async def test_a_silent_stream_pulses(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "PULSE_SECONDS", 0.01)
    async with running(tmp_path) as world, world.http.get(f"{world.url}/v1/stream") as response:
        async with asyncio.timeout(5):
            while b": still here" not in await response.content.readline():
                pass


async def test_clients_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "MAX_CLIENTS", 1)
    async with running(tmp_path) as world, world.http.get(f"{world.url}/v1/stream") as response:
        await response.content.readline()
        status, answer = await world.ask("GET", "/v1/stream")
        assert (status, answer["code"]) == (503, "T1618")


async def test_a_client_that_lags_behind_too_far_is_cut_off(tmp_path):
    async with running(tmp_path) as world, world.http.get(f"{world.url}/v1/stream") as response:
        await response.content.readline()
        for number in range(QUEUE + 1):
            world.journal.tell("route", str(number))
        async with asyncio.timeout(10):
            text = await response.content.read()
        assert b'"text": "511"' in text
        assert b'"text": "512"' not in text


async def test_a_stopping_server_ends_its_streams(tmp_path):
    async with running(tmp_path) as world:
        world.see(instance("c1"))
        response = await world.http.get(f"{world.url}/v1/stream")
        await response.content.readline()
        world.journal.close()
        async with asyncio.timeout(10):
            await response.content.read()
        response.close()
