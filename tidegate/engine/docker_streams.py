"""Cutting the engine's byte streams into what they carry: JSON values, and the two outputs of a container (pure).

`JsonSplitter` takes the event stream in whatever pieces it comes: values one per line, one right after the other, as
RFC 7464 sequences (a record separator before each), cut anywhere, in the middle of a UTF-8 character too.
`Demultiplexer` takes the frames in which the engine packs stdout and stderr of a container without a terminal: one byte
of stream number, three zeros, four bytes of length, payload. `Lines` makes lines of chunks.
"""

from __future__ import annotations

import re

MAX_VALUE_BYTES = 4 << 20
MAX_LINE_BYTES = 16 << 10  # Docker's own json-file driver splits there

_BETWEEN = b" \t\r\n\x1e"
_STRUCTURE = re.compile(rb'[{}\[\]"]')
_IN_STRING = re.compile(rb'["\\]')


class JsonSplitter:
    """Feed it bytes, get back every complete JSON object or array. Raises ValueError on what cannot be JSON."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0  # everything before is scanned; the value being read starts at 0
        self._depth = 0
        self._in_string = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Complete values, in order. Cost is linear in `chunk`: nothing is scanned twice."""
        self._buffer += chunk
        values: list[bytes] = []
        while self._step(values):
            pass
        if len(self._buffer) > MAX_VALUE_BYTES:
            raise ValueError(f"a JSON value of more than {MAX_VALUE_BYTES} bytes")
        return values

    def _step(self, values: list[bytes]) -> bool:
        """Advance to the next character that matters; False when the rest is still to come."""
        if self._depth == 0 and not self._begin():
            return False
        found = (_IN_STRING if self._in_string else _STRUCTURE).search(self._buffer, self._at)
        if found is None:
            self._at = len(self._buffer)
            return False
        character = found.group()
        if character == b"\\":
            # The escaped character is skipped with its backslash, and both wait when it has not come yet.
            self._at = found.start() + 2
            if self._at > len(self._buffer):
                self._at = found.start()
                return False
            return True
        self._at = found.end()
        self._account(character, values)
        return True

    def _begin(self) -> bool:
        """Drop what may stand between two values; False when nothing follows yet."""
        rest = self._buffer.lstrip(_BETWEEN)
        self._buffer = rest
        self._at = 0
        if rest and rest[0] not in b"{[":
            raise ValueError(f"not a JSON object: {bytes(rest[:40])!r}")
        return bool(rest)

    def _account(self, character: bytes, values: list[bytes]) -> None:
        if character == b'"':
            self._in_string = not self._in_string
        elif character in b"{[":
            self._depth += 1
        else:
            self._depth -= 1
            if self._depth == 0:
                values.append(bytes(self._buffer[: self._at]))
                del self._buffer[: self._at]
                self._at = 0


class Demultiplexer:
    """Feed it bytes, get back `(stream, payload)` pieces; `stream` is `stdout` or `stderr`. ValueError on a bad frame."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._stream = "stdout"
        self._left = 0

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """Payload is passed on as it comes, so a large frame is never held."""
        pieces: list[tuple[str, bytes]] = []
        at = 0
        while at < len(chunk):
            if self._left:
                piece = chunk[at : at + self._left]
                pieces.append((self._stream, piece))
                self._left -= len(piece)
                at += len(piece)
                continue
            missing = 8 - len(self._header)
            self._header += chunk[at : at + missing]
            at += missing
            if len(self._header) == 8:
                self._open()
        return pieces

    def _open(self) -> None:
        number, padding = self._header[0], self._header[1:4]
        if number > 3 or any(padding):
            raise ValueError(f"not a frame of container output: {bytes(self._header)!r}")
        # 0 is stdin echoed back; 3 carries errors of the engine itself.
        self._stream = "stdout" if number < 2 else "stderr"
        self._left = int.from_bytes(self._header[4:8], "big")
        self._header.clear()


class Lines:
    """Feed it bytes of one stream, get back whole lines as text without their end; long ones are split."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        *lines, rest = (self._rest + chunk).split(b"\n")
        while len(rest) > MAX_LINE_BYTES:
            lines.append(rest[:MAX_LINE_BYTES])
            rest = rest[MAX_LINE_BYTES:]
        self._rest = rest
        return [_text(line) for line in lines]

    def finish(self) -> list[str]:
        """What stands after the last line end, when the stream is over."""
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
