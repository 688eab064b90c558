"""Who is it: HTTP basic authentication (RFC 7617), and an authority asked elsewhere. Pure.

A bcrypt digest costs tens of milliseconds, so it is verified at the edge, and what was right is remembered by a keyed
digest of the credentials. A wrong user costs the same as a wrong password.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode

from tidegate.errors import Reason
from tidegate.http1.characters import VALUE
from tidegate.policy import BasicAuth, ForwardAuth
from tidegate.router.filters.answer import Answer, AskAuthority, Question, Reply, VerifyPassword, refusal
from tidegate.router.filters.ask import Ask

_REMEMBERED = 4096
_NOBODY = b"$2b$10$C6UzMDM.H6dfI/f/IKcEeO7ZPnBnn6hQUeVE5e3mD1ksQfiOo5pXi"  # of no password


class BasicAuthStep:
    """401 without right credentials. The container does not get to see them; it gets the user's name as X-Remote-User."""

    def __init__(self, auth: BasicAuth, secret: bytes) -> None:
        self._users = {name.encode(): digest.encode() for name, digest in auth.users}
        self._challenge = b'WWW-Authenticate: Basic realm="%b", charset="UTF-8"\r\n' % auth.realm.encode()
        self._secret = secret
        self._known: dict[bytes, None] = {}

    def on_request(self, ask: Ask) -> Answer | Question | None:
        """None for credentials known to be right, a question for unknown ones."""
        ask.remove(b"x-remote-user")
        user, password = _credentials(ask)
        if not user:
            return self._refused()
        digest = self._users.get(user, _NOBODY)
        if digest.startswith(b"{SHA256}"):
            given = b"{SHA256}" + hashlib.sha256(password).hexdigest().encode()
            return self.conclude(ask, hmac.compare_digest(given, digest.lower().replace(b"{sha256}", b"{SHA256}")))
        if self._remembrance(user, password) in self._known:
            return self.conclude(ask, outcome=True)
        return VerifyPassword(password=password, digest=digest)

    def conclude(self, ask: Ask, outcome: object) -> Answer | None:
        """The outcome of the verification: None lets the request pass."""
        if outcome is None:
            return refusal(Reason.AUTHORITY_SILENT)
        user, password = _credentials(ask)
        if outcome is not True or user not in self._users:
            return self._refused()
        if len(self._known) >= _REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[self._remembrance(user, password)] = None
        ask.remove(b"authorization")
        ask.set(b"X-Remote-User", user)
        return None

    def _remembrance(self, user: bytes, password: bytes) -> bytes:
        return hmac.digest(self._secret, b"%d:%b%b" % (len(user), user, password), "sha256")

    def _refused(self) -> Answer:
        return refusal(Reason.UNAUTHORIZED, self._challenge)


def _credentials(ask: Ask) -> tuple[bytes, bytes]:
    """User and password of the Authorization field; both empty if there are none that can be read."""
    scheme, _, text = (ask.field(b"authorization") or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return b"", b""
    try:
        user, colon, password = b64decode(text.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    sound = colon and user and all(VALUE[octet] for octet in user) and user == user.strip(b" \t")
    return (user, password) if sound else (b"", b"")


_NOT_PASSED = frozenset(
    {"connection", "content-length", "transfer-encoding", "keep-alive", "trailer", "upgrade", "te", "date", "server"}
)


class ForwardAuthStep:
    """The authority sees method, target, host and the client's fields; 2xx lets the request pass, anything else is the
    client's answer, and silence refuses (503)."""

    def __init__(self, auth: ForwardAuth) -> None:
        self._url = auth.url
        self._timeout = auth.timeout_seconds
        self._copy = [name.lower() for name in auth.copy_headers]

    def on_request(self, ask: Ask) -> Question:
        """The question; what the client claims in the fields that the authority sets is taken out."""
        ask.remove(*(name.encode() for name in self._copy))
        head = ask.head
        proto = b"https" if ask.secure else b"http"
        told = (
            b"X-Forwarded-Method: %b\r\nX-Forwarded-Uri: %b\r\nX-Forwarded-Host: %b\r\nX-Forwarded-Proto: %b\r\n"
            b"X-Forwarded-For: %b\r\n" % (head.method, head.target, head.authority, proto, ask.client)
        )
        return AskAuthority(url=self._url, lines=head.fields + told, timeout_seconds=self._timeout)

    def conclude(self, ask: Ask, outcome: object) -> Answer | None:
        """What the authority said."""
        if not isinstance(outcome, Reply):
            return refusal(Reason.AUTHORITY_SILENT)
        if 200 <= outcome.status < 300:
            for name, value in outcome.headers:
                if name.lower() in self._copy:
                    ask.set(name.encode(), value.encode("latin-1"))
            return None
        lines = b"".join(
            f"{name}: {value}\r\n".encode("latin-1")
            for name, value in outcome.headers
            if name.lower() not in _NOT_PASSED
        )
        return Answer(status=outcome.status, lines=lines, body=outcome.body, reason=Reason.UNAUTHORIZED)
