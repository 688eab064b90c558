"""Framing of DNS over TCP: messages behind a length of two octets (RFC 1035 4.2.2), sans-io."""

from __future__ import annotations


class Framing:
    """Cuts a byte stream into messages. `is_partial` says that a message has begun and not ended."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def is_partial(self) -> bool:
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes] | None:
        """The messages that `data` completes, in order; None if a length is below a header's: the stream is lost."""
        self._buffer += data
        messages = []
        position = 0
        size = len(self._buffer)
        while size - position >= 2:
            length = self._buffer[position] << 8 | self._buffer[position + 1]
            if length < 12:
                return None
            if size - position - 2 < length:
                break
            messages.append(bytes(self._buffer[position + 2 : position + 2 + length]))
            position += 2 + length
        del self._buffer[:position]
        return messages


def framed(message: bytes) -> bytes:
    """A message behind its length, in one piece so that it goes in one segment (RFC 7766 8)."""
    return len(message).to_bytes(2) + message
