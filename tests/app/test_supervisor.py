"""The supervisor with its real children: what dies comes back, what is told to stop stops. See also tests/system."""

from __future__ import annotations

import asyncio
import os
import signal

from tests.support.serve import running, until
from tidegate.app.launch import Launch
from tidegate.app.supervisor import Child
from tidegate.config import Config
from tidegate.tasks import Tasks


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


async def test_a_second_program_on_one_state_folder_says_so_and_leaves_the_first_alone(tmp_path):
    (tmp_path / "second").mkdir()
    async with running(tmp_path) as first:
        second = type(first)(tmp_path / "second", "--state", str(tmp_path / "state"))
        await second.start(ready=False, wait=False)
        assert await second.ended() == 2
        assert "T1012" in second.log()
        assert "Traceback" not in second.log()
        assert (await first.get("/readyz"))[0] == 200


async def test_a_child_told_to_stop_before_it_ran_is_not_started():
    child = Child("worker-0", "worker", Launch(config=Config()))
    await child.stop(1.0)
    async with asyncio.timeout(10), Tasks("test") as tasks:
        await tasks.spawn("keep", child.keep_running())
    assert child.process is None


async def test_a_child_that_is_just_being_started_is_stopped_as_well(monkeypatch):
    slow = asyncio.Event()
    make = asyncio.create_subprocess_exec

    async def made_slowly(*argv, **more):
        slow.set()
        await asyncio.sleep(0)
        return await make("sleep", "60", start_new_session=True)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", made_slowly)
    child = Child("worker-0", "worker", Launch(config=Config()))
    async with asyncio.timeout(10), Tasks("test") as tasks:
        tasks.spawn("keep", child.keep_running())
        await slow.wait()
        await child.stop(5.0)
    assert child.process.returncode is not None


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123  a pseudo-file
        return stat.read().rpartition(")")[2].split()[0] != "Z"
