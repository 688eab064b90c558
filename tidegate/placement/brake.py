"""When so many nodes go at once that it is more likely us who are cut off, nothing is moved by itself.

More than 55 % of a zone's nodes within a minute brake that zone, more than a third of all nodes brake the cluster. One node alone never
does: in a small cluster it is a third of everything and the whole of its zone, and it must be possible to lose it. A brake holds until
enough of its nodes are back; a person who drains the lost ones says that they are really gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidegate.placement.standing import Standing
from tidegate.value import Value

WINDOW = 60.0
OF_A_ZONE, OF_ALL = 0.55, 1 / 3
AT_LEAST = 2


class Brake(Value):
    """What is stopped (`zone`, or everything where `whole`), since when, and the nodes that were lost."""

    since: float
    nodes: tuple[str, ...]
    zone: str = ""
    whole: bool = False

    def holds(self, zone: str) -> bool:
        """Whether replicas of that zone's lost nodes stay where they are."""
        return self.whole or self.zone == zone

    def __str__(self) -> str:
        where = "all zones" if self.whole else f"zone {self.zone or '-'}"
        return f"{len(self.nodes)} nodes of {where} went within a minute; nothing there is moved until enough are back"


def followed(
    brakes: Iterable[Brake], standings: Mapping[str, Standing], drained: frozenset[str], now: float
) -> tuple[Brake, ...]:
    """The brakes that hold now: those that go on, and new ones. Nodes in `drained` are out of it, by a person's word."""
    counted = [each for each in standings.values() if each.node not in drained]
    found = {(each.whole, each.zone): each for each in brakes if _goes_on(each, counted)}
    for whole, zone, among in _areas(counted):
        brake = _begun(whole, zone, among, now)
        if brake is not None:
            found.setdefault((whole, zone), brake)
    return tuple(found[key] for key in sorted(found))


def _areas(standings: list[Standing]) -> list[tuple[bool, str, list[Standing]]]:
    zones = sorted({each.zone for each in standings})
    areas = [(False, zone, [each for each in standings if each.zone == zone]) for zone in zones]
    return [(True, "", standings), *areas]


def _begun(whole: bool, zone: str, among: list[Standing], now: float) -> Brake | None:
    lost = [each for each in among if each.down_since and each.down_since > now - WINDOW]
    alive = sum(not each.down_since for each in among)
    if not _too_many(len(lost), alive, whole):
        return None
    return Brake(since=now, nodes=tuple(sorted(each.node for each in lost)), zone=zone, whole=whole)


def _goes_on(brake: Brake, standings: list[Standing]) -> bool:
    among = standings if brake.whole else [each for each in standings if each.zone == brake.zone]
    still = sum(bool(each.down_since) for each in among if each.node in brake.nodes)
    alive = sum(not each.down_since for each in among)
    return _too_many(still, alive, brake.whole)


def _too_many(lost: int, alive: int, whole: bool) -> bool:
    return lost >= AT_LEAST and lost > (OF_ALL if whole else OF_A_ZONE) * (lost + alive)
