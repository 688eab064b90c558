"""What can go wrong: peer faults (`Reason`), operator faults (`Problem`, `TidegateError`).

Three kinds, never mixed:

* a *peer fault* (a client or a container misbehaves) is expected; it is a `Reason`, mapped once, at the edge, to an
  HTTP status or a DNS rcode, and does not travel as an exception through the hot path;
* an *operator fault* (bad label, bad file, port in use) is a `Problem`: a code, one sentence, the place, the cause, the
  mend, and what was left unchanged. `TidegateError` carries one or more of them;
* our own bugs are ordinary exceptions: they propagate and stop the component.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from msgspec import Struct


class Reason(Enum):
    """Why the router or the DNS server did not give a normal answer: (token for logs, HTTP status, DNS rcode)."""

    BAD_REQUEST = ("bad-request", 400, 1)
    REQUEST_TIMEOUT = ("request-timeout", 408, 2)
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405, 4)
    TARGET_TOO_LONG = ("target-too-long", 414, 1)
    HEADERS_TOO_LARGE = ("headers-too-large", 431, 1)
    BODY_TOO_LARGE = ("body-too-large", 413, 1)
    EXPECTATION_FAILED = ("expectation-failed", 417, 1)
    NOT_IMPLEMENTED = ("not-implemented", 501, 4)
    VERSION_NOT_SUPPORTED = ("version-not-supported", 505, 4)
    UNAUTHORIZED = ("unauthorized", 401, 5)
    FORBIDDEN = ("forbidden", 403, 5)
    RATE_LIMITED = ("rate-limited", 429, 5)
    AUTHORITY_SILENT = ("authority-silent", 503, 2)
    TLS_REQUIRED = ("tls-required", 403, 5)
    MISDIRECTED = ("misdirected", 421, 5)
    NO_ROUTE = ("no-route", 404, 3)
    HOLD_TIMEOUT = ("hold-timeout", 503, 2)
    HOLD_QUEUE_FULL = ("hold-queue-full", 503, 2)
    QUEUE_TIMEOUT = ("queue-timeout", 503, 2)
    MAINTENANCE = ("maintenance", 503, 5)
    CLOSED = ("closed", 503, 5)
    OVERLOADED = ("overloaded", 503, 2)
    NOT_READY = ("not-ready", 503, 2)
    CONNECT_FAILED = ("connect-failed", 502, 2)
    CONNECT_TIMEOUT = ("connect-timeout", 504, 2)
    RESPONSE_TIMEOUT = ("response-timeout", 504, 2)
    DEADLINE = ("deadline", 504, 2)
    BAD_RESPONSE = ("bad-response", 502, 2)
    UPSTREAM_CLOSED = ("upstream-closed", 502, 2)
    RESPONSE_ABORTED = ("response-aborted", 502, 2)
    CLIENT_GONE = ("client-gone", 499, 2)
    IDLE_TIMEOUT = ("idle-timeout", 408, 2)
    INTERNAL = ("internal", 500, 2)

    def __init__(self, token: str, status: int, rcode: int) -> None:
        self.token = token
        self.status = status
        self.rcode = rcode


class Severity(StrEnum):
    """An *error* means the thing at fault was not applied; a *warning* means it was, but probably not as meant."""

    ERROR = "error"
    WARNING = "warning"


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One operator fault, in the same form for CLI, API, logs and dashboard.

    `code` is stable (`T1203`, explained in docs/errors.md and by `tidegate help T1203`); `text` is one sentence;
    `place` is file:line, label or container; `kept` says what was left unchanged.
    """

    code: str
    text: str
    place: str = ""
    cause: str = ""
    mend: str = ""
    kept: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        lines = [f"{self.severity.value}[{self.code}] {self.text}"]
        for label, value in (("at", self.place), ("cause", self.cause), ("fix", self.mend), ("kept", self.kept)):
            if value:
                lines.append(f"  {label:<6}{value}")
        return "\n".join(lines)


class TidegateError(Exception):
    """An operator fault that stops what was asked for; carries every problem found, never just the first."""

    exit_code = 1

    def __init__(self, *problems: Problem) -> None:
        assert problems, "an error without a problem says nothing"
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems: tuple[Problem, ...] = problems

    @property
    def sentence(self) -> str:
        """All problems in one line, each with its cause."""
        return "; ".join(f"{each.text}{f' ({each.cause})' if each.cause else ''}" for each in self.problems)


class ConfigError(TidegateError):
    """Settings or a file that cannot be used."""

    exit_code = 2


class EngineError(TidegateError):
    """What runs containers could not do what was asked."""

    exit_code = 5


class EngineUnreachable(EngineError):
    """The engine does not answer at all: socket missing, refused, timed out, or the stream broke."""


class EngineConflict(EngineError):
    """What was asked does not go with what the engine has at this moment: a name in use, a removal under way."""


class NoSuchThing(TidegateError):
    """A name that nobody knows: container, service, route, release."""

    exit_code = 4


class StoreError(TidegateError):
    """The store cannot read or commit."""

    exit_code = 5


class Conflict(TidegateError):
    """The state changed since it was read; nothing was written."""

    exit_code = 6
