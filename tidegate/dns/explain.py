"""Why a name is answered the way it is, for `tidegate resolve`."""

from __future__ import annotations

from tidegate.dns import rrset, wire
from tidegate.dns.answer import Answer
from tidegate.dns.match import Match, Place
from tidegate.dns.view import Asker
from tidegate.model import DnsMode, DnsName, DnsTarget, Value


class Told(Value):
    """One target of a name: what this asker is told of it, or why nothing (`reason`)."""

    name: str
    addresses: tuple[str, ...] = ()
    reason: str = ""


class Explanation(Value):
    """What `asker` gets for a question and why. `place` is the name's place in words, `holder` the name of the table
    behind it, `networks` those the asker was taken to stand on. `is_forwarded` names are asked elsewhere."""

    name: str
    qtype: int
    rcode: int
    place: str
    holder: str = ""
    mode: str = ""
    ttl_seconds: int = 0
    records: int = 0
    networks: tuple[str, ...] = ()
    targets: tuple[Told, ...] = ()
    is_forwarded: bool = False


def explain(name: bytes, qtype: int, place: Match, answer: Answer | None, asker: Asker) -> Explanation:
    """The explanation of an answer; `answer` is None for a foreign name."""
    claim = place.claim
    return Explanation(
        name=wire.decode(name),
        qtype=qtype,
        rcode=answer.rcode if answer else wire.NOERROR,
        place=place.place.value,
        holder=claim.name if claim else "",
        mode=claim.mode.value if claim else "",
        ttl_seconds=claim.ttl_seconds if claim else 0,
        records=len(answer.variants[0].records) if answer else 0,
        networks=tuple(sorted(asker.networks)),
        targets=_told(claim, asker) if claim else (),
        is_forwarded=place.place is Place.FOREIGN,
    )


def _told(claim: DnsName, asker: Asker) -> tuple[Told, ...]:
    told = {id(target): places for target, places in rrset.reachable(rrset.usable(claim), asker.networks)}
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
    if is_told:
        return ""
    if not target.ready:
        return "not ready"
    return "weight 0" if target.weight <= 0 else "no network shared with the asker"
