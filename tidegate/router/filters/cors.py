"""Cross-origin resource sharing, as the Fetch standard has it: preflights are answered here, answers get our fields. Pure."""

from __future__ import annotations

from tidegate.errors import Reason
from tidegate.http1.fields import without
from tidegate.http1.lookup import field
from tidegate.policy import Cors
from tidegate.router.filters.answer import Answer, refusal
from tidegate.router.filters.ask import Ask

_OURS = [
    b"access-control-allow-origin",
    b"access-control-allow-credentials",
    b"access-control-expose-headers",
]


class CorsStep:
    """Origins are compared as bytes; `https://*.example.org` takes exactly one more label."""

    def __init__(self, cors: Cors) -> None:
        self._any = "*" in cors.origins
        self._exact = frozenset(origin.encode() for origin in cors.origins if "*" not in origin)
        wild = [origin.encode().partition(b"*") for origin in cors.origins if "*." in origin]
        self._wild = [(scheme, suffix) for scheme, _, suffix in wild]
        self._credentials = cors.credentials
        methods = ", ".join(cors.methods).encode()
        self._preflight = b"Access-Control-Allow-Methods: %b\r\nAccess-Control-Max-Age: %d\r\n" % (
            methods,
            cors.max_age_seconds,
        )
        if cors.headers:
            self._preflight += b"Access-Control-Allow-Headers: %b\r\n" % ", ".join(cors.headers).encode()
        expose = ", ".join(cors.expose).encode()
        self._expose = b"Access-Control-Expose-Headers: %b\r\n" % expose if expose else b""

    def on_request(self, ask: Ask) -> Answer | None:
        """The answer to a preflight, or None."""
        if ask.head.method != b"OPTIONS" or ask.field(b"access-control-request-method") is None:
            return None
        origin = ask.field(b"origin")
        if origin is None:
            return None
        lines = self._allowance(origin)
        if not lines:
            return refusal(Reason.FORBIDDEN, b"Vary: Origin\r\n")
        return Answer(status=204, lines=lines + self._preflight + b"Vary: Origin\r\n")

    def edited(self, lines: bytes, request: bytes) -> bytes:
        """An answer's lines with our word on sharing in place of the container's; `request` are the request's lines."""
        origin = field(request, b"origin")
        lines = without(lines, _OURS) + b"Vary: Origin\r\n"
        allowance = self._allowance(origin) if origin is not None else b""
        return lines + allowance + self._expose if allowance else lines

    def _allowance(self, origin: bytes) -> bytes:
        if not (self._any or origin in self._exact or self._is_wild(origin)):
            return b""
        named = origin if self._credentials or not self._any else b"*"
        credentials = b"Access-Control-Allow-Credentials: true\r\n" if self._credentials else b""
        return b"Access-Control-Allow-Origin: %b\r\n%b" % (named, credentials)

    def _is_wild(self, origin: bytes) -> bool:
        return any(
            origin.startswith(scheme) and origin.endswith(suffix) and b"." not in origin[len(scheme) : -len(suffix)]
            for scheme, suffix in self._wild
            if len(origin) > len(scheme) + len(suffix)
        )
