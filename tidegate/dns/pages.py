"""HOT: memory in which answers lie together, each in one piece, found by its question through one line of an index. What is in an
entry is for those who write it: `sheet` has our own answers, `copies` those of others (docs/decisions/0123, 0124).

The index is a table of buckets, each with eight words: the upper half of the question's digest, and where its entry is. A full
bucket drops one of its own, so names chosen to collide only go the way of all others. Entries are written one behind the
other and never moved; what is forgotten leaves a hole, and when the pages are full they start anew. Whoever writes knows everything
that is here, and may be asked at any time.

An entry begins with two words: whose it is, its tally, rcode and size of the question; where its records are, and what the writer
wants to know. Then the question in lower case. All parts begin at a multiple of eight octets.
"""

from __future__ import annotations

import mmap

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns import wire
from tidegate.dns.tally import Meter, Tally
from tidegate.dns.view import Asker

MISSING = 0  # not here
UNFIT = -1  # a query that is not answered from here, whatever there is

MAX_BLOCK = 2048  # octets of one answer's records; what does not fit without truncation is not for here

_WAYS = 8
_MAX_QUESTION = 255
_MAX_TALLIES = 256

_PLAIN_SIZE, _EDNS_SIZE = wire.PLAIN_SIZE, wire.EDNS_SIZE
_OPT_SIZE = 11
_COOKIE = 10
_OPT_RECORD = wire.option_record(do=False)
_OPT_DO_RECORD = wire.option_record(do=True)
_COUNTS = b"\0\1\0\0\0\0\0"  # QDCOUNT to the first octet of ARCOUNT
_OPT = raw.place(_OPT_RECORD)
_OPT_DO = raw.place(_OPT_DO_RECORD)


class Pages:
    """Answers by question and by whose they are, for UDP: a number of 32 bits, 0 for everybody's. Replies are counted by the tally
    of their answer and by `meter`. `size` is in octets, without the index; `buckets` a power of two; memory is used as it is written.
    `cookies` says that cookies get an answer, else they are ignored."""

    def __init__(self, meter: Meter, size: int, buckets: int, *, cookies: bool = False) -> None:
        self._meter = meter
        self._has_cookies = cookies
        self.size = size
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
        # Of the query that `_reads` took last:
        self._asked = 0  # octets of the question
        self._room = 0  # for the reply
        self._has_opt = False
        self._do = False

    def forget(self, question: bytes) -> None:
        """Drop the answers to `question`, which is in lower case, whosever they are."""
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

    def answer(self, data: bytes, asker: Asker) -> bytes | None:
        """As `reply`, as an object: empty for MISSING, None for UNFIT."""
        to = bytearray(_EDNS_SIZE)
        size = self.reply(raw.place(data), 0, len(data), asker, raw.place(to), 0)
        return None if size == UNFIT else bytes(to[:size])

    def reply(self, data: raw.Octets, start: int, size: int, asker: Asker, to: raw.Octets, at: int) -> int:
        """Write the reply to the query of `size` octets at `start` to where there is room for one of wire.EDNS_SIZE. How long
        it is, or MISSING, or UNFIT."""
        raise NotImplementedError

    def _reads(self, data: raw.Octets, start: int, size: int) -> bool:
        """Can the query at `start` be answered from here? It has one question and no OPT record, or one with no option that needs
        an answer.

        A question that equals a known one is well-formed because that one is, so its labels need no walk.
        """
        if size < 17 or not raw.holds(data, start + 4, _COUNTS):
            return False
        asked = raw.zero(data, start + 12, size - 12) + 5
        if asked < 5 or asked > _MAX_QUESTION or 12 + asked > size:
            return False
        self._asked = asked
        self._room = _PLAIN_SIZE
        self._has_opt = self._do = False
        if data[start + 11]:
            opt = start + 12 + asked
            if data[start + 11] > 1 or size < 12 + asked + _OPT_SIZE:
                return False
            if data[opt] or data[opt + 1] or data[opt + 2] != 0x29:
                return False
            options = data[opt + 9] << 8 | data[opt + 10]
            if data[opt + 6] or (options and not self._ignores(data, opt + _OPT_SIZE, options, start + size)):
                return False
            self._room = min(max(_PLAIN_SIZE, data[opt + 3] << 8 | data[opt + 4]), _EDNS_SIZE)
            self._has_opt = True
            self._do = data[opt + 7] >= 0x80
        return True

    def _ignores(self, data: raw.Octets, at: int, size: int, end: int) -> bool:
        """Are the `size` octets at `at` one option that changes nothing? A cookie whose size is none is a fault (RFC 7873 5.2.2)."""
        if size < 4 or at + size > end or (data[at + 2] << 8 | data[at + 3]) != size - 4:
            return False
        if data[at] or data[at + 1] != _COOKIE:
            return True
        return not self._has_cookies and (size == 12 or 20 <= size <= 44)

    def _find(self, data: raw.Octets, start: int, whose: int) -> int:
        """Where the entry is for the question at `start`; 0 if there is none."""
        raw.lower(self._scratch, data, start, self._asked)
        slot = self._slot(self._asked, whose)
        return 0 if slot < 0 else (raw.number(self._index, slot) & 0xFFFFFFFF) * 8

    def _slot(self, size: int, whose: int) -> int:
        """The place in the index of the entry for the question in the scratch; -1 if there is none."""
        digest = raw.digest(self._scratch, size, self._key)
        bucket = (digest & self._mask) * _WAYS * 8
        for slot in range(bucket, bucket + _WAYS * 8, 8):
            word = raw.number(self._index, slot)
            if word and word >> 32 == digest >> 32:
                entry = (word & 0xFFFFFFFF) * 8
                owner = raw.number(self._entries, entry) & 0xFFFFFFFF
                if (owner == 0 or owner == whose) and self._asks(entry, size):
                    return slot
        return -1

    def _asks(self, entry: int, size: int) -> bool:
        """Is the entry's question the one in the scratch?"""
        if raw.number(self._entries, entry) >> 56 != size:
            return False
        return raw.same(self._entries, entry + 16, self._scratch, 0, size)

    def _said(
        self, data: raw.Octets, start: int, size: int, asker: Asker, to: raw.Octets, at: int, entry: int, length: int
    ) -> int:
        """Write what all replies have alike: id, question and OPT record; their first four octets but the id, the counts and
        the records, to octet `length`, are the caller's. Counts the reply. How long it is."""
        to[at] = data[start]
        to[at + 1] = data[start + 1]
        raw.copy(to, at + 12, data, start + 12, self._asked)
        if self._has_opt:
            raw.copy(to, at + length, _OPT_DO if self._do else _OPT, 0, _OPT_SIZE)
            to[at + 11] += 1  # ARCOUNT, which is small
            length += _OPT_SIZE
        tally = self._tallies[raw.number(self._entries, entry) >> 32 & 0xFFFF]
        tally.add(asker.lane)
        self._meter.add(size, length, self._do)
        return length

    def _makes_room(self, size: int) -> bool:
        """See that `size` more octets fit, if need be by starting anew."""
        if self._top + size > self.size:
            self.clear()
        return self._top + size <= self.size

    def _open(self, question: bytes, tally: Tally, whose: int, second: int) -> int:
        """Write the head of an entry where there is room; where what follows its question goes. Not yet to be found."""
        entry = self._top
        first = len(question)
        first = first << 8 | tally.rcode
        first = first << 16 | self._number(tally)
        raw.set_number(self._entries, entry, first << 32 | whose)
        raw.set_number(self._entries, entry + 8, second)
        raw.put(self._entries, entry + 16, question)
        self._top = entry + 16 + (len(question) + 7 & ~7)
        return self._top

    def _enter(self, question: bytes, entry: int) -> None:
        """Let `entry` be found."""
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
