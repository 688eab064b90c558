"""What resolv.conf(5) says: where this host asks, and which domains are its own."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from tidegate.model import Nameserver
from tidegate.value import Value

MAX_NAMESERVERS = 8  # the C library reads three


class ResolvConf(Value):
    """`search` are the domains of the host, in the file's order."""

    nameservers: tuple[Nameserver, ...] = ()
    search: tuple[str, ...] = ()


def parse(text: str) -> ResolvConf:
    """What stands in the file; lines that say nothing to us are passed over."""
    nameservers = []
    search: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver" and _is_address(words[1]):
            nameservers.append(Nameserver(host=words[1], port=53))
        elif words[0] in ("search", "domain"):  # the last one wins
            search = tuple(word.rstrip(".").lower() for word in words[1:] if word.strip("."))
    return ResolvConf(nameservers=tuple(nameservers[:MAX_NAMESERVERS]), search=search)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class Watch:
    """Reads the file when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] | None = None  # what told the file's version apart when it was read last

    def changed(self) -> ResolvConf | None:
        """What the file says, if it is not what it was; a file that is gone says nothing new."""
        try:
            status = self._path.stat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
            if seen == self._seen:
                return None
            text = self._path.read_text("utf-8", "replace")
        except OSError:
            return None
        self._seen = seen
        return parse(text)
