"""What a name says to a view: which targets, which of their addresses, in which orders.

Rules, in this order:

* only ready targets; one without a weight (its own or its version's) gets nothing while any target of the name has some;
* a container is told addresses on networks it stands on and routable ones, and where a target has several, those on networks
  with a way out; it is told nothing of targets it does not share a network with (unless the settings say otherwise);
* anybody else is told the same where the networks are known, and all addresses where they share none;
* where the versions of a name have targets to tell, each answer is one version's, in turn by weight.

Addresses are 4 or 16 octets, each once.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from functools import reduce
from math import gcd

from tidegate.dns import record
from tidegate.dns.view import Asker
from tidegate.model import DnsMode, DnsName, DnsTarget, NetworkAddress

MAX_TURNS = 1000  # of one round: a share of 0.1 % is kept exactly; larger rounds are scaled down

Told = tuple[DnsTarget, list[NetworkAddress]]


def usable(name: DnsName) -> tuple[DnsTarget, ...]:
    """The targets that may be given to anybody."""
    ready = tuple(target for target in name.targets if target.ready)
    weighed = tuple(target for target in ready if target.weight > 0 and target.share > 0)
    if weighed or any(target.weight > 0 and target.share > 0 for target in name.targets):
        return weighed
    return ready


def differs_by_asker(name: DnsName) -> bool:
    """Can two askers get different answers for `name`?"""
    if name.mode is DnsMode.PROXY:
        return True
    return any(target.on_host or not all(p.routable for p in target.addresses) for target in name.targets)


def is_visible(name: DnsName, asker: Asker) -> bool:
    """Is there anything of `name` that `asker` might ever be told, ready or not?"""
    if name.mode is DnsMode.PROXY or not asker.is_confined:
        return True
    return any(target.external or _near(target, asker) for target in name.targets)


def reachable(targets: Sequence[DnsTarget], asker: Asker) -> list[Told]:
    """The targets `asker` is told of, each with the addresses it is told."""
    if not asker.networks:
        return [(target, _from_afar(target, asker)) for target in targets]
    near = [(target, _near(target, asker)) for target in targets]
    met = [(target, [place for place in places if not place.internal] or places) for target, places in near if places]
    if met or asker.is_confined:
        return met
    return [(target, list(target.addresses)) for target in targets]


def _near(target: DnsTarget, asker: Asker) -> list[NetworkAddress]:
    """The addresses of `target` on networks of `asker`, else the routable ones."""
    near = [place for place in target.addresses if place.network in asker.networks]
    return near or [place for place in target.addresses if place.routable]


def _from_afar(target: DnsTarget, asker: Asker) -> list[NetworkAddress]:
    """All addresses; but who is on no network and asks this host reaches it by the address it asked."""
    if not target.on_host or any(place.routable for place in target.addresses):
        return list(target.addresses)
    text = str(ipaddress.ip_address(asker.local))
    ipv4, ipv6 = ("", text) if len(asker.local) == 16 else (text, "")
    return [NetworkAddress(network="host", name="host", ipv4=ipv4, ipv6=ipv6)]


def addresses(places: Iterable[NetworkAddress], width: int) -> list[bytes]:
    """The addresses of one family (`width` 4 or 16 octets), each once, in order."""
    texts = (place.ipv4 if width == 4 else place.ipv6 for place in places)
    found = (record.packed(text) for text in texts if text)
    return list(dict.fromkeys(address for address in found if len(address) == width))


def by_version(told: Iterable[Told]) -> list[tuple[int, list[Told]]]:
    """The targets of each version with its weight; in one heap, all with the same weight, where none has a weight."""
    found: dict[tuple[str, int], list[Told]] = {}
    for each in told:
        found.setdefault((each[0].version, each[0].share), []).append(each)
    if not any(share for _, share in found):
        return [(1, [each for members in found.values() for each in members])] if found else []
    return [(share, members) for (_, share), members in found.items() if share]


def in_one_scale(versions: Sequence[tuple[int, Sequence[Told]]]) -> list[tuple[Told, int]]:
    """Each target with its weight among all, where versions and their targets have weights of their own (0..65535)."""
    sums = [sum(target.weight for target, _ in members) or len(members) for _, members in versions]
    whole = reduce(lambda a, b: a * b // gcd(a, b), sums, 1)
    found = [
        (each, share * (each[0].weight if any(t.weight for t, _ in members) else 1) * (whole // total))
        for (share, members), total in zip(versions, sums, strict=True)
        for each in members
    ]
    divisor = reduce(gcd, (weight for _, weight in found), 0) or 1
    largest = max((weight // divisor for _, weight in found), default=0)
    if largest <= _MAX_WEIGHT:
        return [(each, weight // divisor) for each, weight in found]
    scale = _MAX_WEIGHT / (largest * divisor)
    return [(each, weight and max(1, round(weight * scale))) for each, weight in found]


def weighted_order(weights: Sequence[int]) -> list[int]:
    """Indexes in turn, each as often as its weight says and as evenly spread as can be; one whole round.

    Rounds over `MAX_TURNS` are scaled down; nobody with a weight is scaled to nothing. Costs a sort of the round.
    """
    total = sum(weights)
    if not total:
        return list(range(len(weights)))
    divisor = reduce(gcd, weights)
    scaled = [weight // divisor for weight in weights]
    if sum(scaled) > MAX_TURNS:
        scaled = [weight and max(1, round(weight * MAX_TURNS / total)) for weight in weights]
    turns = [((2 * turn + 1) / (2 * weight), index) for index, weight in enumerate(scaled) for turn in range(weight)]
    turns.sort()
    return [index for _, index in turns]


_MAX_WEIGHT = 65535  # of an SRV record (RFC 2782)
