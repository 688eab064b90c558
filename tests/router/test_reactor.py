"""A wire beside the event loop's own transport: the same story for the protocol above, whatever the peer does."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
import weakref

import pytest

from tests.support.router import until


class Recorder:
    """A protocol that writes down what happens to it; `keep` is its answer to the peer's end."""

    def __init__(self, keep=False, on_data=None):
        self.events = []
        self.keep = keep
        self.on_data = on_data
        self.transport = None
        self.received = b""

    def connection_made(self, transport):
        self.transport = transport
        self.events.append("made")

    def data_received(self, data):
        self.received += data
        if self.on_data:
            self.on_data(self, data)

    def eof_received(self):
        self.events.append("eof")
        return self.keep

    def connection_lost(self, error):
        self.events.append("lost" if error is None else f"lost: {type(error).__name__}")

    def pause_writing(self):
        self.events.append("pause")

    def resume_writing(self):
        self.events.append("resume")

    @property
    def lost(self):
        return self.events[-1].startswith("lost")


class Pair:
    """A protocol on one end of a TCP connection, a plain socket on the other."""

    def __init__(self, protocol, peer, faults):
        self.protocol = protocol
        self.peer = peer
        self.faults = faults

    @property
    def transport(self):
        return self.protocol.transport

    async def heard(self, size):
        loop = asyncio.get_running_loop()
        data = b""
        async with asyncio.timeout(10):
            while len(data) < size and (piece := await loop.sock_recv(self.peer, 1 << 20)):
                data += piece
        return data

    async def said(self, data):
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().sock_sendall(self.peer, data)

    def reset(self):
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()


@pytest.fixture(params=["wire", "loop"])
async def connect(request):
    """Makes a `Pair`, on a wire or on the loop's own transport."""
    loop = asyncio.get_running_loop()
    faults = []
    reactor = loop.reactor
    reactor.on_fault = faults.append
    listening = socket.create_server(("127.0.0.1", 0))
    peers = []

    async def make(protocol=None):
        protocol = protocol or Recorder()
        peer = socket.create_connection(listening.getsockname())
        peers.append(peer)
        accepted, _ = listening.accept()
        accepted.setblocking(False)
        peer.setblocking(False)
        if request.param == "wire":
            reactor.adopt(accepted, protocol)
        else:
            await loop.connect_accepted_socket(lambda: protocol, accepted)
        await until(lambda: protocol.transport is not None)
        return Pair(protocol, peer, faults)

    yield make
    for peer in peers:
        peer.close()
    listening.close()
    reactor.cut()


async def test_bytes_go_both_ways(connect):
    pair = await connect(Recorder(on_data=lambda protocol, data: protocol.transport.write(data.upper())))
    for word in (b"one", b"two"):
        await pair.said(word)
        assert await pair.heard(3) == word.upper()


async def test_more_bytes_than_fit_anywhere_arrive_whole(connect):
    pair = await connect(Recorder(on_data=lambda protocol, data: protocol.transport.write(data)))
    data = bytes(range(256)) * 40_000
    saying = asyncio.ensure_future(pair.said(data))  # noqa: TID251  a test's own task
    assert await pair.heard(len(data)) == data
    await saying


async def test_pieces_written_at_once_keep_their_order(connect):
    pair = await connect()
    for number in range(100):
        pair.transport.write(b"%02d" % number)
    assert await pair.heard(200) == b"".join(b"%02d" % number for number in range(100))


async def test_the_peers_end_closes_unless_the_protocol_keeps_on(connect):
    pair = await connect()
    pair.peer.shutdown(socket.SHUT_WR)
    await until(lambda: pair.protocol.lost)
    assert pair.protocol.events == ["made", "eof", "lost"]
    assert await pair.heard(1) == b""


async def test_a_protocol_may_answer_after_the_peers_end(connect):
    pair = await connect(Recorder(keep=True))
    await pair.said(b"question")
    pair.peer.shutdown(socket.SHUT_WR)
    await until(lambda: "eof" in pair.protocol.events)
    pair.transport.write(b"answer")
    pair.transport.close()
    assert await pair.heard(100) == b"answer"
    await until(lambda: pair.protocol.lost)
    assert pair.protocol.events == ["made", "eof", "lost"]


async def test_a_reset_is_an_error(connect):
    pair = await connect()
    pair.reset()
    await until(lambda: pair.protocol.lost)
    assert pair.protocol.events == ["made", "lost: ConnectionResetError"]


async def test_a_peer_that_breaks_off_after_its_end_is_noticed(connect):
    pair = await connect(Recorder(keep=True))
    pair.peer.shutdown(socket.SHUT_WR)
    await until(lambda: "eof" in pair.protocol.events)
    pair.reset()
    pair.transport.write(b"x" * 100_000)
    pair.transport.write(b"x" * 100_000)
    await until(lambda: pair.transport.is_closing() or bool(pair.transport.write(b"x")))
    await until(lambda: pair.protocol.lost)


async def test_what_is_lost_needs_no_garbage_collector(connect):
    pair = await connect()
    gone = weakref.ref(pair.protocol)
    collecting = gc.isenabled()
    gc.disable()
    try:
        pair.peer.close()
        await until(lambda: pair.protocol.lost)
        pair = None
        await until(lambda: gone() is None)
    finally:
        if collecting:
            gc.enable()


async def test_our_last_byte_leaves_the_other_direction_open(connect):
    pair = await connect()
    pair.transport.write(b"all")
    pair.transport.write_eof()
    assert await pair.heard(100) == b"all"
    await pair.said(b"and you?")
    await until(lambda: pair.protocol.received == b"and you?")


async def test_a_slow_peer_pauses_the_protocol_and_then_lets_it_go_on(connect):
    pair = await connect()
    pair.transport.set_write_buffer_limits(high=100_000, low=10_000)
    total = 0
    while "pause" not in pair.protocol.events:
        pair.transport.write(b"x" * 100_000)
        total += 100_000
        await asyncio.sleep(0)
    assert pair.transport.get_write_buffer_size() > 100_000
    assert len(await pair.heard(total)) == total
    await until(lambda: pair.protocol.events[-1] == "resume")
    assert pair.transport.get_write_buffer_size() <= 10_000


async def fence(connect):
    """Wait until another connection was made, heard and ended: what was ready before that has been served."""
    other = await connect()
    await other.said(b"x")
    await until(lambda: other.protocol.received)
    other.peer.close()
    await until(lambda: other.protocol.lost)


async def test_a_paused_protocol_is_given_nothing_until_it_goes_on(connect):
    pair = await connect()
    pair.transport.pause_reading()
    assert not pair.transport.is_reading()
    await pair.said(b"later")
    await fence(connect)
    assert pair.protocol.received == b""
    pair.transport.resume_reading()
    await until(lambda: pair.protocol.received == b"later")


async def test_pausing_inside_a_call_holds_back_what_else_arrived(connect):
    pair = await connect(Recorder(on_data=lambda protocol, _: protocol.transport.pause_reading()))
    data = b"y" * 3_000_000
    saying = asyncio.ensure_future(pair.said(data))  # noqa: TID251  a test's own task
    rounds = 0
    while len(pair.protocol.received) < len(data):
        before = len(pair.protocol.received)
        await until(lambda before=before: len(pair.protocol.received) > before)
        assert not pair.transport.is_reading()
        pair.transport.resume_reading()
        rounds += 1
    await saying
    assert rounds > 2


async def test_the_end_that_came_while_paused_comes_after_the_bytes(connect):
    pair = await connect()
    pair.transport.pause_reading()
    await pair.said(b"last words")
    pair.peer.close()
    await fence(connect)
    assert pair.protocol.events == ["made"]
    pair.transport.resume_reading()
    await until(lambda: pair.protocol.lost)
    assert pair.protocol.received == b"last words"
    assert pair.protocol.events == ["made", "eof", "lost"]


async def test_closing_sends_what_waits_and_aborting_does_not(connect):
    data = b"z" * 8_000_000
    pair = await connect()
    pair.transport.write(data)
    pair.transport.close()
    assert pair.transport.is_closing()
    assert await pair.heard(len(data) + 1) == data
    await until(lambda: pair.protocol.lost)
    pair = await connect()
    pair.transport.write(data)
    pair.transport.abort()
    await until(lambda: pair.protocol.lost)
    assert len(await pair.heard(len(data))) < len(data)


async def test_a_protocol_hears_of_its_end_once_and_never_inside_its_own_call(connect):
    inside = []

    def on_data(protocol, _):
        protocol.transport.abort()
        protocol.transport.close()
        inside.append(list(protocol.events))

    pair = await connect(Recorder(on_data=on_data))
    await pair.said(b"x")
    await until(lambda: pair.protocol.lost)
    await fence(connect)
    assert inside == [["made"]]
    assert pair.protocol.events == ["made", "lost"]


async def test_another_protocol_takes_over(connect):
    second = Recorder()
    pair = await connect(Recorder(on_data=lambda protocol, _: protocol.transport.set_protocol(second)))
    await pair.said(b"one")
    await until(lambda: pair.transport.get_protocol() is second)
    await pair.said(b"two")
    await until(lambda: second.received == b"two")
    pair.peer.close()
    await until(lambda: second.events and second.lost)
    assert pair.protocol.events == ["made"]


async def test_the_transport_tells_its_names(connect):
    pair = await connect()
    assert pair.transport.get_extra_info("peername") == pair.peer.getsockname()
    assert pair.transport.get_extra_info("sockname") == pair.peer.getpeername()
    assert pair.transport.get_extra_info("socket").fileno() > 0
    assert pair.transport.get_extra_info("cipher", "none") == "none"


async def test_a_fault_of_a_protocol_costs_its_own_connection_only():
    def fail(*_):
        raise ZeroDivisionError

    faults = []
    reactor = asyncio.get_running_loop().reactor
    reactor.on_fault = faults.append
    with socket.create_server(("127.0.0.1", 0)) as listening:
        peers = [socket.create_connection(listening.getsockname()) for _ in range(2)]
        faulty, sound = Recorder(on_data=fail), Recorder()
        for protocol in (faulty, sound):
            accepted, _ = listening.accept()
            accepted.setblocking(False)
            reactor.adopt(accepted, protocol)
        for peer in peers:
            peer.send(b"x")
        await until(lambda: faulty.lost and sound.received == b"x")
        assert [type(fault) for fault in faults] == [ZeroDivisionError]
        assert sound.events == ["made"]
        for peer in peers:
            peer.close()
    reactor.cut()
    assert sound.lost


async def test_many_connections_at_once_are_all_served():
    reactor = asyncio.get_running_loop().reactor
    echoes = [Recorder(on_data=lambda protocol, data: protocol.transport.write(data)) for _ in range(300)]
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        peers = []
        for echo in echoes:
            peers.append(socket.create_connection(listening.getsockname()))
            accepted, _ = listening.accept()
            accepted.setblocking(False)
            reactor.adopt(accepted, echo)
        for peer in peers:
            peer.send(b"hello")
        await until(lambda: all(echo.received == b"hello" for echo in echoes))
        for peer in peers:
            assert peer.recv(10) == b"hello"
            peer.close()
        await until(lambda: all(echo.lost for echo in echoes))
    reactor.cut()


class Crowd:
    """Connections of one reactor that have much to read, and one beside them that says little; `order` is who was read."""

    def __init__(self, reactor, listening, size):
        self.order = []
        self.wires = [self._pair(reactor, listening, number) for number in range(size)]

    def _pair(self, reactor, listening, number):
        peer = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
        accepted.setblocking(False)
        protocol = Recorder(on_data=lambda _, data: self.order.append((number, len(data))))
        return peer, reactor.adopt(accepted, protocol)

    def say(self, size):
        """All but the last say that much, then the last says a word."""
        for peer, _ in self.wires[:-1]:
            peer.sendall(bytes(size))
        self.wires[-1][0].sendall(b"word")

    def close(self):
        for peer, _ in self.wires:
            peer.close()


@pytest.fixture
async def crowd():
    reactor = asyncio.get_running_loop().reactor
    reactor.on_fault = print
    with socket.create_server(("127.0.0.1", 0)) as listening:
        crowd = Crowd(reactor, listening, 17)
        yield crowd
        crowd.close()
    reactor.cut()


async def test_who_says_little_does_not_wait_for_those_who_say_much(crowd):
    crowd.say(60_000)
    await until(lambda: sum(size for _, size in crowd.order) == 16 * 60_000 + 4)
    spoken = [number for number, _ in crowd.order].index(16)
    assert sum(size for _, size in crowd.order[:spoken]) <= 16 * 16384
    assert max(size for _, size in crowd.order[: spoken + 1]) <= 16384


async def test_who_speaks_up_meanwhile_is_heard_before_the_others_are_done(crowd):
    first, late = crowd.wires[0][1], crowd.wires[-1][0]
    heard = first.get_protocol().on_data
    first.get_protocol().on_data = lambda protocol, data: (heard(protocol, data), late.sendall(b"!"))
    crowd.say(60_000)
    await until(lambda: sum(size for _, size in crowd.order) >= 16 * 60_000 + 4 + 2)
    spoken = [at for at, (number, _) in enumerate(crowd.order) if number == 16]
    assert len(spoken) > 1
    assert sum(size for _, size in crowd.order[: spoken[1]]) < 16 * 60_000


async def test_who_said_much_before_waits_in_line_from_the_start(crowd):
    crowd.say(16384)
    await until(lambda: sum(size for _, size in crowd.order) == 16 * 16384 + 4)
    crowd.order.clear()
    crowd.say(16384)
    await until(lambda: sum(size for _, size in crowd.order) == 16 * 16384 + 4)
    assert crowd.order[0] == (16, 4)
