import asyncio

from tidegate.engine.port import LogLine
from tidegate.engine.process_logs import RING_LINES, LogRing
from tidegate.tasks import Tasks

DEADLINE = 10.0


def ring_of(count):
    ring = LogRing()
    for number in range(count):
        ring.append(LogLine(text=str(number)))
    return ring


async def texts(ring, tail, follow=False):
    async with asyncio.timeout(DEADLINE):
        return [line.text async for line in ring.read(tail, follow)]


async def test_the_tail_is_the_newest_lines():
    assert await texts(ring_of(5), 2) == ["3", "4"]
    assert await texts(ring_of(5), 100) == ["0", "1", "2", "3", "4"]
    assert await texts(ring_of(5), 0) == []


async def test_the_tail_is_of_those_since_a_time():
    ring = LogRing()
    for at in (1.0, 2.0, 3.0):
        ring.append(LogLine(text=f"{at:g}", at=at))
    assert [line.text async for line in ring.read(100, follow=False, since=2.0)] == ["2", "3"]
    assert [line.text async for line in ring.read(1, follow=False, since=2.0)] == ["3"]
    assert [line.text async for line in ring.read(100, follow=False, since=4.0)] == []


async def test_only_the_newest_lines_are_kept():
    kept = await texts(ring_of(RING_LINES + 3), RING_LINES * 2)
    assert (len(kept), kept[0], kept[-1]) == (RING_LINES, "3", str(RING_LINES + 2))


async def test_a_follower_gets_every_further_line_until_the_life_is_over():
    ring = ring_of(2)
    ring.open()
    async with Tasks("test") as tasks:
        reading = tasks.spawn("read", texts(ring, 1, follow=True))
        for text in ("a", "b"):
            await asyncio.sleep(0)
            ring.append(LogLine(text=text))
        ring.close()
        assert await reading == ["1", "a", "b"]


async def test_following_what_does_not_run_ends_at_once():
    assert await texts(ring_of(2), 5, follow=True) == ["0", "1"]
