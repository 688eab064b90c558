"""From what a route says to the balancer that does it. Runs when a table comes, not per request. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tidegate.policy import Algorithm
from tidegate.router.balancer import Balancer, Group, Rotation
from tidegate.router.contest import Contest
from tidegate.router.hashing import Rendezvous


class Share(NamedTuple):
    """One backend: its weight, its endpoints with theirs, and a name that stays when endpoints come and go. `side` names it
    where its port is of no account."""

    weight: int
    endpoints: Sequence[tuple[Any, int]]
    name: str = ""
    side: str = ""


def build_balancer(
    shares: Sequence[Share],
    offset: int,
    algorithm: Algorithm = Algorithm.ROUND_ROBIN,
    name_of: Callable[[Any], str] = str,
    *,
    by_key: bool = False,
) -> Balancer:
    """Shares with weight 0 or without endpoints of any weight are left out. `name_of` gives an endpoint's own name (HASH).

    HASH decides by key at both levels, so that a client stays on one side, and raising a share only brings clients to it.
    `by_key`: the sides are parted by key, and endpoints chosen among them as the algorithm says.
    """
    groups: list[Group] = []
    chosen: list[Share] = []
    for share in shares:
        group = _group([each for each in share.endpoints if each[1] > 0], offset, algorithm, name_of)
        if share.weight > 0 and group.size:
            groups.append(group)
            chosen.append(share)
    weights, names = [share.weight for share in chosen], tuple(share.name for share in chosen)
    if by_key:
        return Balancer(Rendezvous(groups, weights, _sides(chosen), offset), names)
    if algorithm is Algorithm.HASH:
        return Balancer(Rendezvous(groups, weights, names, offset), names)
    return Balancer(Rotation(groups, weights, offset), names)


def _sides(shares: Sequence[Share]) -> Sequence[str]:
    """Names by which keys are parted. All routes of a service part them alike, whatever port each leads to; where a route
    has a side at two ports, those are two."""
    sides = [share.side for share in shares]
    return sides if len(set(sides)) == len(sides) else [share.name for share in shares]


def _group(
    endpoints: Sequence[tuple[Any, int]], offset: int, algorithm: Algorithm, name_of: Callable[[Any], str]
) -> Group:
    items = [item for item, _ in endpoints]
    weights = [weight for _, weight in endpoints]
    if algorithm is Algorithm.LEAST_REQUESTS:
        return Contest(items, weights, offset)
    if algorithm is Algorithm.HASH:
        return Rendezvous(items, weights, [name_of(item) for item in items], offset)
    return Rotation(items, weights, offset)
