from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from itertools import pairwise

import pytest
from standardwebhooks.webhooks import Webhook

from tests.support.hook import listening, never
from tests.support.plane import until
from tests.support.virtual_time import run_virtual
from tidegate.config import ReleasesConfig
from tidegate.control import webhooks as module
from tidegate.control.metrics import Registry
from tidegate.control.outgoing import Answer, Outgoing
from tidegate.control.webhooks import PAUSES, QUEUE, Notice, Webhooks
from tidegate.tasks import Tasks

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def notice(number, at=None):
    at = time.time() if at is None else at
    return Notice(identity=f"release-web-12-{number}", at=at, kind="release.shifting", data={"number": number})


@contextlib.asynccontextmanager
async def telling(*urls, **config):
    """Web hooks that are told until the end of the block."""
    outgoing, registry = Outgoing(), Registry()
    made = Webhooks(outgoing, ReleasesConfig(webhooks=urls, **config), time.time, registry)
    try:
        async with Tasks("test") as tasks:
            running = tasks.spawn("webhooks", made.run())
            try:
                yield made, registry
            finally:
                running.cancel()
    finally:
        await outgoing.close()


def counted(registry, outcome):
    line = f'tidegate_release_webhooks_total{{outcome="{outcome}"}}'.encode()
    found = [each for each in b"".join(registry.exposed("")[0]).splitlines() if each.startswith(line)]
    return float(found[0].split()[-1]) if found else 0.0


async def test_every_hook_is_told_every_event_in_order_and_signed():
    async with (
        listening() as one,
        listening() as other,
        telling(one.url, other.url, webhook_secret=SECRET) as (told, registry),
    ):
        for number in range(5):
            told.tell(notice(number, at=1674087231.5))
        await until(lambda: len(one.said) + len(other.said) == 10)
        await until(lambda: counted(registry, "delivered") == 10)
    for hook in (one, other):
        bodies = [
            Webhook(SECRET).verify(each.body.decode(), {name.lower(): value for name, value in each.headers.items()})
            for each in hook.said
        ]
        assert [each["data"]["number"] for each in bodies] == [0, 1, 2, 3, 4]
        assert bodies[0]["type"] == "release.shifting"
        assert bodies[0]["timestamp"] == "2023-01-19T00:13:51.500000Z"
        assert hook.said[3].headers["webhook-id"] == "release-web-12-3"


async def test_who_cannot_take_it_now_is_told_again_with_the_same_identity(monkeypatch):
    monkeypatch.setattr(module, "PAUSES", (0.001,))
    async with listening((503, b""), (429, b"")) as hook, telling(hook.url) as (told, registry):
        told.tell(notice(1))
        told.tell(notice(2))
        await until(lambda: counted(registry, "delivered") == 2)
    assert [each.headers["webhook-id"][-1] for each in hook.said] == ["1", "1", "1", "2"]


async def test_what_is_refused_is_dropped_and_the_next_is_told(caplog):
    async with listening((410, b"gone for good")) as hook, telling(f"{hook.url}/secret-path") as (told, registry):
        with caplog.at_level(logging.WARNING, "tidegate.webhooks"):
            told.tell(notice(1))
            told.tell(notice(2))
            await until(lambda: counted(registry, "delivered") == 1)
    assert counted(registry, "refused") == 1
    [record] = caplog.records
    assert (record.host, record.id, record.cause) == ("127.0.0.1", "release-web-12-1", "gone for good")
    assert "secret-path" not in str(vars(record))


async def test_a_hook_that_is_away_keeps_nobody_else_waiting():
    async with (
        listening(usual=never) as stuck,
        listening() as quick,
        telling(stuck.url, quick.url, hook_timeout_seconds=60.0) as (told, registry),
    ):
        for number in range(3):
            told.tell(notice(number))
        await until(lambda: len(quick.said) == 3)
        assert len(stuck.said) <= 1
        assert counted(registry, "delivered") <= 3


async def test_a_queue_that_is_full_drops_what_comes_and_says_so():
    async with listening(usual=never) as stuck, telling(stuck.url, hook_timeout_seconds=60.0) as (told, registry):
        told.tell(notice(0))
        await until(lambda: stuck.said)
        for number in range(QUEUE + 3):
            told.tell(notice(number))
        assert counted(registry, "full") == 3


class Away:
    """An other side that is never there."""

    def __init__(self):
        self.tries = []

    async def post(self, url, data, headers, seconds):
        self.tries.append((asyncio.get_running_loop().time(), json.loads(data)["data"]["number"]))
        return Answer(fault="refused")


def test_what_no_one_took_is_tried_less_and_less_often_and_dropped_when_its_time_is_over():
    away, registry = Away(), Registry()

    async def main():
        clock = asyncio.get_running_loop().time
        config = ReleasesConfig(webhooks=("http://a/",), webhook_deadline_seconds=100.0)
        told = Webhooks(away, config, clock, registry)
        told.tell(notice(1, at=0.0))
        told.tell(notice(2, at=0.0))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.run(), 500.0)

    run_virtual(main())
    times = [at for at, number in away.tries if number == 1]
    assert [round(later - before) for before, later in pairwise(times)] == [*map(int, PAUSES), 30]
    assert [round(at) for at, number in away.tries if number == 2] == [78, 79, 81, 86, 96]
    assert counted(registry, "late") == 2


@pytest.mark.parametrize("urls", [(), ("http://a/",)])
def test_who_is_not_running_is_no_harm(urls):
    Webhooks(Outgoing(), ReleasesConfig(webhooks=urls), time.time).tell(notice(1))
