"""HOT: the cache of foreign answers, bounded in octets; times in seconds of any one clock. Pure.

Counted: every foreign query; guarded by bench/macro/dns.py. An entry holds its reply ready but for id, flags and
question; TTLs are counted down at most once a second. Expired entries stay for `STALE_SECONDS` (RFC 8767), as long as
there is room. What goes first is what was not asked for since it was last in line (second chance): a hit costs a flag.

An answer is the same for all views: foreign names are asked of the same upstreams whoever asks, so a key has no view.
"""

from __future__ import annotations

from collections import OrderedDict

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns import message, wire
from tidegate.dns.copies import Copies
from tidegate.dns.message import Message
from tidegate.dns.view import Asker
from tidegate.dns.wire import cookie_at

MAX_TTL = 3600
MAX_NEGATIVE_TTL = 300  # RFC 2308 5 allows hours; what containers look for tends to appear
STALE_TTL = 30  # RFC 8767 4
STALE_SECONDS = 86400.0
OVERHEAD = 700  # octets of objects an entry takes beside its key and its body, about

_DO, _CD = 1, 2
_FLAGS = (b"\0", b"\1", b"\2", b"\3")
_PLAIN_SIZE, _EDNS_SIZE, _STREAM_SIZE = wire.PLAIN_SIZE, wire.EDNS_SIZE, wire.STREAM_SIZE
_ONE_QUESTION = b"\0\1\0\0\0\0"
_OPT = wire.option_record(do=False)
_OPT_DO = wire.option_record(do=True)


def key_of(query: wire.Query) -> bytes:
    """What a query asks for: name in lower case, type and class, and an octet for DO and CD."""
    return (
        query.name
        + raw.part(query.question, len(query.name), len(query.question))
        + _FLAGS[query.do * _DO | query.cd * _CD]
    )


class Entry:
    """One answer. `shape` is the zone's when the name was last seen to be foreign; `is_due` says that a fresh answer is
    being asked for already."""

    __slots__ = (
        "age",
        "counts",
        "counts_opt",
        "expires",
        "is_due",
        "is_used",
        "low",
        "message",
        "refresh_at",
        "shape",
        "size",
        "stored",
        "tail",
    )

    def __init__(self, answer: Message, lifetime: float, size: int, now: float) -> None:
        self.message = answer
        self.size = size
        self.stored = now
        self.expires = now + lifetime
        self.refresh_at = now + lifetime * 0.9
        self.is_due = False
        self.is_used = False
        self.shape = -1
        self.age = 0
        self.tail = answer.body
        self.low = 0x80 | answer.rcode  # RA and the code: the fourth octet of the header
        self.counts = message.packed(answer.counts, opt=False)
        self.counts_opt = message.packed(answer.counts, opt=True)


class Cache:
    """Answers by `key_of`, those asked for by UDP in `copies` as well. Nothing with a TTL of 0 is kept. `cookies` says
    that cookies get an answer, else they are ignored. `due` collects the keys of entries that were asked for in
    the last tenth of their time: whoever owns the cache empties it and asks for fresh ones."""

    def __init__(self, limit: int, copies: Copies | None = None, *, cookies: bool = False) -> None:
        self._copies = copies
        self._has_cookies = cookies
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._limit = limit
        self.size = 0  # octets, about
        self.hits = 0
        self.evicted = 0
        self.due: list[bytes] = []

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, data: bytes, asker: Asker, shape: int, now: float) -> bytes | None:
        """The reply to a well-formed query of somebody who may recurse, if its answer is fresh, fits, and its name has
        been seen to be foreign in a zone of this shape; None sends the query the long way.

        A question that equals a kept one is well-formed because that one is, so its labels need no walk.
        """
        size = len(data)
        if size < 17 or data[2] != 1 or data[4:10] != _ONE_QUESTION or data[10] or data[11] > 1:
            return None
        end = raw.zero_at(data, 12) + 5
        flags = data[3] >> 3 & _CD
        opt = b""
        room = _PLAIN_SIZE
        if data[11]:
            if size < end + 11 or data[end : end + 3] != b"\0\0\x29" or data[end + 6]:
                return None
            opt_end = end + 11 + (data[end + 9] << 8 | data[end + 10])
            if opt_end > size:
                return None
            at = cookie_at(data, end + 11, opt_end) if opt_end > end + 11 else 0
            if at < 0 or (at and self._has_cookies):  # what answers one is on the long way
                return None
            room = min(max(room, data[end + 3] << 8 | data[end + 4]), _EDNS_SIZE)
            opt = _OPT
            if data[end + 7] & 0x80:
                opt = _OPT_DO
                flags |= _DO
        key = raw.lowered(data, 12, end - 4) + raw.part(data, end - 4, end) + _FLAGS[flags]
        found = self._entries.get(key)
        if found is None or found.shape != shape or now >= found.expires or not asker.recursion:
            return None
        if found.message.ede is not None:
            return None
        tail = self._tail(found, key, now)
        if end + len(tail) + len(opt) > room and (not asker.stream or end + len(tail) + len(opt) > _STREAM_SIZE):
            return None
        if self._copies is not None and not asker.stream and now < found.refresh_at:
            self._copies.put(key[:-1], flags, shape, found.message, found.stored, found.refresh_at)
        self.hits += 1
        head = bytes((0x81, found.low | data[3] & 0x10))
        return b"".join((data[:2], head, found.counts_opt if opt else found.counts, data[12:end], tail, opt))

    def fresh(self, key: bytes, now: float, shape: int) -> Entry | None:
        """The entry at `key` that has not expired; from now on `recall` finds it in a zone of this shape."""
        found = self._entries.get(key)
        if found is None or now >= found.expires:
            return None
        found.shape = shape
        return found

    def render(self, entry: Entry, query: wire.Query, room: int, now: float) -> bytes:
        """The reply out of a fresh entry."""
        self.hits += 1
        body = self._tail(entry, key_of(query), now)
        return message.render(entry.message, query, body, room, entry.message.ede)

    def stale(self, key: bytes, now: float) -> Message | None:
        """The answer at `key` if it is at most `STALE_SECONDS` past its time, with the TTL of such an answer."""
        found = self._entries.get(key)
        if found is None or now >= found.expires + STALE_SECONDS:
            return None
        found.is_used = True
        return found.message

    def put(self, key: bytes, answer: Message, now: float, shape: int = -1) -> None:
        """Keep `answer` for as long as it says, if it may be kept. Its name was foreign in a zone of `shape`; without one it is
        known as its forerunner was."""
        if not answer.lifetime:
            return
        lifetime = min(answer.lifetime, MAX_TTL if answer.is_positive else MAX_NEGATIVE_TTL)
        old = self._entries.pop(key, None)
        entry = Entry(answer, lifetime, len(key) + len(answer.body) + 120 * len(answer.ends) + OVERHEAD, now)
        entry.shape = shape
        if old is not None:
            self.size -= old.size
            entry.is_used = old.is_used
            if shape < 0:
                entry.shape = old.shape
            if self._copies is not None:
                self._copies.expire(key[:-1], key[-1])
        self._entries[key] = entry
        self.size += entry.size
        self._make_room()

    def retry(self, key: bytes) -> None:
        """What was in `due` could not be had: ask again when it is asked for again."""
        found = self._entries.get(key)
        if found is not None:
            found.is_due = False

    def _tail(self, entry: Entry, key: bytes, now: float) -> bytes:
        entry.is_used = True
        age = int(now - entry.stored)
        if age != entry.age:
            entry.age = age
            entry.tail = message.aged(entry.message, age)
        if now >= entry.refresh_at and not entry.is_due:
            entry.is_due = True
            self.due.append(key)
        return entry.tail

    def _make_room(self) -> None:
        """Drop entries until the rest fits; those used since they were last looked at go to the end of the line."""
        while self.size > self._limit and self._entries:
            key, entry = self._entries.popitem(last=False)
            is_copied = self._copies is not None and self._copies.used(key[:-1], key[-1])
            if entry.is_used or is_copied:
                entry.is_used = False
                self._entries[key] = entry
                continue
            if self._copies is not None:
                self._copies.forget(key[:-1])
            self.size -= entry.size
            self.evicted += 1
