"""Single fields, cookies and query parameters of a head, looked up in its bytes when a route asks for them.

Pure. Works on the kept field lines of a head (`RequestHead.fields`): each `Name: value` or `Name:value`, ended by CRLF.
Names are given in lower case. Not used by routes that need none of it.
"""

from __future__ import annotations

from collections.abc import Iterator


def field(lines: bytes, name: bytes) -> bytes | None:
    """The value of the first field of that name; None if there is none."""
    return next(fields(lines, name), None)


def fields(lines: bytes, name: bytes) -> Iterator[bytes]:
    """The values of all fields of that name, in order."""
    lowered = b"\r\n" + lines.lower()  # two octets longer: an offset in it is one of the value's line in `lines`
    key = b"\r\n" + name + b":"
    at = lowered.find(key)
    while at >= 0:
        start = at + len(key) - 2
        end = lines.index(b"\r\n", start)
        yield lines[start:end].strip(b" \t")
        at = lowered.find(key, end)


def cookie(lines: bytes, name: bytes) -> bytes | None:
    """The value of the first cookie of that name (RFC 6265 section 4.2; case counts), without quotes; None if absent."""
    for line in fields(lines, b"cookie"):
        for pair in line.split(b";"):
            key, equals, value = pair.strip(b" \t").partition(b"=")
            if equals and key == name:
                return value[1:-1] if len(value) >= 2 and value[:1] == value[-1:] == b'"' else value
    return None


def parameter(target: bytes, name: bytes) -> bytes | None:
    """The value of the first query parameter of that name, as it stands (nothing is decoded); None if absent."""
    for pair in target.partition(b"?")[2].split(b"&"):
        key, _, value = pair.partition(b"=")
        if key == name:
            return value
    return None
