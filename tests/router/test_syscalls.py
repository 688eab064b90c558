from __future__ import annotations

import select
import socket

import pytest

from tidegate.router.syscalls import EDGES, HUNG, IN, OUT, receive, send, wait


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_receiving_tells_nothing_now_from_the_end(pair):
    ours, theirs = pair
    assert receive(ours.fileno(), 9) is None
    theirs.send(b"abc")
    assert receive(ours.fileno(), 2) == b"ab"
    assert receive(ours.fileno(), 9) == b"c"
    theirs.close()
    assert receive(ours.fileno(), 9) == b""


def test_sending_takes_what_fits_and_then_nothing(pair):
    ours, theirs = pair
    sent = 0
    while taken := send(ours.fileno(), b"x" * 65536):
        sent += taken
    assert sent > 0
    theirs.close()
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        send(ours.fileno(), b"x")


def test_an_event_is_flags_over_a_descriptor(pair):
    ours, theirs = pair
    with select.epoll() as polled:
        polled.register(ours.fileno(), EDGES)
        assert wait(polled, polled.fileno(), 8, 0) == [OUT << 32 | ours.fileno()]
        assert wait(polled, polled.fileno(), 8, 0) == []
        theirs.send(b"x")
        assert wait(polled, polled.fileno(), 8, 0) == [(IN | OUT) << 32 | ours.fileno()]
        theirs.close()
        event = wait(polled, polled.fileno(), 8, 0)[0]
        assert event >> 32 & HUNG
