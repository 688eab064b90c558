"""etcd v3 as its JSON gateway speaks it: bodies of requests, answers, faults, and lines of a stream. Pure.

Bytes are base64; 64-bit numbers come as strings, and zeros are left out; a stream is one JSON document a line, wherever
the chunks of HTTP end. Faults of a stream come as a line of a 200 answer. Fields are named as in `rpc.proto` of etcd 3.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

import msgspec
from msgspec import Struct

MAX_LINE = 1 << 26  # a server sends no more than 4 MiB at once
Body = dict[str, Any]


class Header(Struct):
    """Where an answer comes from. `revision` is the store's as that member knew it."""

    cluster_id: int = 0
    member_id: int = 0
    revision: int = 0


class KeyValue(Struct):
    """One key."""

    key: bytes
    value: bytes = b""
    mod_revision: int = 0
    lease: int = 0


class RangeAnswer(Struct):
    """Keys of a range; `more` where the limit cut them off."""

    header: Header = msgspec.field(default_factory=Header)
    kvs: list[KeyValue] = []
    more: bool = False
    count: int = 0


class OperationAnswer(Struct):
    """One operation of a transaction; only ranges say anything we want."""

    response_range: RangeAnswer | None = None


class TxnAnswer(Struct):
    """Whether the compares held, and what the operations of that branch say."""

    header: Header = msgspec.field(default_factory=Header)
    succeeded: bool = False
    responses: list[OperationAnswer] = []


class LeaseAnswer(Struct):
    """A lease; TTL 0 means it is gone."""

    ID: int = 0
    TTL: int = 0


class StatusAnswer(Struct):
    """One member's word on itself. `leader` 0: it knows of none."""

    version: str = ""
    dbSize: int = 0  # noqa: N815  etcd's name
    leader: int = 0
    errors: list[str] = []


class TokenAnswer(Struct):
    """What a user is known by for a while."""

    token: str = ""


class Event(Struct):
    """One change of a key."""

    kv: KeyValue
    type: str = "PUT"


class WatchAnswer(Struct):
    """Changes, or what becomes of the watch. `fragment`: the next answer belongs to this one."""

    header: Header = msgspec.field(default_factory=Header)
    created: bool = False
    canceled: bool = False
    compact_revision: int = 0
    cancel_reason: str = ""
    fragment: bool = False
    events: list[Event] = []


class Fault(Struct):
    """A gRPC status. `grpc_code` is what 3.4 calls `code` within a stream."""

    code: int = 0
    grpc_code: int = 0
    message: str = ""
    error: str = ""

    @property
    def number(self) -> int:
        """Its gRPC code."""
        return self.grpc_code or self.code

    @property
    def text(self) -> str:
        """What the server says, without what every server says before it."""
        text = self.message or self.error
        return text.rpartition("desc = ")[2].removeprefix("etcdserver: ") or f"gRPC status {self.number}"


class WatchLine(Struct):
    """One line of a watch."""

    result: WatchAnswer | None = None
    error: Fault | None = None


class LeaseLine(Struct):
    """One line of keep-alives."""

    result: LeaseAnswer | None = None
    error: Fault | None = None


class Verdict(Enum):
    """What a fault means for who asked."""

    AGAIN = "again"  # it was surely not carried out
    UNKNOWN = "unknown"  # it may have been
    LOGIN = "login"  # surely not: the token counts no longer
    LARGE = "large"  # the answer would be too large to be sent
    REFUSED = "refused"  # surely not, and never will be


_LOGIN = ("invalid auth token", "user name is empty", "revision of auth store is old", "revision in header is old")
_NOT_DONE = ("no leader", "too many requests", "not leader")


def verdict(fault: Fault) -> Verdict:
    """What a fault of the server means; codes are those of gRPC."""
    if any(words in fault.text for words in _LOGIN):
        return Verdict.LOGIN
    if fault.number == 8 and "larger than max" in fault.text:
        return Verdict.LARGE
    if fault.number in {8, 14} and any(words in fault.text for words in _NOT_DONE):
        return Verdict.AGAIN
    # cancelled, unknown, deadline exceeded, aborted, internal, unavailable
    return Verdict.UNKNOWN if fault.number in {0, 1, 2, 4, 10, 13, 14} else Verdict.REFUSED


def fault_of(status: int, body: bytes) -> Fault:
    """The fault in an answer that is not 200; one of our making where it is no JSON of etcd's."""
    try:
        found = msgspec.json.decode(body, type=Fault, strict=False)
    except msgspec.MsgspecError:
        found = Fault()
    if found.number or found.message:
        return found
    words = " ".join(body[:200].decode(errors="replace").split())
    return Fault(code=16 if status == 401 else 14, message=f"HTTP {status} {words}".strip())


# ------------------------------------------------------------------------------------------------------------ requests


def encode(body: Body) -> bytes:
    """A request's body."""
    return msgspec.json.encode(body)


def span(key: bytes) -> bytes:
    """The end of the range of all keys that begin with `key`: etcd's own rule for prefixes."""
    stem = key.rstrip(b"\xff")
    return stem[:-1] + bytes((stem[-1] + 1,)) if stem else b"\0"


def ranged(key: bytes, end: bytes = b"", *, limit: int = 0, revision: int = 0, newest: int = 0) -> Body:
    """Read a key, or the keys from `key` up to `end`; at `revision`, and none that was changed after `newest`."""
    body: Body = {"key": key}
    for name, value in (("limit", limit), ("revision", revision), ("max_mod_revision", newest)):
        if value:
            body[name] = str(value)
    return body | ({"range_end": end} if end else {})


def put(key: bytes, value: bytes, lease: int = 0) -> Body:
    """An operation that writes a key."""
    return {"request_put": {"key": key, "value": value} | ({"lease": str(lease)} if lease else {})}


def delete(key: bytes, end: bytes = b"") -> Body:
    """An operation that removes a key, or a range."""
    return {"request_delete_range": ranged(key, end)}


def read(body: Body) -> Body:
    """An operation that reads."""
    return {"request_range": body}


def unchanged(key: bytes, revision: int) -> Body:
    """Holds if the key was last written at `revision`; 0: if it does not exist."""
    return {"key": key, "target": "MOD", "result": "EQUAL", "mod_revision": str(revision)}


def none_after(key: bytes, end: bytes, revision: int) -> Body:
    """Holds if no key of the range was written after `revision`; also where there is none."""
    return {
        "key": key,
        "range_end": end,
        "target": "MOD",
        "result": "LESS",
        "mod_revision": str(revision + 1),
    }


def transaction(compares: Iterable[Body], success: Iterable[Body], failure: Iterable[Body]) -> Body:
    """All of `success` if every compare holds, else all of `failure`."""
    return {"compare": list(compares), "success": list(success), "failure": list(failure)}


def watched(key: bytes, start: int) -> Body:
    """Every change of the keys that begin with `key`, from revision `start` on."""
    create = {"key": key, "range_end": span(key), "start_revision": str(start), "fragment": True}
    return {"create_request": create}


# ------------------------------------------------------------------------------------------------------------- streams


class Lines:
    """Whole lines out of pieces of any size."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Sequence[bytes]:
        """The lines that end in `data`. Raises ValueError for one of more than `MAX_LINE` bytes."""
        self._rest += data
        if b"\n" not in data:
            if len(self._rest) > MAX_LINE:
                raise ValueError(f"a line of more than {MAX_LINE} bytes")
            return ()
        *lines, rest = self._rest.split(b"\n")
        self._rest = rest
        return [bytes(line) for line in lines if line.strip()]


_WATCH_LINE = msgspec.json.Decoder(WatchLine, strict=False)
_LEASE_LINE = msgspec.json.Decoder(LeaseLine, strict=False)


def watch_line(line: bytes) -> WatchLine:
    """One line of a watch. Raises ValueError."""
    return _WATCH_LINE.decode(line)


def lease_line(line: bytes) -> LeaseLine:
    """One line of keep-alives. Raises ValueError."""
    return _LEASE_LINE.decode(line)
