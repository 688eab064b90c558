"""The supervisor with its real children: what dies or is stuck comes back, what is told to stop stops. See also tests/system."""

from __future__ import annotations

import asyncio
import os
import signal

from tests.support.children import alive
from tests.support.client import Client, get
from tests.support.load import Load
from tests.support.origin import ok
from tests.support.serve import running, until
from tests.support.static import HOST, static


async def test_every_child_that_is_killed_comes_back_and_the_others_stay(tmp_path):
    async with running(tmp_path, workers=2) as tidegate:
        for name in ("worker-1", "control"):
            before = tidegate.pids()
            os.kill(before[name], signal.SIGKILL)
            await until(lambda name=name, pid=before[name]: tidegate.pids()[name] != pid)
            await until(tidegate.is_ready)
            after = tidegate.pids()
            assert {each for each in before if after[each] != before[each]} == {name}
        assert tidegate.log().count("died, starting it again") == 2


async def test_children_end_with_a_supervisor_that_is_killed(tmp_path):
    async with running(tmp_path, workers=2) as tidegate:
        pids = tidegate.pids().values()
        tidegate.process.kill()
        await tidegate.process.wait()
        await until(lambda: not any(map(alive, pids)), what="the children end")
        await tidegate.start()  # nothing of the old generation is in the way


async def test_children_finish_what_they_have_when_their_supervisor_is_killed(tmp_path):
    release = asyncio.Event()

    async def slowly(peer):
        while (request := await peer.request()) is not None:
            if request.target == "/slow":
                await release.wait()
            await peer.send(ok(b"late"))

    async with static(tmp_path, script=slowly) as tidegate:
        pids = tidegate.pids().values()
        client = await Client.connect(tidegate.http)
        await client.send(get("/slow", HOST))
        await until(lambda: any(each.target == "/slow" for each in tidegate.origin.requests))
        tidegate.process.kill()
        await tidegate.process.wait()
        await until(lambda: _refused(tidegate), what="nothing new is accepted")
        release.set()
        response = await client.response()
        assert (response.body, response.headers["connection"]) == (b"late", "close")
        await until(lambda: not any(map(alive, pids)), what="the children end")
        await tidegate.start()


async def _refused(tidegate):
    try:
        client = await Client.connect(tidegate.http)
    except ConnectionRefusedError:
        return True
    client.reset()
    return False


async def test_a_second_program_on_one_state_folder_says_so_and_leaves_the_first_alone(tmp_path):
    (tmp_path / "second").mkdir()
    async with running(tmp_path) as first:
        second = type(first)(tmp_path / "second", "--state", str(tmp_path / "state"))
        await second.start(ready=False, wait=False)
        assert await second.ended() == 2
        assert "T1012" in second.log()
        assert "Traceback" not in second.log()
        assert (await first.get("/readyz"))[0] == 200


async def test_connections_that_wait_while_their_worker_dies_are_answered_by_its_successor(tmp_path):
    async with static(tmp_path) as tidegate:
        worker = tidegate.pids()["worker-0"]
        os.kill(worker, signal.SIGSTOP)
        clients = [await Client.connect(tidegate.http) for _ in range(50)]
        for client in clients:
            await client.send(get("/", HOST))
        os.kill(worker, signal.SIGKILL)
        assert [(await client.response()).body for client in clients] == [b"one\n"] * 50


async def test_a_worker_that_stands_still_is_replaced_and_its_sibling_serves_on(tmp_path):
    async with static(tmp_path, settings="watchdog_seconds: 2\n", workers=2) as tidegate:
        before = tidegate.pids()
        async with Load(tidegate.http, HOST, rate=100) as load:
            await load.more(50)
            os.kill(before["worker-0"], signal.SIGSTOP)
            await until(lambda: tidegate.pids()["worker-0"] != before["worker-0"], what="a new worker")
            await until(tidegate.is_ready, what="the new worker follows")
            await load.more(50)
        assert "stuck, killed with its stack" in tidegate.log()
        assert tidegate.pids()["worker-1"] == before["worker-1"]
        answered = sum(each.status == 200 for each in load.answers)
        cut = [each for each in load.failures if each.failure.startswith("cut")]
        assert answered > 100
        assert load.failures == cut  # what its connections carried; nobody was refused, nothing hung for ever


async def test_what_the_watchdog_sends_leaves_the_stack_of_every_thread_in_the_log(tmp_path):
    async with running(tmp_path) as tidegate:
        before = tidegate.pids()["worker-0"]
        os.kill(before, signal.SIGABRT)
        await until(lambda: tidegate.pids()["worker-0"] != before, what="a new worker")
        await until(tidegate.is_ready)
        assert "most recent call first" in tidegate.log()
        assert "tidegate/app/child.py" in tidegate.log()


async def test_control_that_stands_still_is_replaced_and_traffic_goes_on(tmp_path):
    async with static(tmp_path, settings="watchdog_seconds: 2\n") as tidegate:
        before = tidegate.pids()["control"]
        await until(lambda: "control: sees everything" in tidegate.log(), what="it has started")
        async with Load(tidegate.http, HOST, rate=100) as load:
            os.kill(before, signal.SIGSTOP)
            await until(lambda: tidegate.pids()["control"] != before, what="a new control")
            await until(tidegate.is_ready, what="it is whole")
        assert not load.failures
