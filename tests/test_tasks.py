from __future__ import annotations

import asyncio
import contextvars

import pytest

from tidegate.tasks import Tasks


async def forever():
    await asyncio.Event().wait()


async def fail():
    raise RuntimeError("our own bug")


async def test_a_task_is_named_by_its_owner():
    async with Tasks("dns") as tasks:
        task = tasks.spawn("udp", asyncio.sleep(0))
    assert task.get_name() == "dns.udp"


async def test_the_owner_waits_for_its_children():
    async with Tasks("router") as tasks:
        task = tasks.spawn("worker", asyncio.sleep(0, "done"))
    assert task.result() == "done"


async def test_a_child_that_fails_cancels_its_siblings_and_is_seen():
    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012  the group is what raises
        async with Tasks("control") as tasks:
            sibling = tasks.spawn("steady", forever())
            tasks.spawn("broken", fail())
    assert sibling.cancelled()
    assert caught.group_contains(RuntimeError, match="our own bug")


async def test_cancelling_the_owner_cancels_every_child():
    children = []
    started = asyncio.Event()

    async def owner():
        async with Tasks("owner") as tasks:
            children.append(tasks.spawn("child", forever()))
            started.set()

    async with asyncio.timeout(5):
        async with Tasks("test") as outer:
            task = outer.spawn("owner", owner())
            await started.wait()
            task.cancel()
    assert children[0].cancelled()


async def test_a_child_changes_its_own_context_only():
    word = contextvars.ContextVar("word", default="parent")

    async def change():
        word.set("child")

    async with Tasks("context") as tasks:
        tasks.spawn("change", change())
    assert word.get() == "parent"
