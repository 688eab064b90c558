"""Both ends of a stream, joined by transports in memory: whatever one writes reaches the other's protocol."""

from __future__ import annotations

import random
import socket
import ssl
import weakref

import pytest
import trustme

from tidegate.tls.contexts import client_context, server_context
from tidegate.tls.stream import Buffers, TlsStream

CA = trustme.CA()
ISSUED = CA.issue_cert("a.test")
CHAIN = b"".join(each.bytes() for each in ISSUED.cert_chain_pems)
KEY = ISSUED.private_key_pem.bytes()
SHARED = Buffers()  # of all streams here, as in a worker


@pytest.fixture(autouse=True)
def nothing_is_left_in_the_shared_buffers():
    yield
    assert not SHARED.incoming.pending
    assert not SHARED.outgoing.pending


class Wire:
    """A transport that keeps what is written until `pass_on`."""

    def __init__(self):
        self.sent = []
        self.other = None
        self.closing = self.aborted = self.ended = False
        self.paused = False
        self.socket = "the socket"

    def write(self, data):
        assert not self.ended, "nothing follows the end"
        self.sent.append(data)

    def write_eof(self):
        self.ended = True

    def close(self):
        self.closing = True

    def abort(self):
        self.closing = self.aborted = True
        self.sent.clear()

    def is_closing(self):
        return self.closing

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    def set_write_buffer_limits(self, high, low):
        self.limits = (high, low)

    def get_write_buffer_size(self):
        return sum(map(len, self.sent))

    def get_extra_info(self, name, default=None):
        return {"peername": ("192.0.2.1", 1), "socket": self.socket}.get(name, default)


class Above:
    """A protocol that keeps what it gets."""

    def __init__(self, keeps_writing=False):
        self.data = []
        self.ended = False
        self.lost = None
        self.calls = []
        self.keeps_writing = keeps_writing

    def data_received(self, data):
        self.data.append(data)

    def eof_received(self):
        self.ended = True
        return self.keeps_writing

    def connection_lost(self, error):
        self.lost = (error,)

    def pause_writing(self):
        self.calls.append("pause")

    def resume_writing(self):
        self.calls.append("resume")

    @property
    def got(self):
        return b"".join(self.data)


class Party:
    """One end: its wire, its stream, the protocol above, and what the handshake ended in."""

    def __init__(self, context, name=None, keeps_writing=False, buffers=None):
        self.wire = Wire()
        self.above = Above(keeps_writing)
        self.failure = None
        self.open = False
        self.stream = TlsStream(self.wire, context, self, buffers or SHARED, name)

    def shaken(self, stream):
        self.open = True
        stream.set_protocol(self.above)

    def shake_failed(self, stream, error):
        self.failure = error


def pass_on(client, server, size=0):
    """Carry bytes both ways until nobody says anything more; in pieces of `size`, if given."""
    moved = True
    while moved:
        moved = False
        for one, other in ((client, server), (server, client)):
            data = b"".join(one.wire.sent)
            one.wire.sent.clear()
            for at in range(0, len(data), size or len(data) or 1):
                other.stream.data_received(data[at : at + (size or len(data))])
                moved = True


def joined(size=0, keeps_writing=False, version=None, name="a.test", **server):
    context = server_context(CHAIN, KEY, **server)
    if version is not None:
        context.maximum_version = version
    client = Party(client_context(CA.cert_pem.bytes()), name, keeps_writing)
    other = Party(context, keeps_writing=keeps_writing)
    client.stream.shake()
    pass_on(client, other, size)
    return client, other


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
@pytest.mark.parametrize("size", [0, 1, 5, 1000])
def test_bytes_arrive_as_they_were_written_however_the_wire_cuts_them(version, size):
    client, server = joined(size, version=version)
    assert client.open and server.open
    client.stream.write(b"GET")
    server.stream.write(b"x" * 70_000 if size != 1 else b"x" * 300)
    pass_on(client, server, size)
    assert server.above.got == b"GET"
    assert client.above.got == b"x" * (70_000 if size != 1 else 300)


def test_bytes_that_come_with_the_last_of_the_handshake_are_not_lost():
    context = server_context(CHAIN, KEY)
    client = Party(client_context(CA.cert_pem.bytes()), "a.test")
    server = Party(context)
    client.stream.shake()
    server.stream.data_received(client.wire.sent.pop())
    client.stream.data_received(server.wire.sent.pop())
    assert client.open
    client.stream.write(b"early")
    server.stream.data_received(b"".join(client.wire.sent))
    assert server.above.got == b"early"


@VERSIONS
def test_a_half_close_leaves_the_other_direction_open(version):
    client, server = joined(keeps_writing=True, version=version)
    client.stream.write(b"last words")
    client.stream.write_eof()
    client.stream.write(b"after the end")
    assert client.wire.ended
    pass_on(client, server)
    assert server.above.got == b"last words"
    assert server.above.ended
    assert server.stream.eof_received()
    for _ in range(3):
        server.stream.write(b"y" * 40_000)
        pass_on(client, server)
    assert client.above.got == b"y" * 120_000
    server.stream.write_eof()
    pass_on(client, server)
    assert client.above.ended


def test_a_protocol_that_needs_no_half_close_is_closed_at_the_others_end():
    client, server = joined()
    client.stream.close()
    assert client.wire.closing
    pass_on(client, server)
    assert server.above.ended
    assert server.wire.closing
    server.stream.connection_lost(None)
    assert server.above.lost == (None,)


def test_what_is_written_before_a_close_arrives_and_nothing_after_it():
    client, server = joined()
    server.stream.write(b"answer")
    server.stream.close()
    server.stream.close()
    server.stream.write(b"more")
    pass_on(client, server)
    assert client.above.got == b"answer"
    assert server.stream.is_closing()
    client.stream.write(b"late")
    pass_on(client, server)
    assert server.above.got == b""


def test_an_end_without_close_notify_cuts_a_server_off_but_only_ends_a_client():
    client, server = joined(keeps_writing=True)
    assert not client.stream.eof_received()
    client.stream.connection_lost(None)
    assert isinstance(client.above.lost[0], ssl.SSLError)
    assert not client.above.ended
    assert server.stream.eof_received()
    assert server.above.ended


def test_a_reader_that_pauses_gets_what_the_read_brought_and_the_wire_reads_no_more():
    client, server = joined()

    def once(data):
        assert not SHARED.incoming.pending, "all is decrypted before anybody is called"
        server.above.data.append(data)
        server.stream.pause_reading()

    server.stream.deliver = once
    client.stream.write(b"1" * 16384 + b"2" * 16384)
    pass_on(client, server)
    assert server.above.data == [b"1" * 16384 + b"2" * 16384]
    assert server.wire.paused
    server.stream.resume_reading()
    assert not server.wire.paused


def test_streams_that_share_buffers_do_not_disturb_each_other_however_their_records_are_cut():
    pairs = [joined() for _ in range(3)]
    rng = random.Random(7)
    for number, (client, server) in enumerate(pairs):
        client.stream.write(bytes([number]) * 40_000)
        server.stream.write(bytes([number + 3]) * 40_000)
    waiting = [(one, other, bytearray(b"".join(one.wire.sent))) for pair in pairs for one, other in (pair, pair[::-1])]
    while any(records for _, _, records in waiting):
        _, other, records = rng.choice(waiting)
        size = rng.choice((1, 4, 5, 6, 900, 16_389, 20_000))
        if records:
            other.stream.data_received(bytes(records[:size]))
            del records[:size]
    for number, (client, server) in enumerate(pairs):
        assert server.above.got == bytes([number]) * 40_000
        assert client.above.got == bytes([number + 3]) * 40_000


def test_what_follows_a_fault_or_an_end_does_not_reach_the_next_stream():
    broken, ended = joined(), joined()
    broken[0].stream.write(b"a")
    broken[1].stream.data_received(b"\x17\x03\x03\x00\x20" + bytes(32) + b"".join(broken[0].wire.sent))
    assert broken[1].wire.aborted
    ended[0].stream.write_eof()
    ended[1].stream.data_received(b"".join(ended[0].wire.sent) + b"behind the end")
    assert ended[1].above.ended
    refused = Party(server_context(CHAIN, KEY))
    refused.stream.data_received(b"\x16\x03\x01\x00\x04nono" + bytes(100))
    assert refused.failure is not None
    client, server = joined()
    client.stream.write(b"well")
    pass_on(client, server)
    assert server.above.got == b"well"


def test_a_stream_above_another_may_be_written_to_and_closed_while_that_one_hands_up():
    client, server = joined()
    inner, container = joined()

    def relay(data):
        inner.stream.write(data)
        inner.stream.close()

    server.stream.deliver = relay
    client.stream.write(b"m" * 50_000)
    pass_on(client, server)
    pass_on(inner, container)
    assert container.above.got == b"m" * 50_000
    assert container.above.ended


def test_a_connection_that_is_gone_keeps_nothing_of_its_session():
    client, _ = joined()
    session = weakref.ref(client.stream.session)
    client.stream.connection_lost(None)
    assert session() is None
    client.stream.write(b"late")
    client.stream.write_eof()
    client.stream.close()
    assert not client.wire.sent


def test_back_pressure_of_the_wire_is_told_above():
    client, _ = joined()
    client.stream.pause_writing()
    client.stream.resume_writing()
    assert client.above.calls == ["pause", "resume"]
    client.stream.set_write_buffer_limits(high=10, low=5)
    assert client.wire.limits == (10, 5)
    client.stream.write(b"abc")
    assert client.stream.get_write_buffer_size() > 3
    assert client.stream.can_write_eof()


def test_broken_records_cut_the_connection_with_a_reason():
    client, server = joined()
    client.stream.write(b"hello")
    record = bytearray(client.wire.sent.pop())
    record[-1] ^= 1
    server.stream.data_received(bytes(record))
    assert server.wire.aborted
    server.stream.connection_lost(None)
    assert isinstance(server.above.lost[0], ssl.SSLError)
    assert server.above.got == b""


@pytest.mark.parametrize("words", [b"HTTP/1.1 200 OK\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28"])
def test_a_server_that_says_something_else_fails_the_handshake(words):
    client = Party(client_context(CA.cert_pem.bytes()), "a.test")
    client.stream.shake()
    client.stream.data_received(words)
    assert isinstance(client.failure, ssl.SSLError)
    assert client.wire.closing
    client.stream.data_received(b"more")
    client.stream.connection_lost(None)
    assert client.above.lost is None


def test_a_server_with_another_name_is_not_trusted():
    client, server = joined(name="b.test")
    assert isinstance(client.failure, ssl.SSLCertVerificationError)
    assert not client.open
    assert isinstance(server.failure or server.above.lost, ssl.SSLError | type(None))


def test_a_connection_lost_in_the_handshake_is_told_to_its_owner_once():
    client = Party(client_context(CA.cert_pem.bytes()), "a.test")
    client.stream.shake()
    assert not client.stream.eof_received()
    lost = ConnectionResetError()
    client.stream.connection_lost(lost)
    assert client.failure is lost


@VERSIONS
def test_what_came_before_a_reset_can_still_be_read_while_its_loss_is_told(version):
    client, server = joined(version=version)
    found = []

    def told(error):
        client.above.lost = (error,)
        found.append(client.stream.last_words(65536))

    client.above.connection_lost = told
    client.wire.socket, theirs = socket.socketpair()
    client.wire.socket.setblocking(False)
    with client.wire.socket, theirs:
        server.stream.write(b"HTTP/1.1 413 ")
        server.stream.write(b"Content Too Large\r\n\r\n" + bytes(20_000))
        server.stream.close()
        theirs.sendall(b"".join(server.wire.sent))
        lost = ConnectionResetError()
        client.stream.connection_lost(lost)
    assert found == [b"HTTP/1.1 413 Content Too Large\r\n\r\n" + bytes(20_000)]
    assert client.above.lost == (lost,)


def test_there_are_no_last_words_where_what_came_cannot_be_read_or_nothing_came():
    client, _ = joined()
    found = []

    def told(_error):
        found.append(client.stream.last_words(65536))
        with pytest.raises(BlockingIOError):
            client.stream.last_words(65536)

    client.above.connection_lost = told
    client.wire.socket, theirs = socket.socketpair()
    client.wire.socket.setblocking(False)
    with client.wire.socket, theirs:
        theirs.sendall(b"no record at all")
        client.stream.connection_lost(ConnectionResetError())
    assert found == [b""]


def test_what_the_transport_below_knows_is_told_but_not_its_socket():
    client, _ = joined()
    assert client.stream.get_extra_info("peername") == ("192.0.2.1", 1)
    assert client.stream.get_extra_info("socket") is None
    assert client.stream.get_extra_info("ssl_object") is client.stream.session
    assert client.stream.get_protocol() is client.above


def test_an_abort_drops_everything():
    client, server = joined()
    client.stream.write(b"lost")
    client.stream.abort()
    pass_on(client, server)
    assert server.above.got == b""
    assert client.stream.is_closing()


@VERSIONS
def test_an_end_that_is_said_while_records_wait_breaks_nothing(version):
    client, server = joined(keeps_writing=True, version=version)

    def answer(data):
        server.above.data.append(data)
        if not server.wire.ended:
            server.stream.write(b"early answer")
            server.stream.write_eof()

    server.stream.deliver = answer
    client.stream.write(b"z" * 100_000)
    pass_on(client, server)
    assert not server.wire.aborted
    assert client.above.got == b"early answer"
    assert client.above.ended
    assert server.above.got == b"z" * 100_000
    client.stream.write(b"more")
    pass_on(client, server)
    assert server.above.got.endswith(b"zmore")
