"""How a request on a route that wants more than its turn finds its endpoint: cookie, key, limits, a trial. Pure.

Routes that ask for none of this have no `Selection`, and their requests pass by with one test. In order: an endpoint that
comes back from its ejection gets one request, of those that can be sent again elsewhere; a cookie's endpoint; another one of
the cookie's version; the balancer's; and where all of these fail, one that comes back. Where versions are parted by key, the
key decides between them and the cookie only within one.
"""

from __future__ import annotations

from typing import Any

from tidegate.http1.lookup import cookie, field
from tidegate.policy import NO_SPLIT, Algorithm, Balance
from tidegate.router.balancer import Balancer
from tidegate.router.bounds import Bounds
from tidegate.router.ejection import ANYBODY
from tidegate.router.hashing import key_of
from tidegate.router.stickiness import Stickiness

_ANYBODY = ANYBODY


class Selection:
    """The special wishes of one route. `trials` are endpoints that are to prove themselves; `moved` says after a pick
    whether the client is to be told a new cookie."""

    __slots__ = ("balancer", "bounds", "key_kind", "key_name", "moved", "parted", "sticky", "trials")

    def __init__(self, balancer: Balancer, balance: Balance, bounds: Bounds, sticky: Stickiness | None) -> None:
        self.balancer = balancer
        self.bounds = bounds
        self.sticky = sticky
        self.trials: list[Any] = []
        self.moved = False
        self.parted = balance.split != NO_SPLIT
        by_key = self.parted or balance.algorithm is Algorithm.HASH
        kind, _, name = (balance.split if self.parted else balance.hash_key).partition(":")
        self.key_kind = kind if by_key else ""
        self.key_name = name.encode()

    def key(self, lines: bytes, client: bytes) -> int:
        """The key of a request with these field lines (0: none)."""
        if not self.key_kind:
            return 0
        value: bytes | None = client
        if self.key_kind == "header":
            value = field(lines, self.key_name.lower())
        elif self.key_kind == "cookie":
            value = cookie(lines, self.key_name)
        return key_of(value) if value else 0

    def mark(self, lines: bytes) -> bytes | None:
        """The mark that the request carries, if it still means something here."""
        return None if self.sticky is None else self.sticky.read(lines)

    def pick(self, tried: list[Any] | None, key: int, mark: bytes | None, safe: bool = False) -> Any:
        """The endpoint for a request, or None: then `bounds.full` says whether only limits stood in the way. `safe`: it can be
        sent again elsewhere."""
        bounds = self.bounds
        bounds.tried = tried
        bounds.full = False
        choice: Any = None
        if self.trials:
            choice = self._trial(bounds, safe)
            if choice is not None:
                return choice
        if self.sticky is not None:
            choice = self._pick_marked(mark, key, bounds)
        if choice is None:
            choice = self.balancer.pick_allowed(key, bounds)
        if choice is None and self.trials and not bounds.full:
            choice = self._trial(bounds, True)  # there is nobody else
        return choice

    def _trial(self, bounds: Bounds, safe: bool) -> Any:
        """One that shows by this request whether it is well again, or None."""
        trials = self.trials
        for at in range(len(trials) - 1, -1, -1):
            one = trials[at]
            if not one.trial:
                del trials[at]  # a request on another route, or its good answer, came first
            elif (safe or one.trial == _ANYBODY) and bounds.allows(one):
                del trials[at]
                one.trial = 0
                self.moved = False
                return one
        return None

    def _pick_marked(self, mark: bytes | None, key: int, bounds: Bounds) -> Any:
        """Where the cookie leads; a busy endpoint keeps its clients, another one only helps out."""
        sticky = self.sticky
        assert sticky is not None, "only asked on sticky routes"
        self.moved = True
        if mark is None:
            return None
        preferred = sticky.endpoint(mark)
        side = self.balancer.backends.pick_for(key) if self.parted and key else None
        if preferred is not None and (side is None or preferred in side.items):
            if bounds.allows(preferred):
                self.moved = False
                return preferred
            self.moved = not bounds.full
        group = sticky.version(mark) if side is None else None
        return None if group is None else group.pick_allowed(0, bounds)
