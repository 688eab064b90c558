"""Which upstreams a name is asked of: the longest suffix with upstreams of its own, else the general ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.dns import special
from tidegate.dns.standing import State
from tidegate.dns.upstream import Upstream

_UP, _DOWN, _LOOPING = State.UP, State.DOWN, State.LOOPING


class Group:
    """Upstreams that know the same names. `is_trusted` ones may answer with private addresses."""

    def __init__(self, upstreams: Sequence[Upstream], *, is_trusted: bool = False) -> None:
        self.upstreams = tuple(upstreams)
        self.is_trusted = is_trusted

    def ranked(self, now: float) -> list[Upstream]:
        """Whom to ask, best first; where none is up, those that are down."""
        if len(self.upstreams) == 1:
            only = self.upstreams[0]
            if only.standing.state is not _LOOPING:
                return [only]
        found = self._in(_UP, now)
        return found or self._in(_DOWN, now)

    def on_trial(self, now: float) -> Upstream | None:
        """One that is down and may be tried again now."""
        for each in self.upstreams:
            if each.standing.state is _DOWN and each.standing.takes_trial(now):
                return each
        return None

    @property
    def is_up(self) -> bool:
        """Is anyone of them known to answer?"""
        return any(each.standing.state is _UP for each in self.upstreams)

    def _in(self, state: State, now: float) -> list[Upstream]:
        """Those in `state`, best first. There are few."""
        found: list[Upstream] = []
        for each in self.upstreams:
            if each.standing.state is state:
                rank = each.standing.rank(now)
                place = len(found)
                while place and _rank(found[place - 1], now) > rank:
                    place -= 1
                found.insert(place, each)
        return found


class Groups:
    """`general` for all names but those at or below a key of `zones` (lower case wire names)."""

    def __init__(self, general: Group, zones: Mapping[bytes, Group]) -> None:
        self.general = general
        self._zones = dict(zones)
        self._apexes = frozenset(self._zones)

    def of(self, name: bytes) -> Group:
        """The group for `name`, lower case in wire form; the longest zone wins."""
        if not self._zones:
            return self.general
        return self._zones.get(special.apex_above(name, self._apexes), self.general)

    def all(self) -> list[Upstream]:
        """Every upstream once."""
        groups = (self.general, *self._zones.values())
        return list({id(each): each for group in groups for each in group.upstreams}.values())


def _rank(upstream: Upstream, now: float) -> float:
    return upstream.standing.rank(now)
