"""Fields added, set and removed on requests and answers. Pure.

Names and values are checked where the policy is read; fields that decide framing, routing and hop-by-hop matters can
never be touched (`tidegate.policy.PROTECTED_FIELDS`).
"""

from __future__ import annotations

from tidegate.http1.fields import without
from tidegate.policy import HeaderEdits
from tidegate.router.filters.ask import Ask


class HeaderStep:
    """Remove, then set, then add."""

    def __init__(self, edits: HeaderEdits) -> None:
        gone = (*edits.remove, *(name for name, _ in edits.set))
        self._gone = [name.lower().encode() for name in gone]
        self._lines = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in (*edits.set, *edits.add))

    def on_request(self, ask: Ask) -> None:
        """Edit the request's lines."""
        ask.head.fields = self.edited(ask.head.fields)

    def edited(self, lines: bytes) -> bytes:
        """`lines` after the edits."""
        return (without(lines, self._gone) if self._gone else lines) + self._lines
