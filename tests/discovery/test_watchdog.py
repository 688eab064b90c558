import asyncio

import pytest

from tests.support.fake_engine import FakeEngine
from tests.support.virtual_time import run_virtual
from tidegate.discovery.watchdog import PING_SECONDS, PINGS_MISSED, watch
from tidegate.errors import EngineUnreachable
from tidegate.tasks import Tasks


async def ails(engine):
    """It answers, is away for fewer pings than count, answers again, and then takes too long for ever."""
    await asyncio.sleep(100 * PING_SECONDS)
    engine.down()
    await asyncio.sleep((PINGS_MISSED - 1) * PING_SECONDS)
    engine.up()
    await asyncio.sleep(100 * PING_SECONDS)
    engine.latency = 10 * PING_SECONDS


def test_an_engine_is_lost_when_several_pings_in_a_row_got_no_answer():
    async def play():
        engine = FakeEngine()
        async with Tasks("test") as tasks:
            tasks.spawn("engine", ails(engine))
            with pytest.raises(EngineUnreachable, match="lost sight of fake://engine"):
                await watch(engine)
            assert asyncio.get_running_loop().time() > 200 * PING_SECONDS

    run_virtual(play(), 36_000)
