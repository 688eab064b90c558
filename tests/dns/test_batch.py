from __future__ import annotations

import select
import socket

import pytest

from tidegate.dns.batch import DEPTH, ManyBatch, PlainBatch
from tidegate.dns.listener import bind
from tidegate.dns.record import packed
from tidegate.model import Address

KINDS = pytest.mark.parametrize("kind", [PlainBatch, ManyBatch])
HOSTS = pytest.mark.parametrize(
    ("bound", "reached"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.3.3.3"), ("::1", "::1"), ("::", "::1")],
)


@pytest.fixture
def sockets(bound, reached):
    udp, tcp = bind(Address(host=bound, port=0))
    client = socket.socket(udp.family, socket.SOCK_DGRAM)
    client.connect((reached, udp.getsockname()[1]))
    client.settimeout(5)
    with udp, tcp, client:
        yield udp, client


def taken(batch, udp, count):
    """Receive until the batch has `count` datagrams, which must come in one go."""
    assert select.select([udp], [], [], 5)[0]
    assert batch.receive() == count


@KINDS
@HOSTS
def test_each_datagram_is_answered_to_its_sender_from_the_address_it_came_to(kind, sockets, reached):
    udp, client = sockets
    batch = kind(udp)
    for text in (b"one", b"two", b"three"):
        client.send(text)
    taken(batch, udp, 3)
    assert [batch.data(n) for n in range(3)] == [b"one", b"two", b"three"]
    assert batch.source(1) == packed(client.getsockname()[0])
    assert batch.local(1) == packed(reached)
    batch.reply(0, b"first")
    batch.reply(2, b"third")
    assert batch.flush() == 0
    assert [client.recv(100), client.recv(100)] == [b"first", b"third"]


@KINDS
@HOSTS
def test_a_late_reply_finds_the_same_way_back(kind, sockets):
    udp, client = sockets
    batch = kind(udp)
    client.send(b"query")
    taken(batch, udp, 1)
    path = batch.return_path(0)
    batch.receive()
    batch.reply_late(path, b"late")
    assert batch.flush() == 0
    assert client.recv(100) == b"late"


@KINDS
@HOSTS
def test_late_replies_go_with_those_of_the_next_batch(kind, sockets):
    udp, client = sockets
    batch = kind(udp)
    with socket.socket(udp.family, socket.SOCK_DGRAM) as other:
        other.connect(client.getpeername())
        other.settimeout(5)
        other.send(b"first")
        taken(batch, udp, 1)
        path = batch.return_path(0)
        client.send(b"second")
        taken(batch, udp, 1)
        batch.reply(0, b"to the second")
        batch.reply_late(path, b"to the first")
        assert batch.flush() == 0
        assert (client.recv(100), other.recv(100)) == (b"to the second", b"to the first")


@KINDS
@pytest.mark.parametrize(("bound", "reached"), [("127.0.0.1", "127.0.0.1")])
def test_more_replies_than_a_batch_holds_all_go_out(kind, sockets):
    udp, client = sockets
    batch = kind(udp)
    client.send(b"query")
    taken(batch, udp, 1)
    path = batch.return_path(0)
    for n in range(DEPTH + 5):
        batch.reply_late(path, b"%d" % n)
    batch.reply(0, b"now")
    assert batch.flush() == 0
    assert [client.recv(100) for _ in range(DEPTH + 6)] == [*(b"%d" % n for n in range(DEPTH + 5)), b"now"]


@KINDS
@pytest.mark.parametrize(("bound", "reached"), [("127.0.0.1", "127.0.0.1")])
def test_a_batch_is_bounded_and_the_rest_waits(kind, sockets):
    udp, client = sockets
    batch = kind(udp)
    for n in range(DEPTH + 3):
        client.send(bytes((n,)) * 20)
    taken(batch, udp, DEPTH)
    taken(batch, udp, 3)
    assert batch.data(2) == bytes((DEPTH + 2,)) * 20
    assert batch.receive() == 0


@KINDS
@pytest.mark.parametrize(("bound", "reached"), [("127.0.0.1", "127.0.0.1")])
def test_batches_of_any_size_follow_each_other(kind, sockets):
    udp, client = sockets
    batch = kind(udp)
    for count in (1, 5, 2, 7, 1):
        for n in range(count):
            client.send(bytes((65 + n,)) * (n + 1))
        taken(batch, udp, count)
        for n in range(count):
            batch.reply(n, batch.data(n) * 2)
        assert batch.flush() == 0
        assert [client.recv(100) for _ in range(count)] == [bytes((65 + n,)) * (2 * n + 2) for n in range(count)]


@KINDS
@pytest.mark.parametrize(("bound", "reached"), [("127.0.0.1", "127.0.0.1")])
def test_a_datagram_too_long_for_a_query_is_not_taken_for_one(kind, sockets):
    udp, client = sockets
    batch = kind(udp)
    client.send(b"x" * 3000)
    assert select.select([udp], [], [], 5)[0]
    assert [batch.data(n) for n in range(batch.receive())] in ([], [b""])
