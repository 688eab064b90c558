"""Kinds of values that say where something is: hosts, paths, URLs, networks, services of ours. Pure."""

from __future__ import annotations

import ipaddress
import re

from msgspec import Struct

from tidegate.settings.fault import Fault, shown
from tidegate.settings.kinds import Kind

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9_.~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+)+/?|/")
_ORIGIN = re.compile(r"https?://(?:\*\.)?([a-z0-9.-]{1,253})(?::([0-9]{1,5}))?")
_URL = re.compile(r"https?://(\[[0-9a-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?(/[!-~]{0,1024})?")
_SERVICE = re.compile(
    r"(?P<key>(?:[A-Za-z0-9][A-Za-z0-9_.-]{0,62}/)?[A-Za-z0-9][A-Za-z0-9_.-]{0,62})(?::(?P<port>[1-9][0-9]{0,4}))?"
)


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
