"""What the DNS tests share: tables of names, queries and readable answers, made with dnspython as the other opinion."""

from __future__ import annotations

from itertools import chain

import dns.flags
import dns.message
import dns.rdatatype

from tidegate.dns import wire
from tidegate.dns.record import packed
from tidegate.dns.zone import Zone
from tidegate.model import DnsName, DnsTarget, NetworkAddress
from tidegate.routing import Delta, RoutingTable

_MAX_TURNS = 256  # an answer with more variants is not on the sheet
LOCAL = packed("10.9.0.1")
STRANGER = packed("198.51.100.7")


def place(network, ipv4="", ipv6="", **more):
    return NetworkAddress(network=network, name=network, ipv4=ipv4, ipv6=ipv6, **more)


def target(name, *addresses, ports=(), **more):
    """A target on network `a`, or wherever `addresses` say."""
    places = tuple(a if isinstance(a, NetworkAddress) else place("a", **_family(a)) for a in addresses)
    return DnsTarget(name=name, addresses=places, ports=tuple(ports), **more)


def name(text, *targets, **more):
    return DnsName(name=text, targets=tuple(targets), **more)


def key(entry):
    return entry.name + "." if entry.absolute else entry.name


def table(*names, version=1):
    return RoutingTable(version=version, names={key(entry): entry for entry in names})


def publish(zone, *names):
    """Apply the next table, which holds exactly `names`."""
    zone.apply(table(*names, version=zone.version + 1), Delta(base=-1, version=zone.version + 1))


def zone_of(*names, domain="mesh.test", ttl=5):
    zone = Zone(domain, ttl)
    publish(zone, *names)
    return zone


def ask(zone, qname, qtype="A", *, source=STRANGER, local=LOCAL, stream=False, **more):
    """The parsed answer to a question, None for a foreign name. Asks twice; both ways must say the same."""
    query = dns.message.make_query(qname, qtype, use_edns=more.pop("use_edns", False), **more)
    return ask_wire(zone, query.to_wire(), source=source, local=local, stream=stream)


def ask_wire(zone, query, *, source=STRANGER, local=LOCAL, stream=False):
    asker = zone.asker(source, local, stream)
    parsed = wire.parse(query)
    reply = zone.answer(query, asker) or (
        zone.resolve(parsed, asker) if not parsed.rcode else wire.reply(parsed, parsed.rcode)
    )
    found = None if reply is None else dns.message.from_wire(reply)
    if not stream:
        _assert_the_sheet_agrees(zone, query, asker, found)
    return found


def _assert_the_sheet_agrees(zone, query, asker, found):
    """What the zone has prepared, it says alike from the sheet, where that takes the query; whose turn it is may differ."""
    zone.write(query, asker)
    turns = (zone.sheet.answer(query, asker) for _ in range(_MAX_TURNS))
    written = next(turns)
    assert not written or any(_is_alike(each, found) for each in chain((written,), turns))


def _is_alike(written, found):
    other = dns.message.from_wire(written)
    assert (other.id, other.flags, other.edns) == (found.id, found.flags, found.edns)
    assert other.question[0].to_text() == found.question[0].to_text()
    return all(data(other, section) == data(found, section) for section in ("answer", "authority", "additional"))


def data(message, section="answer"):
    """The records of a section as `name type rdata`, sorted."""
    return sorted(
        f"{rrset.name.to_text(omit_final_dot=True)} {dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}"
        for rrset in getattr(message, section)
        for rdata in rrset
    )


def addresses(message):
    """The addresses of the answer section in the order they came."""
    return [rdata.address for rrset in message.answer for rdata in rrset]


def _family(text):
    return {"ipv6": text} if ":" in text else {"ipv4": text}
