"""Chunked bodies (RFC 9112 section 7.1): strict reading, canonical writing, in one step.

HOT for chunked bodies (`bench/micro/parse_head.py`). `ChunkReader.feed` takes raw bytes and gives back what to forward:
either canonical chunks (sizes in plain hex, no extensions, no trailers) or the bare data for a peer that speaks HTTP/1.0.
A body that is not exactly what the grammar says sets `error`; nothing after the fault is forwarded.
"""

from __future__ import annotations

from tidegate.http1.characters import TOKEN_SET

_SIZE = 0  # inside a chunk-size line
_DATA = 1
_DATA_END = 2  # the CRLF after chunk data
_TRAILER = 3
_DONE = 4

_MAX_SIZE_LINE = 4096
_MAX_EXTENSIONS = 16384  # per message
_MAX_TRAILER = 65536
_MAX_CHUNK = (1 << 62) - 1  # what a 64-bit counter takes without a second thought
_HEX = b"0123456789abcdefABCDEF"
_CONTROLS = bytes(octet for octet in range(32) if octet != 9) + b"\x7f"

LAST_CHUNK = b"0\r\n\r\n"


class ChunkReader:
    """Incremental reader of one chunked body. `done` once the last chunk and the trailers are read."""

    __slots__ = ("bare", "body_bytes", "done", "end", "error", "extensions", "held", "left", "state", "trailer_bytes")

    def __init__(self, bare: bool) -> None:
        self.bare = bare
        self.state = _SIZE
        self.left = 0  # data bytes of the current chunk still to come
        self.held = b""  # an incomplete line
        self.extensions = 0
        self.trailer_bytes = 0
        self.body_bytes = 0
        self.done = False
        self.error = False
        self.end = 0  # offset after the last byte taken by the latest feed

    def feed(self, data: bytes, start: int) -> bytes:
        """Take bytes from `start`; what to forward. Sets `end`, and `done` or `error`."""
        if self.held:
            data = self.held + data[start:]
            shift = len(self.held) - start  # offsets in `data` less this are offsets of the caller
            start = 0
            self.held = b""
        else:
            shift = 0
        out: list[bytes] = []
        at = start
        size = len(data)
        while at < size or self.state == _DATA:
            if self.state == _DATA:
                stop = at + self.left if self.left < size - at else size
                if stop > at:
                    self._emit(out, data[at:stop])
                    self.left -= stop - at
                    at = stop
                if self.left:
                    break
                self.state = _DATA_END
                continue
            if self.state == _DATA_END:
                if size - at < 2:
                    if data[at : at + 1] != b"\r":
                        self.error = True
                    break
                if data[at : at + 2] != b"\r\n":
                    self.error = True
                    break
                at += 2
                self.state = _SIZE
                continue
            line_end = data.find(b"\r\n", at)
            if line_end < 0:
                self._check_partial(data, at, size)
                break
            if self.state == _SIZE:
                self._size_line(data[at:line_end])
            else:
                self._trailer_line(data[at:line_end])
            if self.error:
                break
            at = line_end + 2
            if self.state == _DONE:
                self.done = True
                if not self.bare:
                    out.append(LAST_CHUNK)
                break
        if not self.done and not self.error and self.state != _DATA and at < size:
            self.held = data[at:]
            at = size
        self.end = at - shift
        return out[0] if len(out) == 1 else b"".join(out)

    def _emit(self, out: list[bytes], piece: bytes) -> None:
        self.body_bytes += len(piece)
        out.append(piece if self.bare else b"%x\r\n%b\r\n" % (len(piece), piece))

    def _size_line(self, line: bytes) -> None:
        digits = line
        semicolon = line.find(b";")
        if semicolon >= 0:
            digits = line[:semicolon].rstrip(b" \t")
            self.extensions += len(line) - semicolon
            if self.extensions > _MAX_EXTENSIONS or not _sound_extensions(line[semicolon:]):
                self.error = True
                return
        if not digits or len(digits) > 16 or digits.translate(None, _HEX) or len(line) > _MAX_SIZE_LINE:
            self.error = True
            return
        size = int(digits, 16)
        if size > _MAX_CHUNK:
            self.error = True
            return
        self.left = size
        self.state = _DATA if self.left else _TRAILER

    def _trailer_line(self, line: bytes) -> None:
        """Trailers are checked like fields and dropped (docs/http.md)."""
        if line == b"":
            self.state = _DONE
            return
        self.trailer_bytes += len(line) + 2
        name, colon, value = line.partition(b":")
        if (
            self.trailer_bytes > _MAX_TRAILER
            or colon == b""
            or name == b""
            or name.translate(None, TOKEN_SET)
            or value.translate(None, _CONTROLS) != value
        ):
            self.error = True

    def _check_partial(self, data: bytes, at: int, size: int) -> None:
        """Refuse an incomplete line that cannot become a good one (bare LF, or too long)."""
        lf = data.find(b"\n", at)
        limit = _MAX_SIZE_LINE if self.state == _SIZE else _MAX_TRAILER
        if lf >= 0 or size - at > limit + 1:  # the one more may be its CR
            self.error = True
            return
        cr = data.find(b"\r", at)
        misplaced = 0 <= cr < size - 1
        if misplaced or (self.state == _SIZE and data[at : at + 1].translate(None, _HEX)):
            self.error = True


def _sound_extensions(text: bytes) -> bool:
    """Whether `text` is `*( BWS ";" BWS name [ BWS "=" BWS value ] )` with token or quoted-string values."""
    at = 0
    size = len(text)
    while at < size:
        at = _skip_space(text, at)
        if text[at : at + 1] != b";":
            return False
        at = _skip_space(text, at + 1)
        stop = _skip_token(text, at)
        if stop == at:
            return False
        at = _skip_space(text, stop)
        if text[at : at + 1] == b"=":
            at = _skip_space(text, at + 1)
            stop = _skip_quoted(text, at) if text[at : at + 1] == b'"' else _skip_token(text, at)
            if stop == at:
                return False
            at = _skip_space(text, stop)
    return True


def _skip_space(text: bytes, at: int) -> int:
    while text[at : at + 1] in (b" ", b"\t"):
        at += 1
    return at


def _skip_token(text: bytes, at: int) -> int:
    while at < len(text) and text[at] in TOKEN_SET:
        at += 1
    return at


def _skip_quoted(text: bytes, at: int) -> int:
    """Offset after the quoted-string at `at`, or `at` if it is not closed or holds a control (RFC 9110 5.6.4)."""
    position = at + 1
    while position < len(text):
        octet = text[position]
        if octet == 34:
            return position + 1
        if octet == 92:
            position += 1
            if position >= len(text):
                return at
            octet = text[position]
        if (octet < 32 and octet != 9) or octet == 127:
            return at
        position += 1
    return at
