from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.support.channel import EMPTY, route, step, until
from tidegate.app import channel
from tidegate.app.channel import ChannelClient, ChannelServer, difference
from tidegate.app.messages import Failed, Hello, frame
from tidegate.routing import RoutingTable, with_delta
from tidegate.tasks import Tasks


class Worker:
    """A client that remembers what it was told."""

    def __init__(self, path, slot=0, table=EMPTY):
        self.deltas = []
        self.client = ChannelClient(path, slot, self.on_table)
        if table.version:
            self.client.start_from(table)
            self.deltas.clear()

    def on_table(self, table, delta):
        self.deltas.append((table, delta))

    @property
    def version(self):
        return self.client.table.version


class Running:
    """A server and the tasks of a test; `control` can be ended and begun anew on the same socket."""

    def __init__(self, listening, tasks, expected=1):
        self._listening, self._tasks, self._expected = listening, tasks, expected
        self.path = listening.getsockname()
        self.messages = []

    def begin(self, table=EMPTY, *, fresh=True):
        server = ChannelServer(lambda slot, message: self.messages.append((slot, message)), self._expected)
        server.table = table
        server.settle()
        if fresh:
            server.synchronise_all()
        self.server = server
        self._task = self._tasks.spawn("control", server.run(self._listening.dup()))

    async def end(self):
        self._task.cancel()
        await asyncio.wait([self._task])

    def follow(self, worker):
        self._tasks.spawn("worker", worker.client.run())
        return worker


@pytest.fixture
async def running(channel_socket):
    with contextlib.suppress(asyncio.CancelledError):
        async with Tasks("test") as tasks:
            yield Running(channel_socket, tasks)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                if task.get_name().startswith("test."):
                    task.cancel()


async def test_a_new_worker_gets_the_whole_table_and_then_only_what_changes(running):
    table, _ = step(EMPTY, a=1, b=2)
    running.begin(table)
    worker = running.follow(Worker(running.path))
    await until(lambda: worker.version == 1)
    table, delta = step(table, b=3)
    running.server.publish(table, delta)
    await until(lambda: worker.version == 2)
    assert worker.client.table == table
    assert set(worker.deltas[0][1].routes) == {"a.test/", "b.test/"}
    assert set(worker.deltas[1][1].routes) == {"b.test/"}


async def test_a_version_counts_as_applied_when_every_expected_worker_has_it(channel_socket, running):
    running._expected = 2
    running.begin(step(EMPTY, a=1)[0])
    first = running.follow(Worker(running.path, 0))
    await until(lambda: first.version == 1)
    assert not await running.server.wait_applied(1, 0.05)
    running.follow(Worker(running.path, 1))
    assert await running.server.wait_applied(1, 10.0)
    assert not running.server.applied_by_all(2)


async def test_what_a_worker_reports_arrives_with_its_slot(running):
    running.begin(step(EMPTY, a=1)[0])
    worker = running.follow(Worker(running.path, 7))
    await until(lambda: worker.version == 1)
    worker.client.send(Failed(endpoint="e:80", reason="connect-failed"))
    await until(lambda: running.messages)
    assert running.messages == [(7, Failed(endpoint="e:80", reason="connect-failed"))]


async def test_a_worker_outlives_control_and_follows_its_successor_by_the_difference(running):
    table, _ = step(EMPTY, a=1, b=2)
    running.begin(table)
    worker = running.follow(Worker(running.path))
    await until(lambda: worker.version == 1)
    await running.end()
    await until(lambda: not worker.client.connected)
    assert worker.client.table == table
    running.begin(RoutingTable(version=9, routes={"a.test/": table.routes["a.test/"], "c.test/": route("c.test")}))
    await until(lambda: worker.version == 9)
    assert set(worker.deltas[-1][1].routes) == {"b.test/", "c.test/"}
    assert worker.deltas[-1][1].routes["b.test/"] is None


async def test_a_remembered_table_never_replaces_the_newer_one_of_a_worker(running):
    old, _ = step(EMPTY, a=1)
    new, _ = step(old, b=2)
    running.begin(old, fresh=False)
    worker = running.follow(Worker(running.path, table=new))
    bare = running.follow(Worker(running.path, 1))
    await until(lambda: bare.version == 1)  # it has nothing: the remembered one is better
    assert worker.version == 2
    assert not worker.deltas
    table = old
    for weight in (2, 3):
        table, delta = step(table, b=weight)
        running.server.publish(table, delta)
    await until(lambda: worker.version == 3 and bare.version == 3)
    assert worker.client.table == bare.client.table == table


async def test_a_difference_that_does_not_fit_makes_the_worker_ask_for_the_whole_table(running):
    table, _ = step(EMPTY, a=1)
    running.begin(table)
    worker = running.follow(Worker(running.path))
    await until(lambda: worker.version == 1)
    later, _ = step(table, b=2)
    latest, delta = step(later, c=3)
    running.server.publish(latest, delta)  # the one before it was never sent
    await until(lambda: worker.version == 3)
    assert worker.client.table == latest


async def test_a_worker_that_does_not_read_is_cut_off_and_others_go_on(running, monkeypatch):
    monkeypatch.setattr(channel, "_MAX_BACKLOG", 1 << 20)
    table, _ = step(EMPTY, a=1)
    running.begin(table)
    good = running.follow(Worker(running.path, 0))
    _, writer = await asyncio.open_unix_connection(running.path, limit=1024)
    writer.write(frame(Hello(slot=1, pid=1, version=0)))
    await until(lambda: len(running.server.followers) == 2)
    writer.transport.pause_reading()
    sent = 0
    async with asyncio.timeout(20):
        while len(running.server.followers) == 2:
            table, delta = step(table, **{f"h{index}x{sent}": 1 for index in range(500)})
            running.server.publish(table, delta)
            sent += 1
            await asyncio.sleep(0)
    assert {follower.slot for follower in running.server.followers} == {0}
    await until(lambda: good.version == table.version)
    assert good.client.table == table
    writer.transport.abort()


async def test_bytes_that_are_no_message_end_that_connection_only(running):
    running.begin(step(EMPTY, a=1)[0])
    worker = running.follow(Worker(running.path))
    await until(lambda: worker.version == 1)
    for garbage in (b"\x00\x00\x00\x05hello", b"\xff\xff\xff\xff" + b"x" * 100, b"\x00"):
        reader, writer = await asyncio.open_unix_connection(running.path)
        writer.write(garbage)
        writer.write_eof()
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.transport.abort()
    assert len(running.server.followers) == 1


def test_a_difference_turns_one_whole_table_into_another_whatever_their_versions():
    old = RoutingTable(version=9, routes={"a.test/": route("a.test"), "b.test/": route("b.test")})
    routes = {"b.test/": route("b.test", 5), "c.test/": route("c.test")}
    new = RoutingTable(version=2, routes=routes, subnets=("10.0.0.0/8",))
    delta = difference(old, new)
    assert (delta.base, delta.version) == (9, 2)
    assert delta.routes == {"a.test/": None, "b.test/": route("b.test", 5), "c.test/": route("c.test")}
    assert dict(with_delta(old, delta).routes) == dict(new.routes)
    assert with_delta(old, delta).subnets == new.subnets
    assert difference(old, old).empty
