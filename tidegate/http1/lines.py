"""One pass over the lines of a head: where it ends, and its field lines, each kept, written anew or dropped.

HOT: reads every byte of every head once; guarded by bench/micro/parse_head.py. Lines that travel on as they stand are copied in runs.
A line is copied only when it is canonical (`Name: value`, no odd white space), else it is written anew or refused.
"""

from __future__ import annotations

from tidegate.errors import Reason
from tidegate.http1.characters import PLAIN_NAME, TOKEN, VALUE
from tidegate.http1.events import Limits
from tidegate.http1.fields import DROP, Fields, note

_DROP = DROP
_MAX_NAME = 1024  # no field name is that long


class Known:
    """Field names that mean something, recognised without making an object of the name: lower-case, shorter than 64 octets, each of
    a kind above 0. `first` maps a name's shape (length and first letter) to 1 + an index into `names` and `kinds`; `following`
    chains names of one shape, 0 ends the chain."""

    __slots__ = ("first", "following", "kinds", "names")

    def __init__(self, fields: dict[bytes, int]) -> None:
        first = bytearray(64 * 32)
        following = bytearray(len(fields))
        for index, name in enumerate(fields):
            shape = len(name) * 32 + (name[0] & 31)
            following[index] = first[shape]
            first[shape] = index + 1
        self.first = bytes(first)
        self.following = bytes(following)
        self.names = list(fields)
        self.kinds = bytes(fields.values())

    def kind(self, data: bytes, start: int, length: int) -> int:
        """The kind of the field name of that length (1 to 63) at `start`; 0 if it is not known. Case does not matter."""
        view = data
        first = self.first
        entry = first[length * 32 + (view[start] & 31)]
        while entry:
            name: bytes = self.names[entry - 1]
            expected = name
            at = 0
            # folding by `| 32` may mistake a control for a letter, but a token has none (RFC 9110 section 5.6.2)
            while at < length and (view[start + at] | 32) == (expected[at] | 32):
                at += 1
            if at == length:
                kinds = self.kinds
                return kinds[entry - 1]
            following = self.following
            entry = following[entry - 1]
        return 0


def is_http1(view: bytes, at: int) -> bool:
    """Whether `HTTP/1.0` or `HTTP/1.1` stands there. At least eight bytes do."""
    return (
        view[at] == 72
        and view[at + 1] == 84
        and view[at + 2] == 84
        and view[at + 3] == 80
        and view[at + 4] == 47
        and view[at + 5] == 49
        and view[at + 6] == 46
        and (view[at + 7] == 49 or view[at + 7] == 48)
    )


def last_line(data: bytes, start: int, size: int) -> int:
    """Offset of an empty line at or behind the end of the head at `start`, or -1 if there is none.

    Most heads come whole and alone, so the last bytes tell; the scan of the fields finds where the head really ends."""
    view = data
    if (
        size - start >= 4
        and view[size - 1] == 10
        and view[size - 2] == 13
        and view[size - 3] == 10
        and view[size - 4] == 13
    ):
        return size - 2
    found: int = data.find(b"\r\n\r\n", start)
    return found + 2 if found >= 0 else -1


def scan_fields(data: bytes, start: int, found: Fields, limits: Limits, known: Known, request: bool) -> None:
    """Walk the field lines from `start` to the empty line, which must be there, into `found`; or set `found.error`.

    `request`: names with `_` are dropped, because some backends read them as `-`.
    """
    view = data
    plain = PLAIN_NAME
    token = TOKEN
    text = VALUE
    at = start
    run = start  # first byte of the run being kept
    count = 0
    while view[at] != 13 or view[at + 1] != 10:
        line = at
        while plain[view[at]]:
            at += 1
        underscore = view[at] == 95
        while token[view[at]]:
            at += 1
        colon = at
        count += 1
        if colon == line or colon - line > _MAX_NAME or view[colon] != 58 or count > limits.headers:
            sound_size = colon - line <= _MAX_NAME and count <= limits.headers
            found.error = Reason.BAD_REQUEST if sound_size else Reason.HEADERS_TOO_LARGE
            return
        at += 1
        while text[view[at]]:
            at += 1
        stop = at
        if view[stop] != 13 or view[stop + 1] != 10:
            found.error = Reason.BAD_REQUEST
            return
        at += 2
        kind = _DROP if underscore and request else 0
        if kind == 0 and colon - line < 64:
            kind = known.kind(data, line, colon - line)
        odd = _is_odd(view, colon + 1, stop)
        if kind == 0 and not odd:
            continue
        written = _written(data, line, colon, stop, found, kind, odd)
        if found.error is not None:
            return
        if written is None:
            continue
        if run < line:
            found.parts.append(view[run:line])
        if written:
            found.parts.append(written)
        run = at
    found.end = at
    if run < at:
        found.parts.append(view[run:at])


def _is_odd(view: bytes, value: int, stop: int) -> bool:
    """Whether there is white space around the value other than one SP before it. An empty value has none."""
    if value == stop:
        return False
    if view[value] == 32:
        value += 1
    return value == stop or view[value] == 32 or view[value] == 9 or view[stop - 1] == 32 or view[stop - 1] == 9


def _written(data: bytes, line: int, colon: int, stop: int, found: Fields, kind: int, odd: bool) -> bytes | None:
    """What is forwarded for the line at `line`: None if it stands as it is, b"" if it is dropped, else the line to write."""
    view = data
    value = colon + 1
    while value < stop and (view[value] == 32 or view[value] == 9):
        value += 1
    while stop > value and (view[stop - 1] == 32 or view[stop - 1] == 9):
        stop -= 1
    if kind != 0 and not note(found, kind, view[value:stop]):
        return b""
    return b"".join((view[line:colon], b": ", view[value:stop], b"\r\n")) if odd else None
