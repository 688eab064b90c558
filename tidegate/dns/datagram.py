"""HOT: the UDP side of the server. Counted: every UDP query; guarded by bench/micro/dns_answer.py."""

from __future__ import annotations

import socket
from functools import partial

from tidegate.dns.batch import Batch, ReturnPath, batch
from tidegate.dns.desk import Desk, Send
from tidegate.dns.sheet import MISSING, UNFIT

_MISSING, _UNFIT = MISSING, UNFIT


class Datagrams:
    """One UDP socket: a readiness callback that drains a batch and sends its replies together."""

    def __init__(self, sock: socket.socket, desk: Desk) -> None:
        self._sock = sock
        self._desk = desk
        self._batch: Batch = batch(sock)

    def on_readable(self) -> None:
        """Answer what is there, at most one batch; the loop calls again while there is more."""
        taken = self._batch
        desk = self._desk
        zone = desk.zone
        is_logged = desk.log is not None
        replies = 0
        count = taken.receive()
        began = desk.clock()
        for index in range(count):
            try:
                asker = taken.asker(index, zone)
                found = _UNFIT if is_logged or asker.limited else taken.answer(index, asker, zone.sheet)
                if found > 0:
                    replies += 1
                    continue
                data = taken.data(index)
                reply = None if is_logged or asker.limited else zone.answer(data, asker)
                if reply is None:
                    reply = desk.take(data, asker, partial(self._later, index))
                elif found == _MISSING:
                    zone.write(data, asker)
                if reply is not None:
                    taken.reply(index, reply)
                    replies += 1
            except Exception:  # noqa: BLE001  the socket must outlive any fault in one query
                desk.fault("datagram not answered")
        lost = taken.flush()
        if lost:
            desk.dropped["unsendable"] += lost
        if replies:  # each of them was there from the first moment of the batch to its last
            desk.durations["udp"].add(desk.clock() - began, replies)

    def _later(self, index: int) -> Send:
        path = self._batch.return_path(index)
        return partial(self._send, path)

    def _send(self, path: ReturnPath, reply: bytes) -> None:
        address, ancillary = path
        try:
            self._sock.sendmsg([reply], ancillary, 0, address)
        except OSError:  # as in a batch: lost on the way, and counted
            self._desk.dropped["unsendable"] += 1
