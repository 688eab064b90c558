"""The kinds of values a setting can take: how each is read from text and written back. Pure.

`read` takes stripped text and gives the value or a Fault; `show` gives the canonical text, which reads as the same value.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from tidegate.policy import PROTECTED_FIELDS
from tidegate.settings.fault import Fault, meant, shown
from tidegate.settings.values import read_flag, read_whole

MAX_ITEMS = 64
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_SIZE = re.compile(r"([0-9]{1,15}) ?(|[kmgt]i?b|b)", re.IGNORECASE)
_UNITS = ("", "KiB", "MiB", "GiB", "TiB")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,127}")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\t -~]{0,4096}")  # RFC 9110 section 5.5 without obs-text
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9_.~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+)+/?|/")
_ORIGIN = re.compile(r"https?://(?:\*\.)?([a-z0-9.-]{1,253})(?::([0-9]{1,5}))?")
_URL = re.compile(r"https?://(\[[0-9a-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?(/[!-~]{0,1024})?")
_SERVICE = re.compile(
    r"(?P<key>(?:[A-Za-z0-9][A-Za-z0-9_.-]{0,62}/)?[A-Za-z0-9][A-Za-z0-9_.-]{0,62})(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_METHOD = re.compile(r"[A-Za-z][A-Za-z_-]{0,31}")
_HASH = re.compile(r"\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}|\{SHA256\}[0-9a-f]{64}")
_USER = re.compile(r"[!-+\--9;-~]{1,64}")  # visible, without comma and colon


_OURS = PROTECTED_FIELDS | {"host", "via"}


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of value. `words` say what is taken, for people; `schema` for machines (JSON Schema of one value)."""

    read: Callable[[str], Any]
    show: Callable[[Any], str]
    words: str
    schema: dict[str, Any]


def flag() -> Kind:
    """`true` or `false`."""
    return Kind(
        read=read_flag,
        show=lambda value: "true" if value else "false",
        words="`true`, `false`",
        schema={"type": "boolean"},
    )


def whole(low: int, high: int) -> Kind:
    """A whole number."""
    return Kind(
        read=lambda text: read_whole(text, low, high),
        show=str,
        words=f"{low}..{high}",
        schema={"type": "integer", "minimum": low, "maximum": high},
    )


def decimal(low: float, high: float) -> Kind:
    """A decimal number with at most six places."""

    def read(text: str) -> float | Fault:
        value = float(text) if text.isascii() and _DECIMAL.fullmatch(text) else math.nan
        fault = Fault(f"{shown(text)} is not a number from {low:g} to {high:g}", "write a plain number, such as 2.5")
        return value if low <= value <= high else fault

    return Kind(
        read=read,
        show=lambda value: f"{value:.6f}".rstrip("0").rstrip("."),
        words=f"{low:g}..{high:g}",
        schema={"type": "number", "minimum": low, "maximum": high},
    )


def size(high: int) -> Kind:
    """Bytes, with or without a unit: `4096`, `10MiB`, `10MB` (a million)."""

    def read(text: str) -> int | Fault:
        match = _SIZE.fullmatch(text) if text.isascii() else None
        value = int(match[1]) * _factor(match[2].lower()) if match else -1
        fault = Fault(
            f"{shown(text)} is not a size up to {_sized(high)}", "write bytes, or a number with KiB, MiB, GiB"
        )
        return value if 0 <= value <= high else fault

    return Kind(read=read, show=_sized, words=f"size up to {_sized(high)}", schema={"type": ["integer", "string"]})


def _factor(unit: str) -> int:
    if unit in ("", "b"):
        return 1
    power = "kmgt".index(unit[0]) + 1
    return int(1024**power if unit[1] == "i" else 1000**power)


def _sized(value: int) -> str:
    power = 0
    while value and value % 1024 == 0 and power < len(_UNITS) - 1:
        value, power = value // 1024, power + 1
    return f"{value}{_UNITS[power]}"


def choice(*words: str, make: Callable[[str], Any] = str) -> Kind:
    """One of a few words."""

    def read(text: str) -> Any:
        word = text.lower()
        return make(word) if word in words else Fault(f"{shown(text)} is not a choice", meant(word, words))

    return Kind(read=read, show=str, words=", ".join(f"`{word}`" for word in words), schema={"enum": list(words)})


def status(*codes: int) -> Kind:
    """One of a few HTTP status codes."""
    words = ", ".join(map(str, codes))

    def read(text: str) -> int | Fault:
        return int(text) if text in {str(code) for code in codes} else Fault(f"{shown(text)} is none of {words}", words)

    return Kind(read=read, show=str, words=words, schema={"enum": list(codes)})


def _pattern(pattern: re.Pattern[str], what: str, mend: str, words: str) -> Kind:
    """Text that matches a pattern as a whole."""

    def read(text: str) -> str | Fault:
        return text if pattern.fullmatch(text) else Fault(f"{shown(text)} is not {what}", mend)

    return Kind(read=read, show=str, words=words, schema={"type": "string"})


def name() -> Kind:
    """The name of something that the program's own configuration holds; never a path."""
    return _pattern(_NAME, "a name", "use letters, digits, '.', '_' and '-', at most 63", "name")


def host() -> Kind:
    """A host name, made lower-case."""

    def read(text: str) -> str | Fault:
        word = text.lower()
        good = len(word) <= 253 and _HOST.fullmatch(word)
        return word if good else Fault(f"{shown(text)} is not a host name", "write a name without scheme and port")

    return Kind(read=read, show=str, words="host name", schema={"type": "string"})


def path() -> Kind:
    """An absolute path without query, `.` and `..`."""

    def read(text: str) -> str | Fault:
        segments = text.split("/")
        good = len(text) <= 1024 and _PATH.fullmatch(text) and "." not in segments and ".." not in segments
        return text if good else Fault(f"{shown(text)} is not a path", "start with / and use URL characters, no query")

    return Kind(read=read, show=str, words="path", schema={"type": "string"})


def token() -> Kind:
    """A cookie's name, or another HTTP token."""
    return _pattern(_TOKEN, "a token", "use letters, digits, '_' and '-'", "token")


def line(limit: int = 4096) -> Kind:
    """Printable ASCII on one line, not empty."""

    def read(text: str) -> str | Fault:
        good = 0 < len(text) <= limit and _VALUE.fullmatch(text)
        return text if good else Fault(f"{shown(text)} is not a line of plain text", "use printable ASCII, not empty")

    return Kind(read=read, show=str, words="text", schema={"type": "string"})


def quoted(limit: int = 127) -> Kind:
    """As `line`, without quotes and backslashes, so that it can stand in a quoted string (RFC 9110 section 5.6.4)."""
    kind = line(limit)

    def read(text: str) -> str | Fault:
        if '"' in text or "\\" in text:
            return Fault(f"{shown(text)} has a quote or a backslash", "leave it out")
        value: str | Fault = kind.read(text)
        return value

    return Kind(read=read, show=str, words="text", schema={"type": "string"})


def page(limit: int = 65536) -> Kind:
    """The text of a page; the only kind that may have several lines."""

    def read(text: str) -> str | Fault:
        bad = next((char for char in text if (char < " " and char not in "\n\t") or char == "\x7f"), "")
        if bad:
            return Fault(f"the page holds the control character {bad!a}", "take it out")
        good = 0 < len(text) <= limit and not any("\ud800" <= char <= "\udfff" for char in text)
        return text if good else Fault(f"a page has 1 to {limit} characters", "write plain text or HTML")

    return Kind(read=read, show=str, words="text or HTML", schema={"type": "string"})


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


def url() -> Kind:
    """An HTTP URL without user and fragment."""

    def read(text: str) -> str | Fault:
        match = _URL.fullmatch(text) if "#" not in text else None
        if match is None or (match[2] and not 1 <= int(match[2]) <= 65535):
            return Fault(f"{shown(text)} is not an HTTP URL", "write http://host[:port][/path]")
        return text

    return Kind(read=read, show=str, words="URL", schema={"type": "string"})


class Asked(Struct, frozen=True, kw_only=True):
    """A service of ours and what to ask of it. `key` without a project means the asker's own; port 0 its first one."""

    key: str
    port: int
    path: str


def asked(text: str) -> Asked | None:
    """`[PROJECT/]NAME[:PORT]:/PATH` taken apart: a path begins behind `:/`, since names may have a slash themselves."""
    name, _, path = text.partition(":/")
    match = _SERVICE.fullmatch(name)
    port = int(match["port"] or 0) if match else 65536
    if match is None or port > 65535 or "#" in path or path.startswith("/") or not re.fullmatch(r"[!-~]{0,1024}", path):
        return None
    return Asked(key=match["key"], port=port, path="/" + path)


def service(*, own: bool) -> Kind:
    """A service of ours to be asked: `auth`, `auth:4181`; with `own` only one of the asker's project."""

    def read(text: str) -> str | Fault:
        found = asked(text)
        if found is None or (own and "/" in found.key):
            name = "NAME" if own else "[PROJECT/]NAME"
            return Fault(f"{shown(text)} is not a service", f"write {name}[:PORT][:/PATH]")
        return text

    words = "`NAME[:PORT][:/PATH]`" if own else "`[PROJECT/]NAME[:PORT][:/PATH]`"
    return Kind(read=read, show=str, words=words, schema={"type": "string"})


def several(item: Kind, what: str) -> Kind:
    """A list with commas between its items, each one at most once; order is kept."""

    def read(text: str) -> tuple[Any, ...] | Fault:
        parts = [part.strip() for part in text.split(",")]
        if not text or len(parts) > MAX_ITEMS:
            return Fault(f"{shown(text)} is not a list of 1 to {MAX_ITEMS} {what}", "put commas between the items")
        values = [item.read(part) for part in parts]
        fault = next((value for value in values if isinstance(value, Fault)), None)
        return tuple(dict.fromkeys(values)) if fault is None else fault

    def show(values: Iterable[Any]) -> str:
        return ", ".join(map(item.show, values))

    schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": item.schema}]}
    return Kind(read=read, show=show, words=f"{what}, with commas", schema=schema)


def network() -> Kind:
    """An IP address or network: `10.0.0.0/8`, `fd00::/8`, `192.0.2.1`."""

    def read(text: str) -> str | Fault:
        try:
            return str(ipaddress.ip_network("" if "%" in text else text))  # a scope means something on one host only
        except ValueError:
            return Fault(f"{shown(text)} is not a network", _network_mend(text))

    return Kind(read=read, show=str, words="network", schema={"type": "string"})


def _network_mend(text: str) -> str:
    try:
        return f"did you mean {ipaddress.ip_network(text, strict=False)}?"
    except ValueError:
        return "write an address or a network, such as 10.0.0.0/8"


def origin() -> Kind:
    """An origin that may read answers: `https://app.example.org`, `https://*.example.org`, `*`."""

    def read(text: str) -> str | Fault:
        word = text.lower()
        match = _ORIGIN.fullmatch(word)
        good = match is not None and _HOST.fullmatch(match[1]) and (not match[2] or 1 <= int(match[2]) <= 65535)
        mend = "write scheme://host[:port], scheme://*.suffix, or * for all"
        return word if word == "*" or good else Fault(f"{shown(text)} is not an origin", mend)

    return Kind(read=read, show=str, words="origin", schema={"type": "string"})


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
