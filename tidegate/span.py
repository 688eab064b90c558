"""What is recorded of one request in a trace: the value that the router makes and `tracing` sends."""

from __future__ import annotations

from tidegate.value import Value

Attribute = tuple[str, str | int | float]


class Span(Value, frozen=True):
    """One recorded server span. Ids are lower-case hexadecimal (`parent_id` may be empty), times Unix nanoseconds."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    state: bytes
    name: str
    start_ns: int
    end_ns: int
    failed: bool
    attributes: tuple[Attribute, ...]
