"""Who is trusted: may have foreign names resolved (RFC 5358) and is not held to a rate. Pure.

By default loopback and the private ranges, which container networks are cut from; `dns.clients` names other networks instead.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

CONTAINERS = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
    "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip


class Access:
    """The trusted networks. Raises ValueError for a text that is no network."""

    def __init__(self, networks: Sequence[str] = CONTAINERS) -> None:
        parsed = [ipaddress.ip_network(text) for text in networks]
        # Per width in octets: how far to shift an address and what must be left of it.
        self._prefixes = {
            width: {
                (network.max_prefixlen - network.prefixlen, int(network.network_address) >> _host_bits(network))
                for network in parsed
                if network.max_prefixlen == width * 8
            }
            for width in (4, 16)
        }

    def trusts(self, source: bytes) -> bool:
        """Is `source`, an address of 4 or 16 octets, in one of the networks?"""
        number = int.from_bytes(source)
        return any(number >> shift == prefix for shift, prefix in self._prefixes[len(source)])


def _host_bits(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> int:
    return network.max_prefixlen - network.prefixlen
