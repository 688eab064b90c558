"""The addresses of this host, of which any may be the source of what it asks.

Who asks a bridge's gateway from the host itself, a container on the host's network say, is rewritten by the engine's masquerading on
the way through the loopback interface, and comes from the host's first address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc/net")


def addresses(proc: Path = PROC) -> frozenset[bytes]:
    """All of them, as 4 or 16 octets; none where the system does not tell in Linux' way. Costs a read of the routes."""
    return frozenset((*_ipv4(_text(proc / "fib_trie")), *_ipv6(_text(proc / "if_inet6"))))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _ipv4(trie: str) -> Iterator[bytes]:
    """A leaf is a line `|-- ADDRESS`; what is ours has `/32 host LOCAL` behind it."""
    leaf = ""
    for line in trie.splitlines():
        if "|-- " in line:
            leaf = line.rpartition(" ")[2]
        elif line.endswith("/32 host LOCAL"):
            yield ipaddress.IPv4Address(leaf).packed


def _ipv6(table: str) -> Iterator[bytes]:
    """The first field is an address in 32 digits."""
    for line in table.splitlines():
        yield bytes.fromhex(line[:32])
