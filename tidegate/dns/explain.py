"""Why a name is answered the way it is, for `tidegate resolve`."""

from __future__ import annotations

import ipaddress

from tidegate.dns import rrset, wire
from tidegate.dns.answer import Answer
from tidegate.dns.match import Match, Place
from tidegate.dns.record import HERE
from tidegate.dns.view import Asker
from tidegate.model import DnsMode, DnsName, DnsTarget
from tidegate.value import Value

_TYPE_NAMES = {number: name for name, number in wire.TYPES.items()}


class Told(Value):
    """One target of a name: what this asker is told of it, or why nothing (`reason`)."""

    name: str
    addresses: tuple[str, ...] = ()
    reason: str = ""


class Line(Value):
    """One record of the answer section, as people write it."""

    name: str
    ttl: int
    type: str
    data: str


class Explanation(Value):
    """What an asker gets for a question and why. `source` is the name's place in words, `holder` the name of the table
    behind it, `networks` those the asker was taken to stand on. `is_forwarded` names are asked elsewhere."""

    name: str
    type: str
    rcode: str
    source: str
    answers: tuple[Line, ...] = ()
    holder: str = ""
    mode: str = ""
    networks: tuple[str, ...] = ()
    targets: tuple[Told, ...] = ()
    is_forwarded: bool = False


def explain(name: bytes, qtype: int, place: Match, answer: Answer | None, asker: Asker) -> Explanation:
    """The explanation of an answer; `answer` is None for a foreign name."""
    claim = place.claim
    return Explanation(
        name=wire.decode(name),
        type=_type(qtype),
        rcode=wire.RCODES[answer.rcode if answer else wire.NOERROR],
        source=place.place.value,
        answers=tuple(_line(name, record) for record in answer.variants[0].records) if answer else (),
        holder=claim.name if claim else "",
        mode=claim.mode.value if claim else "",
        networks=tuple(sorted(asker.networks)),
        targets=_told(claim, asker) if claim else (),
        is_forwarded=place.place is Place.FOREIGN,
    )


def _line(name: bytes, data: bytes) -> Line:
    """A record of ours, whose owner is the question's name, in words."""
    start = len(HERE)
    rtype = int.from_bytes(data[start : start + 2])
    ttl = int.from_bytes(data[start + 4 : start + 8])
    return Line(name=wire.decode(name), ttl=ttl, type=_type(rtype), data=_rdata(rtype, data[start + 10 :]))


def _rdata(rtype: int, rdata: bytes) -> str:
    if rtype in (wire.A, wire.AAAA):
        return str(ipaddress.ip_address(rdata))
    if rtype in (wire.PTR, wire.NS, wire.CNAME):
        return wire.decode(rdata)
    if rtype == wire.SRV:
        numbers = (int.from_bytes(rdata[at : at + 2]) for at in (0, 2, 4))
        return " ".join([*map(str, numbers), wire.decode(rdata[6:])])
    if rtype == wire.SOA:
        second = wire.name_end(rdata, 0)
        numbers = (int.from_bytes(rdata[at : at + 4]) for at in range(wire.name_end(rdata, second), len(rdata), 4))
        return " ".join([wire.decode(rdata), wire.decode(rdata[second:]), *map(str, numbers)])
    return rdata.hex()


def _type(number: int) -> str:
    return _TYPE_NAMES.get(number, f"TYPE{number}")


def _told(claim: DnsName, asker: Asker) -> tuple[Told, ...]:
    told = {id(target): places for target, places in rrset.reachable(rrset.usable(claim), asker)}
    found = []
    for target in claim.targets:
        places = told.get(id(target), [])
        texts = tuple(text for place in places for text in (place.ipv4, place.ipv6) if text)
        if claim.mode is DnsMode.PROXY:
            texts = ()
        found.append(Told(name=target.name, addresses=texts, reason=_reason(claim, target, bool(places))))
    return tuple(found)


def _reason(claim: DnsName, target: DnsTarget, is_told: bool) -> str:
    if claim.mode is DnsMode.PROXY:
        return "the router answers for it"
    if target.external:
        return f"stands for {target.external}"
    if is_told:
        return ""
    if not target.ready:
        return "not ready"
    return "weight 0" if min(target.weight, target.share) <= 0 else "no network shared with the asker"
