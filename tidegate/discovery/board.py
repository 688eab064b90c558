"""What a provider shows of its engine: sightings as instances, corrected by the endings in force, and published together.

Each inventory is dated by the oldest event that led to it, so that it can be told how long the way from an event to the routes is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from msgspec.structs import replace

from tidegate.discovery.catalog import Catalog
from tidegate.discovery.endings import Endings
from tidegate.discovery.provider import Publish
from tidegate.discovery.sightings import Sightings
from tidegate.model import Instance, InstanceState, Inventory

PUBLISH_SECONDS = 0.005  # changes within this time share one inventory


class Board:
    """Of the provider called `name`. `postpone` asks for another look at a container when its ending expires; `clock` only grows."""

    def __init__(
        self,
        name: str,
        sightings: Sightings,
        postpone: Callable[[str, float], None],
        clock: Callable[[], float],
    ) -> None:
        self.stale = True  # until all of a list was looked at, and again while the engine is away
        self._name = name
        self._sightings = sightings
        self._postpone = postpone
        self._clock = clock
        self._catalog = Catalog()
        self._endings = Endings()
        self._noticed: dict[str, float] = {}  # id -> when an event first named it since it was last looked at
        self._oldest = 0.0  # the oldest such time of what the next inventory changes; 0: no event led to it
        self._resurveyed = False  # set when networks changed, until that is published
        self._version = 0
        self._publish: Publish | None = None  # set by `begin`
        self._changed = asyncio.Event()  # there is something to publish

    def begin(self, publish: Publish) -> None:
        """Who takes the inventories."""
        self._publish = publish

    @property
    def published(self) -> bool:
        """Whether anything was."""
        return self._version > 0

    def get(self, container: str) -> Instance | None:
        """The instance as it is shown."""
        return self._catalog.get(container)

    def serves(self, container: str) -> bool:
        """Whether it is shown as one that runs."""
        instance = self._catalog.get(container)
        return instance is not None and instance.state is InstanceState.RUNNING

    def notice(self, container: str) -> None:
        """An event named it now."""
        self._noticed.setdefault(container, time.monotonic())

    def overlook(self, container: str) -> None:
        """Nothing follows from what was noticed of it."""
        self._noticed.pop(container, None)

    def show(self, *containers: str) -> None:
        """Bring sightings into the catalog."""
        for container in containers:
            self._date(container)
            instance = self._sightings.as_shown(container)
            if instance is None:
                self._catalog.remove(container)
                continue
            state = self._endings.correct(container, instance.state, instance.started_at, self._clock())
            self._catalog.put(instance if state is instance.state else replace(instance, state=state))
            self._look_when_it_expires(container)

    def resurvey(self) -> None:
        """The engine's networks are others: all containers are shown anew, and it is published though none of them changed."""
        self.show(*self._sightings.ids())
        self._resurveyed = True
        self._changed.set()

    def kill(self, container: str, time_ns: int, grace_seconds: float) -> None:
        """It was told to end at this time on the engine's clock: it drains, and that is published before anything else happens."""
        self._endings.kill(container, time_ns, self._clock(), grace_seconds)
        self._correct(container)
        self._look_when_it_expires(container)

    def die(self, container: str, time_ns: int) -> None:
        """It ended; published as for `kill`."""
        self._endings.die(container, time_ns, self._clock())
        self._correct(container)

    def forget(self, container: str) -> None:
        """It is gone: no ending is in force any more."""
        self._endings.forget(container)

    def settle(self) -> None:
        """Publish soon what changed, if anything did."""
        if self._catalog.changed:
            self._changed.set()

    def turn(self, *, stale: bool) -> bool:
        """The engine was lost, or is seen whole again; published at once. False where it was so already."""
        if self.stale is stale:
            return False
        self.stale = stale
        self._publish_now()
        return True

    async def run(self) -> None:
        """Publish what changes, until cancelled."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(PUBLISH_SECONDS)
            self._changed.clear()
            if self.published and (self._catalog.changed or self._resurveyed):
                self._publish_now()

    # --------------------------------------------------------------------------------------------------------- private

    def _correct(self, container: str) -> None:
        """Let an ending take effect on what is known."""
        instance = self._catalog.get(container)
        if instance is None:
            return
        state = self._endings.correct(container, instance.state, instance.started_at, self._clock())
        if state is not instance.state:
            self._catalog.put(replace(instance, state=state))
            self._date(container)
            if self.published:
                self._publish_now()

    def _look_when_it_expires(self, container: str) -> None:
        expiry = self._endings.expiry(container)
        if expiry is not None:
            self._postpone(container, expiry)

    def _date(self, container: str) -> None:
        """What the next inventory says of `container` follows from what was noticed of it until now."""
        noticed = self._noticed.pop(container, 0.0)
        if noticed:
            self._oldest = min(noticed, self._oldest or noticed)

    def _publish_now(self) -> None:
        assert self._publish is not None, "only a running provider publishes"
        self._version += 1
        since, self._oldest = self._oldest, 0.0
        self._resurveyed = False
        self._publish(
            Inventory(
                provider=self._name,
                version=self._version,
                services=self._catalog.services(),
                stale=self.stale,
                since=since,
                subnets=self._sightings.grounds.subnets,
            )
        )
