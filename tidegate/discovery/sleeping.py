"""Services of which there are to be no replicas until somebody asks for them: what would hold their routes if it ran.

A route lives by the containers that claim it, so a service at zero would have none, and nobody could wake it. In place of its
containers stands one instance that is paused: it claims what they would, is never ready, and so has requests wait. It goes as soon
as a real one of its service lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from tidegate.discovery.labels import understand
from tidegate.discovery.provider import Publish
from tidegate.engine.port import ContainerDetail
from tidegate.errors import Problem
from tidegate.model import ASLEEP, Instance, InstanceState, Inventory
from tidegate.value import Value

LOOK_SECONDS = 0.5
_LIVE = (InstanceState.RUNNING, InstanceState.DRAINING, InstanceState.PAUSED)


class Dormant(Value):
    """A service at zero: the labels, image and ports that its containers would have."""

    service: str
    labels: dict[str, str]
    image: str = ""
    ports: tuple[int, ...] = ()


class SleepingProvider:
    """`dormant` gives the services that may be at zero, None while that is not known; `seen` what all providers see, `node` whose
    they are."""

    name = ASLEEP

    def __init__(
        self,
        dormant: Callable[[], tuple[Dormant, ...] | None],
        seen: Callable[[], Mapping[str, Inventory]],
        node: Callable[[], str] = str,
    ) -> None:
        self._dormant = dormant
        self._seen = seen
        self._node = node
        self._version = 0
        self._known: dict[str, tuple[Instance, ...]] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """None: what is wrong with labels is told of the containers."""
        return ()

    async def run(self, publish: Publish) -> None:
        """Publish them once they are known, again when something changed, until cancelled."""
        while self._dormant() is None:  # noqa: ASYNC110  the store is read by others
            await asyncio.sleep(LOOK_SECONDS)
        publish(self.inventory())
        while True:
            before = self._known
            found = self.inventory()
            if found.services is not before:
                publish(found)
            await asyncio.sleep(LOOK_SECONDS)

    def inventory(self) -> Inventory:
        """The instances that stand for services of which nobody lives and that may be at zero."""
        alive = {
            key
            for name, inventory in self._seen().items()
            if name != ASLEEP
            for key, instances in inventory.services.items()
            if any(each.state in _LIVE for each in instances)
        }
        found: dict[str, tuple[Instance, ...]] = {
            each.service: (stands_in,)
            for each in self._dormant() or ()
            if each.service not in alive and (stands_in := self._stand_in(each)).scaling and not stands_in.scaling.least
        }
        if found != self._known:
            self._known = found
            self._version += 1
        return Inventory(provider=ASLEEP, version=max(self._version, 1), services=self._known)

    def _stand_in(self, dormant: Dormant) -> Instance:
        detail = ContainerDetail(
            id=f"asleep:{dormant.service}",
            name=f"{dormant.service} (asleep)",
            image=dormant.image,
            state=InstanceState.PAUSED,
            labels={**dormant.labels, "tidegate.service": dormant.service},
            exposed=dormant.ports,
        )
        return replace(understand(detail, ASLEEP, self._node()), made="place", problems=())
