"""HOT: the UDP side of the server. Counted: every UDP query; guarded by bench/micro/dns_answer.py."""

from __future__ import annotations

import asyncio
import socket
from functools import partial

from tidegate.dns.batch import Batch, ReturnPath, batch
from tidegate.dns.desk import Desk, Send
from tidegate.dns.pages import MISSING, UNFIT

_MISSING, _UNFIT = MISSING, UNFIT


class Datagrams:
    """One UDP socket: a readiness callback that drains a batch and sends its replies together, as it does those that come
    later."""

    def __init__(self, sock: socket.socket, desk: Desk) -> None:
        self._desk = desk
        self._batch: Batch = batch(sock)
        self._current = 0  # the datagram that is being looked at
        self._has_late = False  # set while replies that came later wait for the loop's turn

    def on_readable(self) -> None:
        """Answer what is there, at most one batch; the loop calls again while there is more."""
        taken = self._batch
        desk = self._desk
        zone = desk.zone
        is_logged = desk.log is not None
        copies = desk.copies()
        replies = 0
        count = taken.receive()
        began = desk.clock()
        for index in range(count):
            try:
                asker = taken.asker(index, zone)
                is_plain = not is_logged and not asker.limited
                found = taken.answer(index, asker, zone.sheet) if is_plain else _UNFIT
                if found > 0 or (found == _MISSING and copies is not None and taken.answer(index, asker, copies) > 0):
                    replies += 1
                    continue
                data = taken.data(index)
                self._current = index
                reply = zone.answer(data, asker) if is_plain else desk.take(data, asker, self._later)
                if reply is not None and found == _MISSING:
                    zone.write(data, asker)
                if reply is None and is_plain:
                    reply = desk.long_way(data, asker, self._later)
                if reply is not None:
                    taken.reply(index, reply)
                    replies += 1
            except Exception:  # noqa: BLE001  the socket must outlive any fault in one query
                desk.fault("datagram not answered")
        self._flush()
        if replies:  # each of them was there from the first moment of the batch to its last
            desk.durations["udp"].add(desk.clock() - began, replies)

    def _later(self) -> Send:
        return partial(self._send, self._batch.return_path(self._current))

    def _send(self, path: ReturnPath, reply: bytes) -> None:
        """Replies that come in one turn of the loop leave together in the next."""
        self._batch.reply_late(path, reply)
        if not self._has_late:
            self._has_late = True
            asyncio.get_running_loop().call_soon(self._flush_late)

    def _flush_late(self) -> None:
        self._has_late = False
        self._flush()

    def _flush(self) -> None:
        lost = self._batch.flush()
        if lost:
            self._desk.dropped["unsendable"] += lost
