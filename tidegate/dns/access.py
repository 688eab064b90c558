"""Who is trusted: may have foreign names resolved (RFC 5358) and is not held to a rate. Pure.

Containers and this host are: loopback, the host's own addresses, the subnets of the engines' networks, and engines elsewhere, whose containers come from
their host's address. Until the engines have told their subnets, and where there is no engine, all private ranges count as such.
`dns.clients` names other networks instead. See docs/decisions/0131.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from tidegate.model import LOOPBACK, PRIVATE


class Access:
    """The trusted networks: those of `networks`, or where that is None those that `learn` tells, `also`, and loopback. Raises
    ValueError for a text that is no network."""

    def __init__(self, networks: Sequence[str] | None = None, also: Sequence[str] = ()) -> None:
        self._is_fixed = networks is not None
        self._also = (*LOOPBACK, *also)
        self._own: frozenset[bytes] = frozenset()
        self._prefixes = _prefixes((*self._also, *PRIVATE) if networks is None else networks)

    def learn(self, subnets: Sequence[str]) -> None:
        """Containers are in these subnets; in any private range where there are none."""
        if not self._is_fixed:
            self._prefixes = _prefixes((*self._also, *(subnets or PRIVATE)))

    def stand_at(self, own: frozenset[bytes]) -> bool:
        """Learn the addresses of this host. True if that is news that matters."""
        is_news = own != self._own and not self._is_fixed
        self._own = own
        return is_news

    def trusts(self, source: bytes, local: bytes = b"") -> bool:
        """Is `source`, an address of 4 or 16 octets, in one of the networks? Who has the address that it asks at, `local`, is this
        host."""
        if not self._is_fixed and (source == local or source in self._own):
            return True
        number = int.from_bytes(source)
        return any(number >> shift == prefix for shift, prefix in self._prefixes[len(source)])


def elsewhere(urls: Iterable[str], address: str = "") -> tuple[str, ...]:
    """The addresses that containers of other hosts come from: those in the `urls` of engines, and our node's own `address`. Names
    are not looked up."""
    hosts = [urlsplit(url).hostname or "" for url in urls if not url.startswith("unix:")]
    return tuple(host for host in (*hosts, address) if _is_address(host))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _prefixes(networks: Iterable[str]) -> dict[int, set[tuple[int, int]]]:
    """Per width in octets: how far to shift an address and what must be left of it."""
    found: dict[int, set[tuple[int, int]]] = {4: set(), 16: set()}
    for text in networks:
        network = ipaddress.ip_network(text, strict=False)
        shift = network.max_prefixlen - network.prefixlen
        found[network.max_prefixlen // 8].add((shift, int(network.network_address) >> shift))
    return found
