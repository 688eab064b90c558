"""Kinds of values that stand in a message or are compared with what does: methods, header fields, users. Pure."""

from __future__ import annotations

import re

from tidegate.policy import PROTECTED_FIELDS
from tidegate.settings.fault import Fault, shown
from tidegate.settings.kinds import Kind, pattern

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,127}")  # RFC 9110 section 5.6.2
_METHOD = re.compile(r"[A-Za-z][A-Za-z_-]{0,31}")
_HASH = re.compile(r"\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}|\{SHA256\}[0-9a-f]{64}")
_USER = re.compile(r"[!-+\--9;-~]{1,64}")  # visible, without comma and colon
_OURS = PROTECTED_FIELDS | {"host", "via"}


def token() -> Kind:
    """A cookie's name, or another HTTP token."""
    return pattern(_TOKEN, "a token", "use letters, digits, '_' and '-'", "token")


def hash_key(*more: str) -> Kind:
    """What tells clients apart: `client`, `header:NAME`, `cookie:NAME`."""
    plain = ("client", *more)

    def read(text: str) -> str | Fault:
        if text.lower() in plain:
            return text.lower()
        where, _, word = text.partition(":")
        if where.lower() in ("header", "cookie") and _TOKEN.fullmatch(word):
            return f"header:{word.lower()}" if where.lower() == "header" else f"cookie:{word}"
        return Fault(f"{shown(text)} is not a key", f"write {', '.join(plain)}, header:NAME or cookie:NAME")

    words = ", ".join(f"`{word}`" for word in (*plain, "header:NAME", "cookie:NAME"))
    return Kind(read=read, show=str, words=words, schema={"type": "string"})


def user() -> Kind:
    """`name:hash`, with bcrypt or `{SHA256}` and hex digits; never a password in plain."""

    def read(text: str) -> tuple[str, str] | Fault:
        who, _, secret = text.partition(":")
        if not _USER.fullmatch(who):
            return Fault("a user is not name:hash", "write name, a colon, and the hash of the password")
        if not _HASH.fullmatch(secret):  # the secret itself is never repeated in a message
            return Fault(
                f"the password of user {shown(who)} is not a hash",
                "use bcrypt as `htpasswd -nB` makes it ($ doubled in Compose files), or {SHA256} and hex digits",
            )
        return who, secret

    return Kind(read=read, show=":".join, words="name:hash", schema={"type": "string"})


def method() -> Kind:
    """An HTTP method, made upper-case."""

    def read(text: str) -> str | Fault:
        good = _METHOD.fullmatch(text)
        return text.upper() if good else Fault(f"{shown(text)} is not a method", "for example GET")

    return Kind(read=read, show=str, words="method", schema={"type": "string"})


def field_name() -> Kind:
    """A header field's name, made lower-case."""

    def read(text: str) -> str | Fault:
        good = _TOKEN.fullmatch(text)
        return text.lower() if good else Fault(f"{shown(text)} is not a header name", "use letters, digits and -")

    return Kind(read=read, show=str, words="header", schema={"type": "string"})


def edited_name() -> Kind:
    """The name of a header that may be changed: not those that frame a message, name its host, or say who the client is."""
    kind = field_name()

    def read(text: str) -> str | Fault:
        value: str | Fault = kind.read(text)
        if isinstance(value, str) and (value in _OURS or value.startswith("x-forwarded-")):
            return Fault(f"header {value} is the router's own", "leave it to the router")
        return value

    return Kind(read=read, show=str, words="header", schema={"type": "string"})


def media_type() -> Kind:
    """A media type without parameters: `text/html`, `text/*`."""

    def read(text: str) -> str | Fault:
        main, slash, sub = text.lower().partition("/")
        good = slash and _TOKEN.fullmatch(main) and _TOKEN.fullmatch(sub)
        return text.lower() if good else Fault(f"{shown(text)} is not a media type", "for example text/html")

    return Kind(read=read, show=str, words="media type", schema={"type": "string"})
