from __future__ import annotations

import time

import pytest
from blockbuster import BlockingError, blockbuster_ctx


async def test_a_call_that_blocks_the_loop_is_caught():
    with blockbuster_ctx(), pytest.raises(BlockingError):
        time.sleep(0.001)  # noqa: ASYNC251  what is tested


async def test_a_fixture_watches_what_tidegate_calls(no_blocking):
    time.sleep(0.001)  # noqa: ASYNC251  the test itself may; only calls that come from tidegate are refused
    assert no_blocking.functions["time.sleep"].activated


def test_outside_the_loop_blocking_is_nobodys_business(no_blocking):
    time.sleep(0.001)
