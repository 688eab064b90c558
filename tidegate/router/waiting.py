"""Requests that wait on their routes, and who lets them go on: a new table, room at an endpoint, a container that is back.

Each route has its queue (`LiveRoute.waiting`), which `relay.py` and `attempts.py` enter within its bounds. Whoever is let go
chooses again at once, and enters anew where there is still nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tidegate.router.live import LiveRoute
from tidegate.router.upstream import Upstream

_RETRY_SECONDS = 0.1
_TOGETHER = 32  # held requests that go on in one turn of the loop


class Waiting:
    """`find` knows the live routes by id; `contained(owner, call)` makes a call whose fault costs only its owner."""

    def __init__(
        self, find: Callable[[str], LiveRoute | None], contained: Callable[[Any, Callable[[], None]], None]
    ) -> None:
        self._find = find
        self._contained = contained
        self._loop: asyncio.AbstractEventLoop | None = None
        self._letting_in: set[str] = set()  # routes whose queue is looked at in this turn of the loop
        self._waking: set[str] = set()  # routes whose held requests will try again in a moment
        self._going: dict[
            LiveRoute, int
        ] = {}  # how many of a route's held requests are still to go on, within a few turns of the loop

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Before the first request."""
        self._loop = loop

    def room(self, upstream: Upstream) -> None:
        """A claim was released: let in who waits for room there."""
        assert self._loop is not None, "requests only wait while running"
        for route_id in upstream.watchers or ():
            route = self._find(route_id)
            if route is not None and route.waiting and route_id not in self._letting_in:
                self._letting_in.add(route_id)
                self._loop.call_soon(self._let_in, route)

    def _let_in(self, route: LiveRoute) -> None:
        """In order of arrival, until one finds no room."""
        self._letting_in.discard(route.id)
        for _ in range(len(route.waiting)):
            held = route.waiting.popleft()
            self._contained(held, held.wake)
            if route.waiting and route.waiting[-1] is held:
                route.waiting.rotate(1)
                return
            if not route.waiting:
                return

    def wake_soon(self, route: LiveRoute) -> None:
        """Let held requests of a route try again in a moment, table change or not."""
        assert self._loop is not None, "requests are only held while running"
        if route.id not in self._waking:  # one timer for all who wait, or each would wake all the others
            self._waking.add(route.id)
            self._loop.call_later(_RETRY_SECONDS, self._retry, route)

    def _retry(self, route: LiveRoute) -> None:
        """One goes ahead; when it is connected, the others follow. So a dead service is asked ten times a second, not by all
        who wait for it."""
        self._waking.discard(route.id)
        if not route.waiting:
            route.failing = False
            return
        held = route.waiting.popleft()
        self._contained(held, held.wake)
        self.wake_soon(route)

    def wake_all(self, route: LiveRoute) -> None:
        """Somebody can be connected to again."""
        assert self._loop is not None, "requests are only held while running"
        if route.waiting:
            self._loop.call_soon(self.wake, route)

    def wake(self, route: LiveRoute) -> None:
        """Let held requests choose again, the oldest first; those still without an upstream queue up anew, in order. A few go in each turn
        of the loop: were a thousand connections asked for at once, on a busy host the time for connecting would be over
        before the first one is looked at."""
        goes_on = route in self._going
        self._going[route] = len(route.waiting)
        if not goes_on:
            self._let_go(route)

    def _let_go(self, route: LiveRoute) -> None:
        left = self._going.pop(route)
        for _ in range(min(left, len(route.waiting), _TOGETHER)):
            held = route.waiting.popleft()
            self._contained(held, held.wake)
            if not route.waiting:
                return
        if left > _TOGETHER:
            assert self._loop is not None, "requests are only held while running"
            self._going[route] = left - _TOGETHER
            self._loop.call_soon(self._let_go, route)
