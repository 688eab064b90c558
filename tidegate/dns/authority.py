"""What we say about a name once its place is known: the records, their orders, and the denials of our zones."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.dns import record, rrset, special, wire
from tidegate.dns.answer import Answer, Orders, failure, negative, positive
from tidegate.dns.chain import Chain, renamed
from tidegate.dns.match import Match, Place, is_portless
from tidegate.dns.tally import Tallies, Tally
from tidegate.dns.view import Asker
from tidegate.model import DnsMode, DnsName

_UNREADY_TTL = 1  # seconds a "none is ready yet" may be cached
_LOOPBACK = (b"\x7f\0\0\1", b"\0" * 15 + b"\1")


class Authority:
    """Prepares answers for the zone `domain` and the reverse zones in `apexes`."""

    def __init__(self, domain: str, ttl_seconds: int, apexes: frozenset[bytes]) -> None:
        self.apex = wire.encode(domain)
        self._domain = domain
        self._ttl = ttl_seconds
        self._apexes = apexes
        self._version = 0
        self.tallies = Tallies()
        self._denials: dict[tuple[bytes, str, int, int], Answer] = {}

    def prepare(self, place: Match, name: bytes, qtype: int, asker: Asker) -> Answer:
        """The answer to a question whose name has this place; never called for a foreign one."""
        if place.place is Place.NOT_READY:
            return failure(self.tally(qtype, wire.SERVFAIL), wire.EDE_NOT_READY)
        if place.place is Place.ABSENT:
            return self._denial(place, qtype, wire.NXDOMAIN, self._ttl)
        if qtype == wire.ANY:
            return positive(self.tally(qtype, wire.NOERROR), Orders([[record.minimal_any(record.HERE, self._ttl)]]))
        if place.is_claimed and place.claim is not None and not rrset.is_visible(place.claim, asker):
            # as if it were not there, like Docker's own DNS; a search list then goes on to the next suffix (musl)
            return self._denial(place, qtype, wire.NXDOMAIN, self._ttl)
        orders, additional = self._data(place, name, qtype, asker)
        if orders is not None:
            return positive(self.tally(qtype, wire.NOERROR), orders, additional)
        waiting = place.claim is not None and place.claim.mode is not DnsMode.PROXY and not rrset.usable(place.claim)
        return self._denial(place, qtype, wire.NOERROR, min(_UNREADY_TTL, self._ttl) if waiting else self._ttl)

    def _data(self, place: Match, name: bytes, qtype: int, asker: Asker) -> tuple[Orders | None, list[bytes]]:
        """The records of type `qtype` in the orders they are given in, and the glue; None where there are none."""
        if place.place is Place.SERVICE:
            return self._services(place, asker) if qtype == wire.SRV else (None, [])
        claim = None if place.place is Place.EMPTY else place.claim
        if claim is not None and not place.alias and claim.mode is not DnsMode.PROXY and _width(qtype):
            return _addresses(claim, asker, _width(qtype)), []
        records = self._single(place, name, qtype, asker)
        return (Orders([records]) if records else None), []

    def _single(self, place: Match, name: bytes, qtype: int, asker: Asker) -> list[bytes]:
        """The records of what is always told in the same order."""
        if place.place is Place.APEX and qtype in (wire.SOA, wire.NS):
            return [self._apex_record(place.apex, qtype)]
        if place.place is Place.LOOPBACK:
            return self._loopback(name, qtype)
        if place.place is Place.SERVER:
            return self._own_address(asker, qtype, self._ttl)
        if qtype == wire.PTR and place.node is not None and place.node.pointers:
            targets = [owner for canonical in place.node.pointers if (owner := self._own_name(canonical))]
            return [record.record(record.HERE, wire.PTR, self._ttl, target) for target in targets]
        if place.place is Place.EMPTY or place.claim is None:
            return []
        if place.alias:
            return [record.record(record.HERE, wire.CNAME, place.ttl, place.alias)]
        if qtype == wire.TXT:
            return _texts(place.claim, asker)
        return self._own_address(asker, qtype, place.claim.ttl_seconds)

    def chained(self, chain: Chain, qtype: int, end: Answer | None) -> Answer:
        """The answer to a question about an alias: the records of `chain`, then those of `end`; SERVFAIL for a broken one."""
        if chain.is_broken:
            return failure(self.tally(qtype, wire.SERVFAIL), wire.EDE_OTHER)
        if end is None:
            return positive(self.tally(qtype, wire.NOERROR), Orders([chain.links]))
        records = [*chain.links, *renamed(end.next().records, chain.name)]
        answer = positive(self.tally(qtype, end.rcode), Orders([records]))
        answer.authority = tuple(renamed(end.authority, chain.name))
        return answer

    def _own_name(self, canonical: str) -> bytes:
        """A target's own name below the zone; empty if it has none that the DNS can carry."""
        try:
            return wire.encode(self.full(canonical)) if canonical else b""
        except ValueError:  # told as T1801 where the name itself stands in the table
            return b""

    def _apex_record(self, apex: bytes, qtype: int) -> bytes:
        if qtype == wire.NS:
            return record.record(record.HERE, wire.NS, self._ttl, record.server_name(apex))
        return record.start_of_authority(record.HERE, self._ttl, apex, self._serial(apex), self._ttl)

    def _loopback(self, name: bytes, qtype: int) -> list[bytes]:
        if name in special.LOOPBACK_REVERSE:
            rdata = special.LOCALHOST if qtype == wire.PTR else b""
            return [record.record(record.HERE, wire.PTR, self._ttl, rdata)] if rdata else []
        return [record.address(record.HERE, self._ttl, a) for a in _LOOPBACK if len(a) == _width(qtype)]

    def _own_address(self, asker: Asker, qtype: int, ttl: int) -> list[bytes]:
        """The address the asker reached us at: the router listens there too."""
        if len(asker.local) != _width(qtype):
            return []
        return [record.address(record.HERE, ttl, asker.local)]

    def _services(self, place: Match, asker: Asker) -> tuple[Orders | None, list[bytes]]:
        """SRV records of all usable targets that have the port, and their addresses."""
        assert place.claim is not None, "only a claimed name has ports"
        claim = place.claim
        if is_portless(claim):  # decidedly not available (RFC 2782), so that nobody tries its addresses instead
            return Orders([[record.service(record.HERE, claim.ttl_seconds, 0, 0, b"\0")]]), []
        targets = [target for target in rrset.usable(claim) if place.port in target.ports]
        versions = rrset.by_version(rrset.reachable(targets, asker))
        records: dict[bytes, None] = {}
        glue: dict[bytes, None] = {}
        for (target, places), weight in rrset.in_one_scale(versions):
            owner = self._own_name(target.name) or wire.encode(claim.name if claim.absolute else self.full(claim.name))
            records[record.service(record.HERE, claim.ttl_seconds, weight, place.port, owner)] = None
            for address in rrset.addresses(places, 4) + rrset.addresses(places, 16):
                glue[record.address(owner, claim.ttl_seconds, address)] = None
        return (Orders([list(records)]), list(glue)) if records else (None, [])

    def _denial(self, place: Match, qtype: int, rcode: int, ttl: int) -> Answer:
        """NODATA or NXDOMAIN; one object per zone, kind, code and TTL, shared by all names that need it."""
        tally = self.tally(qtype, rcode)
        key = (place.denial, tally.kind, rcode, ttl)
        found = self._denials.get(key)
        if found is None:
            found = self._denials[key] = negative(tally, self._denial_soa(place.denial, ttl))
        return found

    def _denial_soa(self, owner: bytes, ttl: int) -> bytes:
        apex = owner if owner in self._apexes else self.apex
        return record.start_of_authority(owner, ttl, apex, self._serial(owner), ttl)

    def _serial(self, apex: bytes) -> int:
        """The table's version for the zone of service names; the other zones are not of a kind anybody transfers."""
        return self._version if apex == self.apex else 1

    def tally(self, qtype: int, rcode: int) -> Tally:
        """The count that answers of this kind go to."""
        return self.tallies.of(qtype, rcode)

    def full(self, name: str) -> str:
        """A name relative to the zone, in full."""
        return f"{name}.{self._domain}"

    def renew(self, version: int) -> None:
        """Let the zone's SOA records tell the table's version, also those in denials already prepared."""
        self._version = version
        for (owner, _, _, ttl), denial in self._denials.items():
            if owner == self.apex:
                fresh = negative(denial.tally, self._denial_soa(owner, ttl))
                denial.variants = fresh.variants
                denial.authority = fresh.authority


def _addresses(claim: DnsName, asker: Asker, width: int) -> Orders | None:
    """The sets of A or AAAA records to give in turn."""
    told = rrset.reachable(rrset.usable(claim), asker)
    if claim.mode is DnsMode.ONE:
        able = [(target, places) for target, places in told if rrset.addresses(places, width)]
        each = rrset.in_one_scale(rrset.by_version(able))
        weighed = [(weight, _records(claim, [member], width)[:1]) for member, weight in each]
    else:
        versions = rrset.by_version(told)
        weighed = [(share, found) for share, members in versions if (found := _records(claim, members, width))]
    if not weighed:
        return None
    return Orders([records for _, records in weighed], rrset.weighted_order([weight for weight, _ in weighed]))


def _records(claim: DnsName, members: Iterable[rrset.Told], width: int) -> list[bytes]:
    found = rrset.addresses([place for _, places in members for place in places], width)
    return record.addresses(record.HERE, claim.ttl_seconds, found)


def _texts(claim: DnsName, asker: Asker) -> list[bytes]:
    """One TXT record for each attribute of what the asker is told of; replicas mostly say the same."""
    told = rrset.reachable(rrset.usable(claim), asker)
    texts = dict.fromkeys(text for target, _ in told for text in target.texts)
    return [record.text(record.HERE, claim.ttl_seconds, text) for text in texts]


def _width(qtype: int) -> int:
    return {wire.A: 4, wire.AAAA: 16}.get(qtype, 0)
