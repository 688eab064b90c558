"""HOT: the answers asked for most, written out so that a reply is two copies. Counted: every UDP query; guarded by
bench/micro/dns_answer.py and `make bench`.

An answer of the memo is some ten objects, each on a cache line of its own, and with 10 000 names none of them is in a cache
when it is wanted. On the sheet it is one piece of memory that lies together, found through one line of an index:
question, counts and records as they go out. No object is made for a query that is answered from here
(docs/decisions/0123).

The index is a table of buckets, each with eight words: the upper half of the question's digest, and where its entry is. A full
bucket drops one of its own, so names chosen to collide only go the way of all others. Entries are written one behind the
other and never moved; what is forgotten leaves a hole, and when the sheet is full it starts anew. The memo knows everything that
is here, and may be asked at any time.

An entry: a word with view, tally, rcode and size of the question; a word with distance, number and turn of the variants and where
they are; the question in lower case. A variant: counts, the size of the records, the records. It lies behind its entry, but a denial's,
which all entries with the same denial share: each table has another SOA record. All parts begin at a multiple of eight octets.
"""

from __future__ import annotations

import mmap

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns import wire
from tidegate.dns.answer import Answer
from tidegate.dns.tally import Meter, Tally
from tidegate.dns.view import Asker

MISSING = 0  # not on the sheet
UNFIT = -1  # a query that the sheet does not answer, whatever is on it

SIZE = 16 * 1024 * 1024  # octets; the memo's 65 536 answers at 250 each. Memory is used as it is written
BUCKETS = 8192
_WAYS = 8
_MAX_QUESTION = 255
_MAX_BLOCK = 2048  # octets of one variant; what does not fit without truncation is not for here
_MAX_TALLIES = 256

_PLAIN_SIZE, _EDNS_SIZE = wire.PLAIN_SIZE, wire.EDNS_SIZE
_OPT_SIZE = 11
_OPT_RECORD = wire.option_record(do=False)
_OPT_DO_RECORD = wire.option_record(do=True)
_COUNTS = b"\0\1\0\0\0\0\0"  # QDCOUNT to the first octet of ARCOUNT
_OPT = raw.place(_OPT_RECORD)
_OPT_DO = raw.place(_OPT_DO_RECORD)


class Sheet:
    """Answers by question and view, for UDP. View 0 is everybody; no asker has that number. Replies are counted by the tally
    of their answer and by `meter`."""

    def __init__(self, meter: Meter, size: int = SIZE, buckets: int = BUCKETS) -> None:
        self._meter = meter
        self._size = size
        self._mask = buckets - 1
        self._memory = mmap.mmap(-1, size)
        self._index_memory = mmap.mmap(-1, buckets * _WAYS * 8)
        if hasattr(
            mmap, "MADV_HUGEPAGE"
        ):  # a page of the usual size holds 40 answers; the table of pages is a miss too
            self._memory.madvise(mmap.MADV_HUGEPAGE)
            self._index_memory.madvise(mmap.MADV_HUGEPAGE)
        self._scratch_memory = bytearray(_MAX_QUESTION + 1)
        self._entries = raw.place(self._memory)
        self._index = raw.place(self._index_memory)
        self._scratch = raw.place(self._scratch_memory)
        self._key = hash(b"sheet") & 0xFFFFFFFFFFFFFFFF  # another in each process
        self._top = 8  # where the next entry goes; an index word of 0 is an empty place
        self._tallies: list[Tally] = []
        self._shared: dict[Answer, int] = {}  # denials, which change with every table -> where their records are
        self._strides: dict[Answer, int] = {}  # and how much room they have

    def put(self, question: bytes, view: int, answer: Answer) -> None:
        """Write `answer` down, if it fits. `question` is in lower case."""
        number = self._number(answer.tally)
        stride = _stride(answer)
        count = len(answer.variants)
        head = 16 + (len(question) + 7 & ~7)
        size = head + stride * count
        if len(question) > _MAX_QUESTION or not 0 < stride <= _MAX_BLOCK or number < 0 or count > 255 or view >> 32:
            return
        if self._top + size > self._size:
            self.clear()
            if self._top + size > self._size:
                return
        entry = self._top
        block = self._shared.get(answer, 0)
        self._top += head if block else size
        if not block:
            block = entry + head
            self._write(block, stride, answer)
        if answer.authority:
            self._shared[answer] = block
            self._strides[answer] = stride
        first = len(question)
        first = first << 8 | answer.rcode
        first = first << 16 | number
        raw.set_number(self._entries, entry, first << 32 | view)
        second = block >> 3
        raw.set_number(self._entries, entry + 8, second << 32 | count << 16 | stride)
        raw.put(self._entries, entry + 16, question)
        self._enter(question, entry)

    def renew(self) -> None:
        """Write the denials again, whose SOA records have changed."""
        for answer, block in self._shared.items():
            stride = self._strides[answer]
            if _stride(answer) != stride:
                self.clear()
                return
            self._write(block, stride, answer)

    def forget(self, question: bytes) -> None:
        """Drop the answers to `question`, which is in lower case, for all views."""
        size = len(question)
        if size > _MAX_QUESTION:
            return
        raw.put(self._scratch, 0, question)
        digest = raw.digest(self._scratch, size, self._key)
        bucket = (digest & self._mask) * _WAYS * 8
        for way in range(_WAYS):
            word = raw.number(self._index, bucket + way * 8)
            if word and word >> 32 == digest >> 32 and self._asks((word & 0xFFFFFFFF) * 8, size):
                raw.set_number(self._index, bucket + way * 8, 0)

    def clear(self) -> None:
        """Drop everything."""
        for word in range((self._mask + 1) * _WAYS):
            raw.set_number(self._index, word * 8, 0)
        self._top = 8
        self._shared.clear()
        self._strides.clear()

    def answer(self, data: bytes, asker: Asker) -> bytes | None:
        """As `reply`, as an object: empty for MISSING, None for UNFIT."""
        to = bytearray(_EDNS_SIZE)
        size = self.reply(raw.place(data), 0, len(data), asker, raw.place(to), 0)
        return None if size == UNFIT else bytes(to[:size])

    def reply(self, data: raw.Octets, start: int, size: int, asker: Asker, to: raw.Octets, at: int) -> int:
        """Write the reply to the query of `size` octets at `start` to where there is room for one of wire.EDNS_SIZE. How long
        it is, or MISSING, or UNFIT.

        As `Zone.answer`: a question that equals a known one is well-formed because that one is.
        """
        if size < 17 or data[start + 2] & 0xF8 or not raw.holds(data, start + 4, _COUNTS):
            return UNFIT
        asked = raw.zero(data, start + 12, size - 12) + 5
        if asked < 5 or asked > _MAX_QUESTION or 12 + asked > size:
            return UNFIT
        room = _PLAIN_SIZE
        opt = start + 12 + asked
        has_opt = data[start + 11]
        if has_opt:
            if has_opt > 1 or size < 12 + asked + _OPT_SIZE or data[opt] or data[opt + 1] or data[opt + 2] != 0x29:
                return UNFIT
            if data[opt + 6] or data[opt + 9] or data[opt + 10]:  # another version, or options
                return UNFIT
            room = min(max(room, data[opt + 3] << 8 | data[opt + 4]), _EDNS_SIZE)
        entry = self._find(data, start + 12, asked, asker.view)
        if not entry:
            return MISSING
        first = raw.number(self._entries, entry)
        block = self._block(entry)
        tail = raw.number(self._entries, block + 8)
        length = 12 + asked + tail + (_OPT_SIZE if has_opt else 0)
        if length > room:
            return UNFIT
        to[at] = data[start]
        to[at + 1] = data[start + 1]
        to[at + 2] = 0x84 | data[start + 2] & 1
        to[at + 3] = asker.ra | data[start + 3] & 0x10 | first >> 48 & 0xF
        raw.copy(to, at + 4, self._entries, block, 8)
        raw.copy(to, at + 12, data, start + 12, asked)
        raw.copy(to, at + 12 + asked, self._entries, block + 16, tail)
        if has_opt:
            raw.copy(to, at + 12 + asked + tail, _OPT_DO if data[opt + 7] & 0x80 else _OPT, 0, _OPT_SIZE)
            to[at + 11] += 1  # ARCOUNT, which is small
        self._count(first >> 32 & 0xFFFF, asker.lane)
        self._meter.add(size, length, bool(has_opt and data[opt + 7] & 0x80))
        return length

    def _find(self, data: raw.Octets, start: int, size: int, view: int) -> int:
        """Where the entry is; 0 if there is none."""
        raw.lower(self._scratch, data, start, size)
        digest = raw.digest(self._scratch, size, self._key)
        bucket = (digest & self._mask) * _WAYS * 8
        for way in range(_WAYS):
            word = raw.number(self._index, bucket + way * 8)
            if word and word >> 32 == digest >> 32:
                entry = (word & 0xFFFFFFFF) * 8
                whose = raw.number(self._entries, entry) & 0xFFFFFFFF
                if (whose == 0 or whose == view) and self._asks(entry, size):
                    return entry
        return 0

    def _asks(self, entry: int, size: int) -> bool:
        """Is the entry's question the one in the scratch?"""
        if raw.number(self._entries, entry) >> 56 != size:
            return False
        return raw.same(self._entries, entry + 16, self._scratch, 0, size)

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

    def _count(self, number: int, lane: int) -> None:
        tally = self._tallies[number]
        tally.add(lane)

    def _enter(self, question: bytes, entry: int) -> None:
        raw.put(self._scratch, 0, question)
        digest = raw.digest(self._scratch, len(question), self._key)
        bucket = (digest & self._mask) * _WAYS * 8
        place = bucket + (entry >> 3) % _WAYS * 8  # where all places are taken, this one's owner goes
        for way in range(_WAYS):
            if not raw.number(self._index, bucket + way * 8):
                place = bucket + way * 8
                break
        where = entry >> 3
        raw.set_number(self._index, place, digest >> 32 << 32 | where)

    def _number(self, tally: Tally) -> int:
        """The tally's number, which stays; -1 where there are too many."""
        for number, known in enumerate(self._tallies):
            if known is tally:
                return number
        if len(self._tallies) == _MAX_TALLIES:
            return -1
        self._tallies.append(tally)
        return len(self._tallies) - 1


def _stride(answer: Answer) -> int:
    """Octets from one variant to the next; 0 where there are none."""
    most = 0
    for variant in answer.whole:
        most = max(most, 16 + len(variant.tail) + 7 & ~7)
    return most
