"""A strict RFC 9112 reader: whatever it refuses, two servers might read in two ways. And a lenient one for answers."""

from __future__ import annotations

import re
from typing import NamedTuple

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
BAD_VALUE = re.compile(rb"[\x00\r\n]")  # other controls: RFC 9110 section 5.5 lets a recipient keep them
BAD_EXTENSION = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
LENGTH = re.compile(r"(0|[1-9][0-9]{0,17})\Z")
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;(.*))?\Z", re.DOTALL)
BARE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")


class Ambiguous(Exception):
    """Octets that a strict reader refuses."""


class Read(NamedTuple):
    """A request as the strict reader understands it; field names are lower-case."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    body: bytes
    length: int | None
    chunked: bool
    extended: bool

    @property
    def host(self):
        return next((value for name, value in self.headers if name == "host"), None)


def read_fields(block):
    fields = []
    for line in block.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name):
            raise Ambiguous(f"field line {line[:60]!r}")
        if BAD_VALUE.search(value):
            raise Ambiguous(f"control in the value of {name!r}: {value[:60]!r}")
        fields.append((name.decode().lower(), value.strip(b" \t").decode("latin-1")))
    return fields


def read_framing(fields):
    lengths = [value for name, value in fields if name == "content-length"]
    encodings = [value for name, value in fields if name == "transfer-encoding"]
    if len(lengths) + len(encodings) > 1:
        raise Ambiguous(f"more than one framing field: {lengths} {encodings}")
    if lengths and not LENGTH.match(lengths[0]):
        raise Ambiguous(f"Content-Length {lengths[0][:40]!r}")
    if encodings and encodings[0].lower() != "chunked":
        raise Ambiguous(f"Transfer-Encoding {encodings[0][:40]!r}")
    return (int(lengths[0]) if lengths else None), bool(encodings)


def read_chunked(data, at):
    """(body, offset after it, whether there were extensions), or None if more is needed."""
    body, extended = b"", False
    while True:
        end = data.find(b"\n", at)
        if end < 0:
            return None
        line = data[at : end - 1]
        match = SIZE_LINE.match(line)
        if data[end - 1 : end] != b"\r" or not match:
            raise Ambiguous(f"chunk size line {data[at:end][:40]!r}")
        if match.group(2) is not None:
            extended = True
            if BAD_EXTENSION.search(match.group(2)):
                raise Ambiguous("control in a chunk extension")
        size, at = int(match.group(1), 16), end + 1
        if size == 0:
            break
        if len(data) < at + size + 2:
            return None
        body += data[at : at + size]
        if data[at + size : at + size + 2] != b"\r\n":
            raise Ambiguous("chunk data not ended by CRLF")
        at += size + 2
    while (end := data.find(b"\r\n", at)) >= 0:
        if end == at:
            return body, at + 2, extended
        read_fields(data[at:end])
        at = end + 2
    return None


def read_request(data):
    """(request, offset after it), or None if more is needed."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if re.search(rb"(?<!\r)\n", data):
            raise Ambiguous(f"bare LF: {data[:80]!r}")
        return None
    head = data[:end]
    if BARE_END.search(head) or re.search(rb"\r\n[ \t]", head):
        raise Ambiguous(f"bare CR, bare LF or fold: {head[:80]!r}")
    line, _, block = head.partition(b"\r\n")
    words = line.split(b" ")
    sound = len(words) == 3 and TOKEN.match(words[0]) and re.match(rb"[\x21-\x7e\x80-\xff]+\Z", words[1])
    if not sound or not re.match(rb"HTTP/1\.[01]\Z", words[2]):
        raise Ambiguous(f"request line {line[:80]!r}")
    fields = read_fields(block)
    if sum(name == "host" for name, _ in fields) != 1:
        raise Ambiguous("not one Host")
    length, chunked = read_framing(fields)
    at, body, extended = end + 4, b"", False
    if chunked:
        found = read_chunked(data, at)
        if found is None:
            return None
        body, at, extended = found
    else:
        if len(data) < at + (length or 0):
            return None
        body = data[at : at + (length or 0)]
        at += length or 0
    method, target, version = (word.decode("latin-1") for word in words)
    return Read(method, target, version[-3:], fields, body, length, chunked, extended), at


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def names(self):
        return {name for name, _ in self.headers}


WHOLE, CUT, BY_CLOSE = "whole", "cut", "by close"


def read_answers(data, heads=()):
    """What a client got: (answers, octets after them, how the last one ended). `heads`: which were asked by HEAD."""
    answers, at, finals = [], 0, 0
    while match := re.match(rb"HTTP/\d\.\d (\d{3})[^\r\n]*\r?\n", data[at:]):
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            break
        lines = (line.partition(b":") for line in data[at:end].split(b"\r\n")[1:])
        fields = [(name.decode("latin-1").strip().lower(), value.strip().decode("latin-1")) for name, _, value in lines]
        status, at = int(match.group(1)), end + 4
        if status < 200:
            answers.append(Answer(status, fields, b""))
            if status == 101:
                break
            continue
        bodiless = status in (204, 304) or (finals < len(heads) and heads[finals])
        finals += 1
        body, at, ending = (b"", at, WHOLE) if bodiless else _body(data, at, dict(fields))
        answers.append(Answer(status, fields, body))
        if ending is not WHOLE:
            return answers, b"", ending
    return answers, data[at:], WHOLE


def _body(data, at, fields):
    if "chunked" in fields.get("transfer-encoding", "").lower():
        try:
            found = read_chunked(data, at)
        except Ambiguous:
            found = None
        return (found[0], found[1], WHOLE) if found else (data[at:], len(data), CUT)
    if fields.get("content-length", "").isdigit():
        size = int(fields["content-length"])
        body = data[at : at + size]
        return body, at + size, WHOLE if len(body) == size else CUT
    return data[at:], len(data), BY_CLOSE
