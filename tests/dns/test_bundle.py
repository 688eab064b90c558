from __future__ import annotations

import select
import socket

import pytest

from tidegate.dns.bundle import DEPTH, TAKEN, ManyBundle, PlainBundle

KINDS = pytest.mark.parametrize("kind", [PlainBundle, ManyBundle])


@pytest.fixture
def sockets():
    """One that asks, and the server it is connected to."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("127.0.0.1", 0))
        client.bind(("127.0.0.1", 0))
        server.connect(client.getsockname())
        client.connect(server.getsockname())
        client.setblocking(False)
        server.settimeout(5)
        yield client, server


def received(bundle, client):
    assert select.select([client], [], [], 5)[0]
    return [bundle.data(index) for index in range(bundle.receive(client))]


@KINDS
def test_queries_leave_in_order_under_their_ids(kind, sockets):
    client, server = sockets
    bundle = kind()
    for count in (3, 1, DEPTH):
        for number in range(count):
            bundle.add(bytes((number, 9)), b"\0\0query" + b"x" * number)
        assert bundle.count == count
        assert bundle.send(client) == []
        assert bundle.count == 0
        expected = [bytes((number, 9)) + b"query" + b"x" * number for number in range(count)]
        assert [server.recv(500) for _ in range(count)] == expected


@KINDS
def test_answers_come_in_together_each_as_it_was(kind, sockets):
    client, server = sockets
    bundle = kind()
    for texts in ([b"one", b"", b"three" * 500], [b"4"], [b"x" * 4096]):
        for text in texts:
            server.send(text)
        assert received(bundle, client) == texts
    assert bundle.receive(client) == 0


@KINDS
def test_what_is_too_much_for_once_waits(kind, sockets):
    client, server = sockets
    bundle = kind()
    for number in range(TAKEN + 2):
        server.send(bytes((number,)))
    assert len(received(bundle, client)) == TAKEN
    assert received(bundle, client) == [bytes((TAKEN,)), bytes((TAKEN + 1,))]


@KINDS
def test_an_answer_longer_than_any_is_cut(kind, sockets):
    client, server = sockets
    server.send(b"x" * 5000)
    assert received(kind(), client) == [b"x" * 4096]


@KINDS
def test_that_nobody_listens_is_an_error_and_fails_one_query_at_most(kind, sockets):
    client, server = sockets
    bundle = kind()
    server.close()
    bundle.add(b"id", b"query")
    assert bundle.send(client) == []
    with pytest.raises(ConnectionRefusedError):
        received(bundle, client)
    client.send(b"asks for another error")
    for ident in (b"ab", b"cd"):
        bundle.add(ident, b"query")
    assert bundle.send(client) == [0]


@KINDS
def test_of_a_closed_socket_everything_fails(kind, sockets):
    client, _ = sockets
    bundle = kind()
    for ident in (b"ab", b"cd"):
        bundle.add(ident, b"query")
    client.close()
    assert bundle.send(client) == [0, 1]
