import asyncio

import pytest

from tidegate.engine.process_events import BACKLOG, REPLAY, EventLog
from tidegate.errors import EngineUnreachable

DEADLINE = 10.0


async def taken(stream, count):
    async with asyncio.timeout(DEADLINE):
        return [await anext(stream) for _ in range(count)]


async def test_times_grow_with_every_event():
    log = EventLog("process")
    for _ in range(50):
        log.emit("start", "a", {})
    events = (await taken(log.read(0), 51))[1:]
    assert sorted({event.time_ns for event in events}) == [event.time_ns for event in events]


async def test_a_stream_begins_with_its_opening_and_goes_on_with_what_it_missed():
    log = EventLog("process")
    log.emit("start", "a", {"name": "x"})
    opening, replayed = await taken(log.read(0), 2)
    assert (opening.kind, opening.action) == ("daemon", "stream-open")
    assert (replayed.action, replayed.id, replayed.attributes) == ("start", "a", {"name": "x"})


async def test_only_the_latest_events_can_be_replayed():
    log = EventLog("process")
    for number in range(REPLAY + 1):
        log.emit("start", str(number), {})
    assert (await taken(log.read(0), 2))[1].id == "1"


async def test_a_reader_too_far_behind_gets_what_waited_or_an_error_but_no_gap():
    log = EventLog("process")
    stream = log.read(0)
    await taken(stream, 1)
    for number in range(BACKLOG + 1):
        log.emit("start", str(number), {})
    with pytest.raises(EngineUnreachable, match="behind"):
        await taken(stream, BACKLOG + 1)


async def test_closing_the_log_ends_its_streams():
    log = EventLog("process")
    stream = log.read(0)
    await taken(stream, 1)
    log.close()
    with pytest.raises(EngineUnreachable, match="closed"):
        await taken(stream, 1)
