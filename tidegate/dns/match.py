"""HOT: where a question's name ends up: one of our names, a name we deny, or nobody's business of ours.

Order: names of the table exactly; service names (`_80._tcp.web`); our own name server; names on a network (`web.front`); wildcards; what our zones lack;
names the RFCs reserve; names without a dot. What is left is foreign.
"""

from __future__ import annotations

from enum import Enum

from tidegate.dns import record, special, wire
from tidegate.dns.scoped import NamedNetworks, is_network, scoped
from tidegate.dns.special import apex_above, is_dotless
from tidegate.dns.tree import Node, Tree
from tidegate.model import DnsMode, DnsName

_LOCALHOST = frozenset([special.LOCALHOST])
_LOOPBACK_REVERSE = special.LOOPBACK_REVERSE
_ABSENT_APEXES = special.ABSENT_APEXES
_PORT_NAMES = {b"_http": 80, b"_https": 443}


class Place(Enum):
    """What a name is to us. EMPTY exists without data of its own; ABSENT does not exist and that is ours to say."""

    NAME = "a name of the table"
    SERVICE = "a port of a name of the table"
    WILDCARD = "covered by a wildcard of the table"
    POINTER = "an address of the table"
    APEX = "the top of a zone of ours"
    SERVER = "this name server"
    EMPTY = "no data of its own, but names below it"
    LOOPBACK = "this host (RFC 6761)"
    ABSENT = "no such name"
    NOT_READY = "not known yet: the first table has not come"
    FOREIGN = "not ours"


_FOREIGN = Place.FOREIGN


class Match:
    """A name's place. `node` and `claim` say who stands behind it, `port` which port of it; `apex` is the zone of ours
    it lies in (empty outside of them), `denial` the owner of the SOA record a negative answer carries."""

    __slots__ = ("apex", "claim", "denial", "node", "place", "port")

    def __init__(self, place: Place, apex: bytes, node: Node | None = None, port: int = 0) -> None:
        self.place = place
        self.apex = apex
        self.node = node
        self.claim: DnsName | None = node.claim if node else None
        self.port = port
        # Outside of our zones each name we hold is the top of a zone of its own, so the SOA's owner is the question.
        self.denial = apex or record.HERE

    @property
    def is_claimed(self) -> bool:
        """Does what stands behind `claim` decide what is answered here?"""
        return self.claim is not None and self.place in (Place.NAME, Place.SERVICE, Place.WILDCARD)

    @property
    def alias(self) -> bytes:
        """The name outside that the name here stands for; empty where it has addresses of its own, or nothing."""
        if self.claim is None or self.place is not Place.NAME:
            return b""
        if any(target.addresses or target.on_host for target in self.claim.targets):
            return b""  # a CNAME record stands alone (RFC 2181 10.1), and containers go before what is elsewhere
        return next((wire.encode(target.external) for target in self.claim.targets if target.external), b"")

    @property
    def ttl(self) -> int:
        """Seconds that what the claim says may be kept."""
        return self.claim.ttl_seconds if self.claim is not None else 0


def find(tree: Tree, apexes: frozenset[bytes], name: bytes, qtype: int, networks: NamedNetworks | None = None) -> Match:
    """The place of `name`, lower case in wire form. `apexes` are all zones of ours, reverse zones included; `networks` are
    those that names may be on."""
    apex = apex_above(name, apexes)
    node = tree.nodes.get(name)
    if node is not None:
        return _held(node, name, apex, apexes)
    found = _service(tree, name, apex) or _builtin(name, apex) or _scoped(tree, networks, name, apex)
    if found is not None:
        return found
    wildcard = tree.wildcard(name)
    if wildcard is not None:
        return Match(Place.WILDCARD, apex, wildcard)
    return _unheld(name, qtype, apex)


def is_local(name: bytes, apexes: frozenset[bytes]) -> bool:
    """Must `name` never be asked elsewhere, whatever the table says?"""
    return bool(apex_above(name, apexes)) or is_dotless(name)


def ports(claim: DnsName | None) -> set[int]:
    """The ports a name has SRV records for; none where the router stands in for the containers."""
    if claim is None or claim.mode is DnsMode.PROXY:
        return set()
    return {port for target in claim.targets for port in target.ports}


def is_portless(claim: DnsName | None) -> bool:
    """Are there containers behind a name, and none of them takes anything? Then every service of it is said to be none."""
    if claim is None or claim.mode is DnsMode.PROXY or not claim.targets:
        return False
    return not any(target.ports or target.external for target in claim.targets)


def _held(node: Node, name: bytes, apex: bytes, apexes: frozenset[bytes]) -> Match:
    if name in apexes:
        return Match(Place.APEX, apex, node)
    if node.claims:
        return Match(Place.NAME, apex, node)
    return Match(Place.POINTER if node.pointers else Place.EMPTY, apex, node)


def _service(tree: Tree, name: bytes, apex: bytes) -> Match | None:
    """`_port._tcp.<name>` and the empty `_tcp.<name>` above it, for names that give out addresses."""
    first = name[1 : name[0] + 1]
    rest = name[name[0] + 1 :]
    if first == b"_tcp" and rest in tree.nodes:
        node = tree.nodes[rest]
        return Match(Place.EMPTY, apex, node) if ports(node.claim) or is_portless(node.claim) else None
    if not first.startswith(b"_") or not rest.startswith(b"\x04_tcp"):
        return None
    base = tree.nodes.get(rest[5:])
    port = _PORT_NAMES.get(first) or (int(first[1:]) if first[1:].isdigit() and len(first) <= 6 else 0)
    if base is None:
        return None
    if port in ports(base.claim) or (port and is_portless(base.claim)):
        return Match(Place.SERVICE, apex, base, port)
    if is_dotless(base.name):  # not to be asked of strangers, as little as the name itself
        return _absent(base.name)
    return None


def _scoped(tree: Tree, networks: NamedNetworks | None, name: bytes, apex: bytes) -> Match | None:
    if networks is None:
        return None
    found = scoped(tree, networks, name, apex)
    if found is not None:
        match = Match(Place.NAME, apex, found[0])
        match.claim = found[1]
        return match
    return Match(Place.EMPTY, apex) if is_network(networks, name, apex) else None


def _builtin(name: bytes, apex: bytes) -> Match | None:
    if apex and name == record.server_name(apex):
        return Match(Place.SERVER, apex)
    if name in _LOOPBACK_REVERSE or (name.endswith(special.LOCALHOST) and apex_above(name, _LOCALHOST)):
        return Match(Place.LOOPBACK, apex)
    return None


def _unheld(name: bytes, qtype: int, apex: bytes) -> Match:
    if apex:
        return Match(Place.ABSENT, apex)
    reserved = apex_above(name, _ABSENT_APEXES)
    if reserved:
        return _absent(reserved)
    if is_dotless(name) and qtype not in special.INFRASTRUCTURE:
        return _absent(b"\0")
    return Match(_FOREIGN, b"")


def _absent(denial: bytes) -> Match:
    """Not there, though it is in none of our zones: `denial` is the name we deny for."""
    found = Match(Place.ABSENT, b"")
    found.denial = denial
    return found
