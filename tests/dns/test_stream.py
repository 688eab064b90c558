from __future__ import annotations

import pytest

from tidegate.dns.stream import Framing, framed

MESSAGES = [b"a" * 12, b"b" * 300, b"c" * 13]
STREAM = b"".join(map(framed, MESSAGES))


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_messages_come_out_whole_wherever_the_stream_is_cut(cut):
    framing = Framing()
    assert framing.feed(STREAM[:cut]) + framing.feed(STREAM[cut:]) == MESSAGES
    assert not framing.is_partial


def test_one_octet_at_a_time_is_enough():
    framing = Framing()
    taken = [message for octet in STREAM for message in framing.feed(bytes((octet,)))]
    assert taken == MESSAGES


def test_a_begun_message_is_partial():
    framing = Framing()
    assert framing.feed(STREAM[:-1]) == MESSAGES[:-1]
    assert framing.is_partial


@pytest.mark.parametrize("length", [0, 1, 11])
def test_a_length_below_a_header_loses_the_stream(length):
    assert Framing().feed(length.to_bytes(2)) is None
