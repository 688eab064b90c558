"""Versions that somebody started beside an earlier one, and whose labels say how they want to be released: they are.

A version that waits (`building.waiting`) is released once no further container of it has come for a few seconds. One that
has had its release and lost, one that a person weighed by hand, and one whose service has a release under way are not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from tidegate.control.deploying import Deploying
from tidegate.control.duty import Duty
from tidegate.control.parts import Parts
from tidegate.control.releasebodies import DeployBody, ask_of
from tidegate.control.sighting import members
from tidegate.control.stored import Setting
from tidegate.errors import TidegateError
from tidegate.model import Inventory
from tidegate.release.record import TIDEGATE, Release
from tidegate.release.spec import Side
from tidegate.telemetry import logger

LOOK_SECONDS = 1.0
SETTLE_SECONDS = 5.0  # without a further container: Compose starts replicas within one or two

_log = logger("control.releases")


def due(
    waiting: Mapping[str, Iterable[str]],
    inventories: Mapping[str, Inventory],
    records: Iterable[Release],
    settings: Iterable[Setting],
    now: float,
) -> Iterator[Side]:
    """Versions whose release is to begin, one of each service: of several that wait, the one that came last. `waiting` are
    those that wait by service; `now` is seconds since the epoch."""
    open_ = [each for each in records if not each.closed]
    by_hand = {each.target: each.value for each in settings if each.kind == "weights" and each.who != TIDEGATE}
    for service, versions in waiting.items():
        sides = [Side(service=service, version=each) for each in versions]
        fit = {
            side.version: born
            for side in sides
            if (born := _born(side, inventories)) and side.called not in by_hand.get(service, {})
        }
        mine = [each for each in open_ if service in (each.spec.service, each.spec.candidate.service)]
        if not fit or any(not each.finished for each in mine):
            continue
        newest = Side(service=service, version=max(fit, key=lambda each: fit[each]))
        had = any(newest.called in (each.spec.stable.called, each.spec.candidate.called) for each in mine)
        if not had and now >= fit[newest.version] + SETTLE_SECONDS:
            yield newest


def _born(side: Side, inventories: Mapping[str, Inventory]) -> float:
    """When the newest container of a version with a policy was made; 0 where there is none."""
    found = members(inventories, side).values()
    return max((each.created_at for each in found), default=0.0) if any(each.release for each in found) else 0.0


class Automatic:
    """Begins those releases."""

    def __init__(self, parts: Parts, wall: Callable[[], float] = time.time) -> None:
        self._parts = parts
        self._deploying = Deploying(parts)
        self._wall = wall
        self._duty = Duty(parts.node, parts.others, lambda: parts.reconciler.inventories)
        self._refused: dict[str, str] = {}  # by service, so that each reason is logged once

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Begin what is due."""
        reconciler, releases = self._parts.reconciler, self._parts.releases
        if reconciler.waiting_for or not releases.book.known:
            return
        parts = reconciler.current.memo.parts
        waiting = {key: part.holding.waiting for key, part in parts.items() if part.holding.waiting}
        inventories = dict(reconciler.inventories)
        for side in tuple(due(waiting, inventories, releases.book.records, self._parts.book.settings, self._wall())):
            if self._duty.has(side.service):
                await self._begin(side, inventories)

    async def _begin(self, side: Side, inventories: Mapping[str, Inventory]) -> None:
        policy = next(each.release for each in members(inventories, side).values() if each.release is not None)
        try:
            ask = ask_of(side.service, DeployBody(version=side.called), policy)
            await self._deploying.automatic(ask, "its labels say so")
        except TidegateError as error:
            text = error.problems[0].text
            if self._refused.get(side.service) != text:
                self._refused[side.service] = text
                _log.warning("%s is not released: %s", side, text)
        else:
            self._refused.pop(side.service, None)
