"""A request as filters see it: its head, which they may change, and who sent it. Pure; made only on routes with filters."""

from __future__ import annotations

from tidegate.http1.events import RequestHead
from tidegate.http1.fields import without
from tidegate.http1.lookup import cookie, field


class Ask:
    """`client` is the address the request is attributed to (behind a trusted proxy: the one it claims), `secure` whether
    it came over TLS, `now` monotonic seconds, `at` the next step."""

    __slots__ = ("at", "client", "head", "now", "secure")

    def __init__(self, head: RequestHead, client: bytes, secure: bool, now: float) -> None:
        self.head = head
        self.client = client
        self.secure = secure
        self.now = now
        self.at = 0

    def field(self, name: bytes) -> bytes | None:
        """The first value of a field (lower-case name), None if it is not there."""
        return field(self.head.fields, name)

    def set(self, name: bytes, value: bytes) -> None:
        """Replace all fields of a name by one."""
        self.head.fields = b"%b%b: %b\r\n" % (without(self.head.fields, [name.lower()]), name, value)

    def remove(self, *names: bytes) -> None:
        """Take out all fields of these lower-case names."""
        self.head.fields = without(self.head.fields, list(names))

    def go_to(self, path: bytes) -> None:
        """Forward to another path; the query stays."""
        _, mark, query = self.head.target.partition(b"?")
        self.head.path = path
        self.head.target = path + mark + query

    def key(self, spec: str) -> bytes | None:
        """The value that `spec` names: `all`, `client`, `header:NAME` or `cookie:NAME`; None if the request lacks it."""
        kind, _, name = spec.partition(":")
        if kind == "header":
            return self.field(name.lower().encode())
        if kind == "cookie":
            return cookie(self.head.fields, name.encode())
        return self.client if kind == "client" else b""
