"""HOT: the answers asked for most, written out so that a reply is two copies. Counted: every UDP query; guarded by
bench/micro/dns_answer.py and `make bench`.

An answer of the memo is some ten objects, each on a cache line of its own, and with 10 000 names none of them is in a cache
when it is wanted. On the sheet it is one piece of memory that lies together (`pages`): question, counts and records as they
go out. No object is made for a query that is answered from here (docs/decisions/0123).

An entry's second word has distance, number and turn of the variants and where they are. A variant: counts, the size of the
records, the records. It lies behind its entry, but a denial's, which all entries with the same denial share: each table has another
SOA record.
"""

from __future__ import annotations

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns.answer import Answer
from tidegate.dns.pages import MAX_BLOCK, MISSING, UNFIT, Pages
from tidegate.dns.tally import Meter
from tidegate.dns.view import Asker

SIZE = 16 * 1024 * 1024  # octets; the memo's 65 536 answers at 250 each
BUCKETS = 8192

_MISSING, _UNFIT, _MAX_BLOCK = MISSING, UNFIT, MAX_BLOCK
_OPT_SIZE = 11


class Sheet(Pages):
    """Our own answers. View 0 is everybody; no asker has that number."""

    def __init__(self, meter: Meter, size: int = SIZE, buckets: int = BUCKETS, *, cookies: bool = False) -> None:
        super().__init__(meter, size, buckets, cookies=cookies)
        self._shared: dict[Answer, int] = {}  # denials, which change with every table -> where their records are
        self._strides: dict[Answer, int] = {}  # and how much room they have

    def put(self, question: bytes, view: int, answer: Answer) -> None:
        """Write `answer` down, if it fits. `question` is in lower case."""
        stride = _stride(answer)
        count = len(answer.variants)
        head = 16 + (len(question) + 7 & ~7)
        if len(question) > 255 or not 0 < stride <= _MAX_BLOCK or count > 255 or view >> 32:
            return
        if self._number(answer.tally) < 0 or not self._makes_room(head + stride * count):
            return
        entry = self._top
        block = self._shared.get(answer, 0)
        second = (block or entry + head) >> 3
        following = self._open(question, answer.tally, view, second << 32 | count << 16 | stride)
        if not block:
            block = following
            self._write(block, stride, answer)
            self._top = block + stride * count
        if answer.authority:
            self._shared[answer] = block
            self._strides[answer] = stride
        self._enter(question, entry)

    def renew(self) -> None:
        """Write the denials again, whose SOA records have changed."""
        for answer, block in self._shared.items():
            stride = self._strides[answer]
            if _stride(answer) != stride:
                self.clear()
                return
            self._write(block, stride, answer)

    def clear(self) -> None:
        Pages.clear(self)
        self._shared.clear()
        self._strides.clear()

    def reply(self, data: raw.Octets, start: int, size: int, asker: Asker, to: raw.Octets, at: int) -> int:
        """As `Zone.answer`."""
        if not self._reads(data, start, size) or data[start + 2] & 0xF8:
            return _UNFIT
        entry = self._find(data, start + 12, asker.view)
        if not entry:
            return _MISSING
        block = self._block(entry)
        tail = raw.number(self._entries, block + 8)
        length = 12 + self._asked + tail
        if length + (_OPT_SIZE if self._has_opt else 0) > self._room:
            return _UNFIT
        to[at + 2] = 0x84 | data[start + 2] & 1
        to[at + 3] = asker.ra | data[start + 3] & 0x10 | raw.number(self._entries, entry) >> 48 & 0xF
        raw.copy(to, at + 4, self._entries, block, 8)
        raw.copy(to, at + 12 + self._asked, self._entries, block + 16, tail)
        return self._said(data, start, size, asker, to, at, entry, length)

    def _block(self, entry: int) -> int:
        """Where the variant is whose turn it is."""
        second = raw.number(self._entries, entry + 8)
        count = second >> 16 & 0xFF
        block = (second >> 32) * 8
        if count > 1:
            turn = second >> 24 & 0xFF
            block += turn * (second & 0xFFFF)
            following = turn + 1 if turn + 1 < count else 0
            raw.set_number(self._entries, entry + 8, second & 0xFFFFFFFF00FFFFFF | following << 24)
        return block

    def _write(self, block: int, stride: int, answer: Answer) -> None:
        for variant in answer.whole:
            raw.put(self._entries, block, variant.counts)
            raw.set_number(self._entries, block + 8, len(variant.tail))
            raw.put(self._entries, block + 16, variant.tail)
            block += stride


def _stride(answer: Answer) -> int:
    """Octets from one variant to the next; 0 where there are none."""
    most = 0
    for variant in answer.whole:
        most = max(most, 16 + len(variant.tail) + 7 & ~7)
    return most
