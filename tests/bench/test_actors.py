"""Containers that a script plays, as a client meets them."""

import asyncio
import socket

import pytest

from bench.macro.actors import Actor, Silent
from bench.macro.asker import Asker
from bench.macro.steady import Steady
from bench.macro.websockets import Session, echo, masked, plain
from tests.support.channel import until


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
async def actor():
    actor = Actor("127.0.0.1", free_port())
    await actor.open()
    yield actor
    actor.end()


async def test_an_actor_answers_with_its_address(actor):
    asker = Asker(actor.port, "a.test")
    assert (await asker.ask(), asker.body) == (200, b"127.0.0.1")
    asker.close()


async def test_a_closed_port_refuses_but_an_answer_that_was_begun_is_finished(actor):
    first, second = Asker(actor.port, "a.test"), Asker(actor.port, "a.test")
    async with asyncio.TaskGroup() as group:
        begun = group.create_task(first.ask())
        await until(lambda: any(each._busy for each in actor.connections))
        actor.close_port()
    assert (begun.result(), await second.ask()) == (200, 0)
    first.close()


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_once_and_counted(actor):
    asker = Asker(actor.port, "a.test")
    await asker.ask()
    actor.close_port()
    await actor.open()
    assert (await asker.ask(), asker.cut) == (200, 1)
    asker.close()


async def test_a_silent_address_neither_takes_nor_refuses_a_connection():
    port = free_port()
    silent = Silent("127.0.0.1", port)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await asyncio.open_connection("127.0.0.1", port)
    silent.close()


async def test_steady_traffic_tells_failures_and_wrong_owners(actor):
    loads = [Steady(actor.port, "a.test", rate=200.0, owners=owners) for owners in ((), ("127.9.9.9",))]
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for load in loads:
            group.create_task(load.run())
        await until(lambda: actor.requests >= 20)
        for load in loads:
            load.stop()
    right, wrong = (load.figures() for load in loads)
    assert (right["failed"], wrong["failed"]) == (0.0, wrong["requests"])
    assert wrong["requests"] > 0


async def test_a_websocket_echoes_until_the_container_ends(actor):
    session = await Session.open(actor.port, "a.test")
    assert await session.ask(b"hello")
    actor.end()
    assert not await session.ask(b"again")
    session.close()


def test_echo_leaves_what_is_no_whole_frame_yet():
    data = masked(b"one") + masked(b"two")
    for end in range(len(data)):
        answer, rest = echo(data[:end])
        assert echo(rest + data[end:])[0] == (plain(b"one") + plain(b"two"))[len(answer) :]
