"""What a filter answers instead of the container, and what it must ask outside before it knows. Pure."""

from __future__ import annotations

from tidegate.errors import Reason
from tidegate.value import Value


class Answer(Value, frozen=True):
    """A whole answer but for framing and persistence, which the connection adds. `lines` are canonical field lines.

    `reason` is what the log says; None for an answer that is no refusal (a redirect, a preflight).
    """

    status: int
    lines: bytes = b""
    body: bytes = b""
    reason: Reason | None = None


def refusal(reason: Reason, lines: bytes = b"") -> Answer:
    """The refusal of `reason` with more field lines; its text is that of every answer for this reason."""
    return Answer(status=reason.status, lines=lines, reason=reason)


class VerifyPassword(Value, frozen=True):
    """Does `password` belong to `digest` (bcrypt)? Costs tens of milliseconds. The outcome is a bool."""

    password: bytes
    digest: bytes


class AskAuthority(Value, frozen=True):
    """Send a GET with these field lines to `url`. The outcome is a `Reply`, or None if there was none in time."""

    url: str
    lines: bytes
    timeout_seconds: float


class Reply(Value, frozen=True):
    """What an authority answered: `headers` in order, names as sent; `body` is capped."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


Question = VerifyPassword | AskAuthority
