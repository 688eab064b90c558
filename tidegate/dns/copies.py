"""HOT: the cache's answers as they go out, so that a reply is two copies and its TTLs. Counted: every UDP query for a foreign name;
guarded by `make bench`.

The cache stays the truth: what is here was recalled from it, and ends when its entry does. Nothing serves from here in the last
tenth of its time: the cache is asked then, which sees that a fresh answer is fetched; that one is written in the place of the
old if it has its size. A name that was foreign when it was written is found only as long as the zone has that shape, for it may be
ours in the next (docs/decisions/0124).

An entry belongs to DO and CD as asked, as a number that is not 0, which would be everybody. Its second word says where its block is, the shape, and in the lowest bit whether it was
used. The block: when the answer came and until when it serves, in microseconds; the counts; the numbers of TTLs and of
octets in the records; where each TTL stands in them; the records.
"""

from __future__ import annotations

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns import message
from tidegate.dns.message import Message
from tidegate.dns.pages import MAX_BLOCK, MISSING, UNFIT, Pages
from tidegate.dns.tally import Meter, Tallies
from tidegate.dns.view import Asker

SHARE = 4  # one part in so many of what may be kept is for copies: their size beside the objects of the cache
SIZE_OF_BUCKET = 512  # octets of entries for each bucket of the index: it is half full when the pages are full

_MISSING, _UNFIT, _MAX_BLOCK = MISSING, UNFIT, MAX_BLOCK
_OPT_SIZE = 11
_MICROSECONDS = 1_000_000


class Copies(Pages):
    """Foreign answers for who may recurse; `hits` counts replies. Times are in seconds of the cache's clock, questions in lower
    case, `flags` are DO and CD as in a key of the cache."""

    def __init__(self, meter: Meter, tallies: Tallies, size: int, *, cookies: bool = False) -> None:
        super().__init__(meter, size, 1 << max(6, (size // SIZE_OF_BUCKET).bit_length() - 1), cookies=cookies)
        self._by_kind = tallies
        self._shape = 0
        self._now = 0
        self.hits = 0

    def turn(self, shape: int, now: float) -> None:
        """From here on the zone has this shape and the time is `now`."""
        self._shape = shape & 0x7FFFFFFF
        self._now = int(now * _MICROSECONDS)

    def put(self, question: bytes, flags: int, shape: int, found: Message, stored: float, until: float) -> None:
        """Write down what came at `stored` and serves until `until`, if it fits."""
        size = 32 + (2 * len(found.ttl_places) + 7 & ~7) + (len(found.body) + 7 & ~7)
        number = self._number(self._by_kind.of(question[-4] << 8 | question[-3], found.rcode))
        if len(question) > 255 or size > _MAX_BLOCK or number < 0:
            return
        entry = self._entry(question, flags)
        if entry and self._is_written(entry, shape, until):
            return
        if not entry or self._size_of(entry) != size or raw.number(self._entries, entry) >> 32 & 0xFFFF != number:
            entry = self._new(question, flags, number, size)
            if not entry:
                return
        second = raw.number(self._entries, entry + 8) & 0xFFFFFFFF00000001
        raw.set_number(self._entries, entry + 8, second | (shape & 0x7FFFFFFF) << 1)
        self._write((second >> 32) * 8, found, stored, until)

    def used(self, question: bytes, flags: int) -> bool:
        """Was this answer given from here since this was asked last?"""
        entry = self._entry(question, flags)
        if not entry:
            return False
        second = raw.number(self._entries, entry + 8)
        raw.set_number(self._entries, entry + 8, second & 0xFFFFFFFFFFFFFFFE)
        return bool(second & 1)

    def expire(self, question: bytes, flags: int) -> None:
        """There is a new answer: the cache says it until it is written here."""
        entry = self._entry(question, flags)
        if entry:
            raw.set_number(self._entries, (raw.number(self._entries, entry + 8) >> 32) * 8 + 8, 0)

    def reply(self, data: raw.Octets, start: int, size: int, asker: Asker, to: raw.Octets, at: int) -> int:
        """As `Cache.recall`."""
        if not asker.recursion or not self._reads(data, start, size) or data[start + 2] != 1:
            return _UNFIT
        entry = self._find(data, start + 12, 1 + (self._do | data[start + 3] >> 3 & 2))
        if not entry:
            return _MISSING
        second = raw.number(self._entries, entry + 8)
        block = (second >> 32) * 8
        if (second >> 1 & 0x7FFFFFFF) != self._shape or self._now >= raw.number(self._entries, block + 8):
            return _MISSING
        sizes = raw.number(self._entries, block + 24)
        tail = sizes & 0xFFFFFFFF
        length = 12 + self._asked + tail
        if length + (_OPT_SIZE if self._has_opt else 0) > self._room:
            return _UNFIT
        if not second & 1:
            raw.set_number(self._entries, entry + 8, second | 1)
        to[at + 2] = 0x81
        to[at + 3] = 0x80 | data[start + 3] & 0x10 | raw.number(self._entries, entry) >> 48 & 0xF
        raw.copy(to, at + 4, self._entries, block + 16, 8)
        self._copy(block, sizes >> 32, tail, to, at + 12 + self._asked)
        self.hits += 1
        return self._said(data, start, size, asker, to, at, entry, length)

    def _copy(self, block: int, count: int, tail: int, to: raw.Octets, at: int) -> None:
        """Write the records, with their `count` TTLs as they are now."""
        places = block + 32
        raw.copy(to, at, self._entries, places + (2 * count + 7 & ~7), tail)
        stored = raw.number(self._entries, block)
        age = (self._now - stored) // _MICROSECONDS
        if age > 0:
            for index in range(places, places + 2 * count, 2):
                raw.count_down(to, at + (self._entries[index] << 8 | self._entries[index + 1]), age)

    def _new(self, question: bytes, flags: int, number: int, size: int) -> int:
        """An entry with room for a block of `size` octets in place of the one there may be; 0 if there is no room."""
        head = 16 + (len(question) + 7 & ~7)
        if not self._makes_room(head + size):
            return 0
        slot = self._slot_of(question, flags)
        if slot >= 0:
            raw.set_number(self._index, slot, 0)
        entry = self._top
        second = entry + head >> 3
        self._top = self._open(question, self._tallies[number], flags + 1, second << 32) + size
        self._enter(question, entry)
        return entry

    def _write(self, block: int, found: Message, stored: float, until: float) -> None:
        tail = message.aged(found, 0)  # as `found.body`, but for TTLs that are none
        raw.set_number(self._entries, block, int(stored * _MICROSECONDS))
        raw.set_number(self._entries, block + 8, int(until * _MICROSECONDS))
        raw.put(self._entries, block + 16, message.packed(found.counts, opt=False))
        count = len(found.ttl_places)
        size = len(tail)
        raw.set_number(self._entries, block + 24, count << 32 | size)
        at = block + 32
        for index in range(count):
            place = found.ttl_places[index]
            self._entries[at + 2 * index] = place >> 8
            self._entries[at + 2 * index + 1] = place & 0xFF
        raw.put(self._entries, at + (2 * count + 7 & ~7), tail)

    def _entry(self, question: bytes, flags: int) -> int:
        slot = self._slot_of(question, flags)
        return 0 if slot < 0 else (raw.number(self._index, slot) & 0xFFFFFFFF) * 8

    def _slot_of(self, question: bytes, flags: int) -> int:
        if len(question) > 255:
            return -1
        raw.put(self._scratch, 0, question)
        return self._slot(len(question), flags + 1)

    def _is_written(self, entry: int, shape: int, until: float) -> bool:
        """Is it what would be written? Then it was recalled for a query that is not answered from here."""
        second = raw.number(self._entries, entry + 8)
        if (second >> 1 & 0x7FFFFFFF) != shape & 0x7FFFFFFF:
            return False
        return raw.number(self._entries, (second >> 32) * 8 + 8) == int(until * _MICROSECONDS)

    def _size_of(self, entry: int) -> int:
        """Octets of the entry's block."""
        sizes = raw.number(self._entries, (raw.number(self._entries, entry + 8) >> 32) * 8 + 24)
        return 32 + (2 * (sizes >> 32) + 7 & ~7) + ((sizes & 0xFFFFFFFF) + 7 & ~7)
