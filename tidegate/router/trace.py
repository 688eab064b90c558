"""W3C trace context: which trace a request belongs to, and what is told to the container. Pure.

https://www.w3.org/TR/trace-context/ sections 3.2 to 3.4: a `traceparent` that is not sound, or is there twice, is as if it
were not there, and its `tracestate` goes with it; a `tracestate` that is not sound is dropped alone. Randomness is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tidegate.router.notes import taken

_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_ZERO_TRACE = b"0" * 32
_ZERO_SPAN = b"0" * 16
# Section 3.3.1.3: keys of the first and the second edition, values of printable ASCII without comma and equals sign.
_MEMBER = re.compile(
    rb"(?:[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}|[a-z0-9][a-z0-9_*/-]{0,255})"
    rb"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_MAX_MEMBERS = 32


class Trace:
    """Our part of one trace; ids are lower-case hexadecimal. `parent_id` is empty where the trace begins with us."""

    __slots__ = ("parent_id", "sampled", "span_id", "state", "trace_id")

    def __init__(self, trace_id: bytes, span_id: bytes, parent_id: bytes, state: bytes, *, sampled: bool) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_id = parent_id
        self.state = state
        self.sampled = sampled


class Tracer:
    """Decides per request. `bits(n)` gives n random bits, `chance()` a number from 0 to 1; `sample` is the share of the
    traces begun here that are recorded. Who came with a trace is recorded as that says (parent-based sampling)."""

    def __init__(self, sample: float, bits: Callable[[int], int], chance: Callable[[], float]) -> None:
        self._sample = sample
        self._bits = bits
        self._chance = chance

    def begin(self, fields: bytes) -> tuple[Trace, bytes]:
        """The trace of a request with these header lines, and the lines to forward.

        A trace that is not recorded is passed on as it came: we are not part of it."""
        parents, rest = taken(fields, b"traceparent")
        parent = parse(parents[0]) if len(parents) == 1 else None
        if parent is None:
            return self._new(rest)
        states, bare = taken(rest, b"tracestate")
        trace_id, parent_id, sampled = parent
        state = joined(states)
        if not sampled:
            trace = Trace(trace_id, parent_id, parent_id, state, sampled=False)
            return trace, fields if state or not states else bare + b"traceparent: " + parents[0] + b"\r\n"
        trace = Trace(trace_id, self._id(64), parent_id, state, sampled=True)
        return trace, bare + head_lines(trace)

    def _new(self, fields: bytes) -> tuple[Trace, bytes]:
        _, bare = taken(fields, b"tracestate")
        sampled = self._sample >= 1.0 or (self._sample > 0.0 and self._chance() < self._sample)
        trace = Trace(self._id(128), self._id(64), b"", b"", sampled=sampled)
        return trace, bare + head_lines(trace)

    def _id(self, bits: int) -> bytes:
        value = self._bits(bits) or 1  # all zeros is no id
        return b"%0*x" % (bits // 4, value)


def parse(value: bytes) -> tuple[bytes, bytes, bool] | None:
    """Trace id, parent id and the sampled flag of a `traceparent`; None if it is not sound (section 3.2.2)."""
    match = _PARENT.fullmatch(value)
    if match is None or match[1] == b"ff" or match[2] == _ZERO_TRACE or match[3] == _ZERO_SPAN:
        return None
    if match[1] == b"00" and match[5] is not None:
        return None
    return match[2], match[3], bool(int(match[4], 16) & 1)


def joined(values: list[bytes]) -> bytes:
    """The `tracestate` of these field values as one list; empty if it is not sound (section 3.3.1)."""
    members = [member for value in values for each in value.split(b",") if (member := each.strip(b" \t"))]
    keys = {member.partition(b"=")[0] for member in members}
    if len(members) > _MAX_MEMBERS or len(keys) < len(members):
        return b""
    return b",".join(members) if all(_MEMBER.fullmatch(member) for member in members) else b""


def head_lines(trace: Trace) -> bytes:
    """The header lines that tell the container its parent."""
    lines = b"traceparent: 00-%b-%b-0%d\r\n" % (trace.trace_id, trace.span_id, trace.sampled)
    return lines + b"tracestate: %b\r\n" % trace.state if trace.state else lines
