"""What is kept of one exchange only where the settings ask for it: request id, trace, header lines for the log."""

from __future__ import annotations

from typing import Any


class Notes:
    """`fields` are the header lines as they are forwarded, each ended by CRLF; `span` is the `trace.Trace` it is part of.

    `log_part` is what the default record adds for it, inside its JSON strings; `told` a field line that the answer gets."""

    __slots__ = ("fields", "log_part", "protocol", "request_id", "span", "told", "trace_id")

    def __init__(self, fields: bytes, protocol: bytes) -> None:
        self.fields = fields
        self.protocol = protocol
        self.request_id = b""
        self.trace_id = b""
        self.span: Any = None
        self.log_part = b""
        self.told = b""

    def header(self, name: bytes) -> bytes:
        """The value of the first field of that lower-case name, or nothing."""
        found, _ = taken(self.fields, name)
        return found[0] if found else b""

    def seal(self) -> None:
        """Ids are known: say them in the default record."""
        part = b""
        if self.request_id:
            part += b'","request_id":"' + self.request_id
        if self.trace_id:
            part += b'","trace_id":"' + self.trace_id
        self.log_part = part


def taken(fields: bytes, name: bytes) -> tuple[list[bytes], bytes]:
    """The values of a field (lower-case name) in order, and the lines without it. Cheap where there is none."""
    lower = fields.lower()
    mark = name + b":"
    values: list[bytes] = []
    kept: list[bytes] = []
    start = at = 0
    while (at := lower.find(mark, at)) >= 0:
        if at and lower[at - 1 : at] != b"\n":
            at += len(mark)
            continue
        end = lower.index(b"\r\n", at) + 2
        values.append(fields[at + len(mark) : end].strip(b" \t\r\n"))
        kept.append(fields[start:at])
        start = at = end
    if not values:
        return values, fields
    kept.append(fields[start:])
    return values, b"".join(kept)
