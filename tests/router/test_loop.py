"""The loop of a worker keeps every promise of asyncio's while connections are served inside its selector."""

from __future__ import annotations

import asyncio
import selectors
import signal
import socket
import threading

import pytest

from tests.support.router import until
from tidegate.router.loop import Guests, Loop
from tidegate.router.reactor import Reactor


class Echo:
    """Answers what it gets; `then` is called at each byte."""

    def __init__(self, then=lambda: None):
        self.then = then

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.then()
        self.transport.write(data)

    def eof_received(self):
        return False

    def connection_lost(self, error):
        pass


@pytest.fixture
async def adopted():
    """Makes a wire with its peer's socket."""
    peers = []

    def make(protocol):
        ours, theirs = socket.socketpair()
        for one in (ours, theirs):
            one.setblocking(False)
        asyncio.get_running_loop().reactor.adopt(ours, protocol)
        peers.append(theirs)
        return theirs

    yield make
    for one in peers:
        one.close()


def serves_itself(peer):
    """A thread that keeps a wire busy without the loop; the event ends it."""
    over = threading.Event()
    copy = peer.dup()
    copy.setblocking(True)

    def run():
        with copy:
            while not over.is_set():
                copy.sendall(b"x")
                copy.recv(1)

    thread = threading.Thread(target=run)
    thread.start()
    return over, thread


@pytest.fixture
async def busy(adopted):
    """A wire that never rests, and how often it was served."""
    served = []
    over, thread = serves_itself(adopted(Echo(lambda: served.append(1))))
    yield served
    over.set()
    await asyncio.to_thread(thread.join, 10)


async def test_timers_come_in_time_beside_a_connection_that_never_rests(busy):
    async with asyncio.timeout(10):
        for _ in range(3):
            await asyncio.sleep(0.01)
    assert busy


async def test_callbacks_and_tasks_run_beside_a_connection_that_never_rests(busy):
    async with asyncio.timeout(10):
        await until(lambda: len(busy) > 100)
        assert await asyncio.wait_for(asyncio.sleep(0, "done"), 10) == "done"


async def test_threads_are_heard_beside_a_connection_that_never_rests(busy):
    async with asyncio.timeout(10):
        assert await asyncio.to_thread(lambda: "heard") == "heard"


async def test_signals_are_heard_beside_a_connection_that_never_rests(busy):
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR2, heard.set)
    try:
        async with asyncio.timeout(10):
            signal.raise_signal(signal.SIGUSR2)
            await heard.wait()
    finally:
        loop.remove_signal_handler(signal.SIGUSR2)


async def test_what_a_protocol_calls_soon_is_called_without_another_event(adopted):
    called = asyncio.Event()
    loop = asyncio.get_running_loop()
    adopted(Echo(lambda: loop.call_soon(called.set))).send(b"x")
    async with asyncio.timeout(10):
        await called.wait()


async def test_a_timer_that_a_protocol_sets_rings_before_a_later_one_that_was_there(adopted):
    rung = []
    loop = asyncio.get_running_loop()
    late = loop.call_later(3600, rung.append, "late")
    adopted(Echo(lambda: loop.call_later(0.001, rung.append, "early"))).send(b"x")
    async with asyncio.timeout(10):
        await until(lambda: rung)
    late.cancel()
    assert rung == ["early"]


async def test_transports_of_the_loop_work_beside_wires(adopted, busy):
    async def answer(reader, writer):
        writer.write(await reader.readexactly(1_000_000))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with asyncio.timeout(10), server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"y" * 1_000_000)
        assert await reader.readexactly(1_000_000) == b"y" * 1_000_000
        writer.close()


async def test_a_socket_with_the_descriptor_of_one_that_is_gone_is_heard():
    loop = asyncio.get_running_loop()
    descriptors = set()
    for _ in range(2):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            descriptors.add(ours.fileno())
            ours.setblocking(False)
            loop.call_later(0.001, theirs.send, b"x")
            async with asyncio.timeout(10):
                assert await loop.sock_recv(ours, 1) == b"x"
    assert len(descriptors) == 1


async def test_a_connect_that_is_refused_is_told():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


async def test_a_reader_is_called_until_it_is_removed():
    ours, theirs = socket.socketpair()
    heard = []
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, lambda word: heard.append((word, ours.recv(9))), "word")
    theirs.send(b"one")
    async with asyncio.timeout(10):
        await until(lambda: heard)
    assert loop.remove_reader(ours)
    assert not loop.remove_reader(ours)
    theirs.send(b"two")
    for _ in range(3):
        await asyncio.sleep(0)
    assert heard == [("word", b"one")]
    ours.close()
    theirs.close()


async def test_a_fault_in_a_reader_is_told_and_the_loop_goes_on():
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    faults = []
    loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))

    def fail():
        ours.recv(9)
        raise ValueError("ours")

    loop.add_reader(ours, fail)
    theirs.send(b"x")
    async with asyncio.timeout(10):
        await until(lambda: faults)
    assert [str(fault) for fault in faults] == ["ours"]
    loop.remove_reader(ours)
    ours.close()
    theirs.close()


def test_nothing_to_do_waits_until_the_next_timer():
    """Turns of the loop are counted, not time: an idle loop that spins would take thousands."""
    loop = Loop()
    turns = []
    select = loop._selector.select
    loop._selector.select = lambda timeout: turns.append(timeout) or select(timeout)
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()
    assert len(turns) < 20


@pytest.fixture
def guests():
    held = Guests(Reactor())
    pair = socket.socketpair()
    yield held, *pair
    held.close()
    for one in pair:
        one.close()


def test_a_selector_tells_what_it_was_asked_for(guests):
    held, ours, theirs = guests
    held.register(ours, selectors.EVENT_READ, "mine")
    assert held.select(0) == []
    theirs.send(b"x")
    assert [(key.data, events) for key, events in held.select(0)] == [("mine", selectors.EVENT_READ)]
    held.modify(ours, selectors.EVENT_WRITE, "mine")
    assert [events for _, events in held.select(0)] == [selectors.EVENT_WRITE]
    held.unregister(ours)
    assert held.select(0) == []
    assert not held.get_map()


def test_a_selector_knows_what_it_has(guests):
    held, ours, _ = guests
    held.register(ours, selectors.EVENT_READ)
    with pytest.raises(KeyError):
        held.register(ours, selectors.EVENT_READ)
    assert held.get_key(ours.fileno()).events == selectors.EVENT_READ
    held.unregister(ours)
    with pytest.raises(KeyError):
        held.unregister(ours)
    with pytest.raises(KeyError):
        held.modify(ours, selectors.EVENT_READ)
