"""What passes a network interface on port 53, seen from outside of whoever asks and whoever answers.

The kernel queues each packet with its time before the receiver gets it, so once a client has ended all it said is here.
A client that stalled has asked again, or again in another way: that shows in the queries, whatever the machine's load.
"""

from __future__ import annotations

import socket
import struct
from collections import Counter
from dataclasses import dataclass

import dns.message
import dns.rdatatype

_ALL = 3  # ETH_P_ALL: what leaves, too
_TIMESTAMP = 35  # SO_TIMESTAMPNS, and the kind of message that carries it
_BUFFER = 8 * 1024 * 1024
_FORCE = 33  # SO_RCVBUFFORCE: beyond what is usual


@dataclass(frozen=True)
class Seen:
    """One DNS message as it passed, `at` in seconds."""

    at: float
    client: tuple[str, int]
    transport: str
    message: dns.message.Message

    @property
    def is_reply(self):
        return bool(self.message.flags & 0x8000)

    @property
    def question(self):
        asked = self.message.question[0]
        return asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)


class Wiretap:
    """Takes down the IPv4 DNS messages on `interface`; a TCP segment must hold whole ones, as on a quiet bridge it does."""

    def __init__(self, interface):
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL))
        self._sock.setsockopt(socket.SOL_SOCKET, _FORCE, _BUFFER)
        self._sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
        self._sock.bind((interface, 0))
        self._sock.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._sock.close()

    def taken(self):
        """The messages that passed since the last time, in order."""
        found = []
        while True:
            try:
                packet, extra, *_ = self._sock.recvmsg(65536, 64)
            except BlockingIOError:
                return found
            seconds, nanoseconds = struct.unpack("qq", extra[0][2])
            found.extend(_messages(packet, seconds + nanoseconds / 1e9))


def queries(seen):
    """How often each question was asked by each transport: `(name, type, transport)`."""
    return Counter((*one.question, one.transport) for one in seen if not one.is_reply)


def resent(seen):
    """The queries that were sent a second time, id and all: by a client that waited for a reply and got none."""
    sent = Counter((*one.question, one.transport, one.message.id) for one in seen if not one.is_reply)
    return {query for query, times in sent.items() if times > 1}


def span(seen):
    """Milliseconds from the first message to the last; 0 where there is none."""
    return 1000 * (seen[-1].at - seen[0].at) if seen else 0.0


def _messages(packet, at):
    header = (packet[0] & 15) * 4
    kind = {6: "tcp", 17: "udp"}.get(packet[9])
    if packet[0] >> 4 != 4 or kind is None:
        return
    source, target = struct.unpack_from("!HH", packet, header)
    if 53 not in (source, target):
        return
    at_source = target == 53
    host = socket.inet_ntoa(packet[12:16] if at_source else packet[16:20])
    client = (host, source if at_source else target)
    packet = packet[: int.from_bytes(packet[2:4])]  # a short frame is padded
    for data in _framed(packet[header + (packet[header + 12] >> 4) * 4 :]) if kind == "tcp" else [packet[header + 8 :]]:
        yield Seen(at, client, kind, dns.message.from_wire(data, ignore_trailing=True))


def _framed(stream):
    while stream:
        size = int.from_bytes(stream[:2])
        yield stream[2 : 2 + size]
        stream = stream[2 + size :]
