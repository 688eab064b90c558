"""Who asks: an asker's address, the networks it stands on, and what it may have.

Networks are known from the addresses of everything the table names. An asker that is one of those stands on all networks
of its instance (source address -> instance -> networks) and on no other. Another asker, a container that is not enabled
say, is taken to stand on the networks whose subnet it is in, as the addresses of their members tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from tidegate.dns import record, wire
from tidegate.model import DnsTarget

_USUAL_BITS = {32: 16, 128: 64}  # of a subnet whose length nobody told: what engines hand out by default


class Asker:
    """One source address as asked on one local address. `view` numbers the (networks, confinement, local) it sees from;
    `is_confined`: it is known to stand on these networks and no other, so addresses elsewhere are of no use to it. `ra` is
    the RA bit as it stands in the header's fourth octet; `stream` means TCP, so no size limit but the framing's; who is
    `limited` may have forged its address and comes through the gate; `lane` is an index of `tally.LANES`."""

    __slots__ = (
        "is_confined",
        "lane",
        "limited",
        "local",
        "networks",
        "protocol",
        "ra",
        "recursion",
        "source",
        "stream",
        "view",
    )

    def __init__(
        self,
        source: bytes,
        local: bytes,
        networks: frozenset[str],
        view: int,
        recursion: bool,
        stream: bool,
        is_confined: bool = False,
        *,
        limited: bool = False,
    ) -> None:
        self.source = source
        self.local = local
        self.networks = networks
        self.view = view
        self.recursion = recursion
        self.ra = 0x80 if recursion else 0
        self.stream = stream
        self.is_confined = is_confined
        self.protocol = "tcp" if stream else "udp"
        self.lane = 2 * stream + (len(source) == 16)
        self.limited = limited


class Networks:
    """Which address stands on which networks. Addresses are 4 or 16 octets; targets come and go with the table."""

    def __init__(self) -> None:
        self._members: dict[bytes, Counter[str]] = {}  # address -> all networks of its instance, with a reference count
        self._subnets: dict[bytes, Counter[str]] = {}  # see `_subnet` -> the networks that have it
        self._bits: dict[int, Counter[int]] = {
            4: Counter(),
            16: Counter(),
        }  # prefix lengths in use, by octets of an address
        self._names: dict[bytes, Counter[str]] = {}  # name of a network in wire form, without the zero -> networks

    def add(self, target: DnsTarget) -> None:
        """Take `target` in; once for each name it stands behind."""
        for address, bits, own, all_of_it in _places(target):
            self._members.setdefault(address, Counter()).update(all_of_it)
            self._subnets.setdefault(_subnet(address, bits), Counter())[own] += 1
            self._bits[len(address)][bits] += 1
        for name, network in _names(target):
            self._names.setdefault(name, Counter())[network] += 1

    def remove(self, target: DnsTarget) -> None:
        """Undo one `add`."""
        for address, bits, own, all_of_it in _places(target):
            _subtract(self._members, address, all_of_it)
            _subtract(self._subnets, _subnet(address, bits), (own,))
            self._bits[len(address)][bits] -= 1
        for name, network in _names(target):
            _subtract(self._names, name, (network,))

    @property
    def named(self) -> Mapping[bytes, Collection[str]]:
        """The networks of each name, in wire form without the final zero."""
        return self._names

    def is_member(self, source: bytes) -> bool:
        """Is `source` an address of something the table names?"""
        return source in self._members

    def of(self, source: bytes) -> frozenset[str]:
        """The networks an asker at `source` stands on, as far as is known."""
        found = self._members.get(source) or self._neighbours(source)
        return frozenset(found) if found else frozenset()

    def _neighbours(self, source: bytes) -> Counter[str] | None:
        """The networks of the narrowest subnet that `source` is in."""
        used = sorted((bits for bits, count in self._bits[len(source)].items() if count), reverse=True)
        return next((found for bits in used if (found := self._subnets.get(_subnet(source, bits)))), None)


def _places(target: DnsTarget) -> list[tuple[bytes, int, str, list[str]]]:
    """Where `target` stands. Who asks from a routable address, or one of the host, may reach more than the table knows."""
    places = [place for place in target.addresses if not place.routable and not target.on_host]
    networks = [place.network for place in places]
    found = []
    for place in places:
        for text, bits in ((place.ipv4, place.ipv4_bits), (place.ipv6, place.ipv6_bits)):
            address = record.packed(text) if text else b""
            if address:
                size = len(address) * 8
                found.append((address, bits if 0 < bits <= size else _USUAL_BITS[size], place.network, networks))
    return found


def _names(target: DnsTarget) -> list[tuple[bytes, str]]:
    places = ((_relative(place.name), place.network) for place in target.addresses)
    return [(name, network) for name, network in places if name]


@lru_cache(maxsize=1024)
def _relative(name: str) -> bytes:
    """The wire form without the final zero; empty for a name that the DNS cannot carry, so that nobody asks for it."""
    try:
        return wire.encode(name)[:-1]
    except ValueError:
        return b""


def _subnet(address: bytes, bits: int) -> bytes:
    """The subnet of `address` with a prefix of so many bits, as a key: size, bits, the prefix as a number."""
    size = len(address) * 8
    return bytes((size, bits)) + (int.from_bytes(address, "big") >> (size - bits)).to_bytes(16, "big")


def _subtract(index: dict[bytes, Counter[str]], key: bytes, networks: Iterable[str]) -> None:
    counter = index[key]
    counter.subtract(networks)
    left = +counter
    if left:
        index[key] = left
    else:
        del index[key]
