"""What a name says to a view: which targets, which of their addresses, in which orders.

Rules: only ready targets; a weight of 0 gets nothing while another target has some; where a target stands on a network
shared with the asker, only such targets and only their addresses there are given (those on networks without a way out
last of all); where none does, all addresses are. Addresses are 4 or 16 octets, each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from math import gcd

from tidegate.dns import record
from tidegate.dns.answer import MAX_VARIANTS
from tidegate.model import DnsMode, DnsName, DnsTarget, NetworkAddress


def usable(name: DnsName) -> tuple[DnsTarget, ...]:
    """The targets that may be given to anybody."""
    ready = tuple(target for target in name.targets if target.ready)
    return tuple(target for target in ready if target.weight > 0) or ready


def differs_by_asker(name: DnsName) -> bool:
    """Can two askers get different answers for `name`?"""
    if name.mode is DnsMode.PROXY:
        return True
    places = [place for target in usable(name) for place in target.addresses]
    return len({place.network for place in places}) > 1 or len(places) > len(usable(name))


def reachable(targets: Sequence[DnsTarget], networks: frozenset[str]) -> list[tuple[DnsTarget, list[NetworkAddress]]]:
    """The targets an asker on `networks` is told of, each with the addresses it is told."""
    shared = [(target, [place for place in target.addresses if place.network in networks]) for target in targets]
    met = [(target, [place for place in places if not place.internal] or places) for target, places in shared if places]
    return met or [(target, list(target.addresses)) for target in targets]


def addresses(places: Iterable[NetworkAddress], width: int) -> list[bytes]:
    """The addresses of one family (`width` 4 or 16 octets), each once, in order."""
    texts = (place.ipv4 if width == 4 else place.ipv6 for place in places)
    found = (record.packed(text) for text in texts if text)
    return list(dict.fromkeys(address for address in found if len(address) == width))


def weighted_order(weights: Sequence[int]) -> list[int]:
    """Indexes in the order of smooth weighted round robin, one whole round of at most `MAX_VARIANTS` turns.

    Larger rounds are scaled down; nobody with a weight is scaled to nothing.
    """
    total = sum(weights)
    if not total:
        return list(range(len(weights)))
    divisor = reduce(gcd, weights)
    scaled = [weight // divisor for weight in weights]
    if sum(scaled) > MAX_VARIANTS:
        scaled = [weight and max(1, round(weight * MAX_VARIANTS / total)) for weight in weights]
    return _smooth(scaled)


def _smooth(weights: list[int]) -> list[int]:
    order = []
    current = [0] * len(weights)
    total = sum(weights)
    for _ in range(total):
        current = [have + weight for have, weight in zip(current, weights, strict=True)]
        best = max(range(len(weights)), key=current.__getitem__)
        current[best] -= total
        order.append(best)
    return order
