"""Why a name is answered the way it is, for `tidegate resolve`. What is said comes from the answer that was prepared and
from the rules that prepared it (`rrset`); nothing is decided here. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from tidegate.dns import rrset, wire
from tidegate.dns.answer import Answer
from tidegate.dns.match import Match, Place
from tidegate.dns.record import HERE
from tidegate.dns.view import Asker
from tidegate.model import DnsMode, DnsName, DnsTarget
from tidegate.value import Value

_TYPE_NAMES = {number: name for name, number in wire.TYPES.items()}


class Background(Value):
    """What is known outside of the zone: why a target is not ready, by its name; what people call a network, by its id;
    where foreign names are asked; which names look like the one that does not exist."""

    unready: Mapping[str, str] = {}
    networks: Mapping[str, str] = {}
    upstreams: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()


class Told(Value, omit_defaults=False):
    """One target of a name: what this asker is told of it, or why nothing (`reason`). `networks` are those it stands on;
    `share` is the weight of its `version` among all, `weight` its own in its version."""

    name: str
    addresses: tuple[str, ...] = ()
    reason: str = ""
    weight: int = 1
    version: str = ""
    share: int = 100
    networks: tuple[str, ...] = ()


class Line(Value, omit_defaults=False):
    """One record of the answer section, as people write it."""

    name: str
    ttl: int
    type: str
    data: str


class Explanation(Value, omit_defaults=False):
    """What an asker gets for a question and why. `source` is the name's place in words, `zone` the one of ours it lies in,
    `holder` the name of the table behind it. `asker` is an address, `container` who has it, `networks` those it was taken to
    stand on. Names that `is_forwarded` are asked of `upstreams`, and nobody knows their `rcode` before. `ttl` is how long,
    in seconds, the answer may be kept."""

    name: str
    type: str
    rcode: str
    source: str
    answers: tuple[Line, ...] = ()
    ttl: int = 0
    zone: str = ""
    holder: str = ""
    mode: str = ""
    asker: str = ""
    container: str = ""
    networks: tuple[str, ...] = ()
    targets: tuple[Told, ...] = ()
    is_forwarded: bool = False
    upstreams: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()


def explain(
    name: bytes, qtype: int, place: Match, answer: Answer | None, asker: Asker, container: str, background: Background
) -> Explanation:
    """The explanation of an answer; `answer` is None for a foreign name. `container` is who has the asker's address."""
    claim = place.claim
    is_forwarded = answer is None and asker.recursion and qtype != wire.ANY
    first = answer.first.records if answer else ()
    records = (*first, *answer.authority) if answer else ()
    return Explanation(
        name=wire.decode(name),
        type=_type(qtype),
        rcode="" if is_forwarded else wire.RCODES[answer.rcode if answer else wire.REFUSED],
        source=place.place.value,
        answers=tuple(_line(name, record) for record in first),
        ttl=min((_ttl(record) for record in records), default=0),
        zone=wire.decode(place.apex) if place.apex else "",
        holder=claim.name if claim else "",
        mode=claim.mode.value if claim else "",
        asker=str(ipaddress.ip_address(asker.source)),
        container=container,
        networks=_named(asker.networks, background),
        targets=_told(claim, asker, background) if claim else (),
        is_forwarded=is_forwarded,
        upstreams=background.upstreams if is_forwarded else (),
        nearest=background.nearest if place.place is Place.ABSENT else (),
    )


def _line(name: bytes, data: bytes) -> Line:
    """A record of ours, whose owner is the question's name, in words."""
    start = len(HERE)
    rtype = int.from_bytes(data[start : start + 2])
    ttl = int.from_bytes(data[start + 4 : start + 8])
    return Line(name=wire.decode(name), ttl=ttl, type=_type(rtype), data=_rdata(rtype, data[start + 10 :]))


def _ttl(data: bytes) -> int:
    """The TTL of a record of ours, whatever its owner's form."""
    owner = wire.owner_end(data, 0)
    return int.from_bytes(data[owner + 4 : owner + 8])


def _named(networks: Iterable[str], background: Background) -> tuple[str, ...]:
    return tuple(sorted(background.networks.get(network, network) for network in networks))


def _rdata(rtype: int, rdata: bytes) -> str:
    if rtype in (wire.A, wire.AAAA):
        return str(ipaddress.ip_address(rdata))
    if rtype in (wire.PTR, wire.NS, wire.CNAME):
        return wire.decode(rdata)
    if rtype == wire.TXT:
        return _text(rdata)
    if rtype == wire.SRV:
        numbers = (int.from_bytes(rdata[at : at + 2]) for at in (0, 2, 4))
        return " ".join([*map(str, numbers), wire.decode(rdata[6:])])
    if rtype == wire.SOA:
        second = wire.name_end(rdata, 0)
        numbers = (int.from_bytes(rdata[at : at + 4]) for at in range(wire.name_end(rdata, second), len(rdata), 4))
        return " ".join([wire.decode(rdata), wire.decode(rdata[second:]), *map(str, numbers)])
    return rdata.hex()


def _text(rdata: bytes) -> str:
    """The attribute of a TXT record, whose strings are one after the other."""
    parts = []
    while rdata:
        parts.append(rdata[1 : 1 + rdata[0]])
        rdata = rdata[1 + rdata[0] :]
    return b"".join(parts).decode(errors="backslashreplace")


def _type(number: int) -> str:
    return _TYPE_NAMES.get(number, f"TYPE{number}")


def _told(claim: DnsName, asker: Asker, background: Background) -> tuple[Told, ...]:
    told = {id(target): places for target, places in rrset.reachable(rrset.usable(claim), asker)}
    found = []
    for target in claim.targets:
        places = told.get(id(target), [])
        texts = tuple(text for place in places for text in (place.ipv4, place.ipv6) if text)
        if claim.mode is DnsMode.PROXY:
            texts = ()
        found.append(
            Told(
                name=target.name,
                addresses=texts,
                reason=_reason(claim, target, bool(places), background),
                weight=target.weight,
                version=target.version,
                share=target.share,
                networks=_named({place.network for place in target.addresses}, background),
            )
        )
    return tuple(found)


def _reason(claim: DnsName, target: DnsTarget, is_told: bool, background: Background) -> str:
    if claim.mode is DnsMode.PROXY:
        return "the router answers for it"
    if target.external:
        return f"stands for {target.external}"
    if is_told:
        return ""
    if not target.ready:
        return background.unready.get(target.name, "not ready")
    return "weight 0" if min(target.weight, target.share) <= 0 else "no network shared with the asker"
