"""Whether single containers serve: who is ready, who gets nothing any more, and who has no requests left.

A container that is to leave is drained in the table; it is idle once every worker runs a table that says so and has said after it
that nothing is in flight there, and no other node's routers are known to have anything. What each one carries is asked by who chooses
those that leave.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from tidegate.building.endpoints import LIVE
from tidegate.control.figures import Counted
from tidegate.control.gathering import Elsewhere
from tidegate.control.ports import Followers
from tidegate.control.reconciler import Reconciler
from tidegate.control.releases import Releases
from tidegate.control.traffic import Traffic
from tidegate.model import Endpoint, HealthState
from tidegate.placement.replica import Carried
from tidegate.routing import RoutingTable
from tidegate.tasks import Tasks

FAR_LOOK_SECONDS = 1.0
FAR_SECONDS = 10.0  # for other nodes to say whether they are done; a question has eight
CHOICE_SECONDS = 1.0  # for other nodes to say what they carry: until then the leader decides nothing


class Serving:
    """`clock` is monotonic. Looks at the table as it is when asked. `elsewhere` asks the routers of other nodes, None where there are none;
    what they do not say holds nobody up, who waits for them lingers anyway."""

    def __init__(
        self,
        reconciler: Reconciler,
        releases: Releases,
        followers: Followers,
        traffic: Traffic,
        clock: Callable[[], float],
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._elsewhere = elsewhere
        self._far: dict[str, int] = {}  # in flight from other nodes to endpoints of those that leave
        self._reconciler = reconciler
        self._releases = releases
        self._followers = followers
        self._traffic = traffic
        self._clock = clock
        self._leaving: dict[str, int] = {}  # container -> version of the first table without it
        self._drained_at: dict[str, float] = {}  # container -> when all workers had that table
        self._table: RoutingTable | None = None  # the one that `_endpoints` are of
        self._endpoints: dict[str, list[Endpoint]] = {}

    def ready(self, container: str) -> bool | None:
        """Whether all its endpoints are; True also where it has none. None while that cannot be known yet."""
        if self._reconciler.waiting_for:
            return None
        endpoints = self._of(container)
        if not endpoints and self._seen(container):
            self._reconciler.settle()  # it may have been seen after the table was built
            endpoints = self._of(container)
        if not endpoints:
            return self._seen(container)
        reports = [self._reconciler.health.get(each.id) for each in endpoints]
        return all(report is not None and report.state is HealthState.HEALTHY for report in reports)

    def why(self, container: str) -> str:
        """What is wrong with the first of its endpoints that is not ready; empty where nothing is."""
        for each in self._of(container):
            report = self._reconciler.health.get(each.id)
            if report is not None and report.state is not HealthState.HEALTHY and report.reason:
                return f"port {each.port}, {report.reason}"
        return ""

    def leave(self, containers: Iterable[str]) -> None:
        """Give nothing new to these, and to no others for our sake."""
        wanted = frozenset(containers)
        if wanted == self._leaving.keys() or self._reconciler.waiting_for:
            return
        self._releases.offer_leaving(wanted)
        version = self._reconciler.settle()
        self._leaving = {each: self._leaving.get(each, version) for each in sorted(wanted)}
        self._drained_at = {each: at for each, at in self._drained_at.items() if each in wanted}

    def idle(self, container: str) -> bool:
        """Whether one that leaves has no requests left."""
        version = self._leaving.get(container)
        if version is None or not self._followers.applied_by_all(version):
            return False
        since = self._drained_at.setdefault(container, self._clock())
        keys = [(each.service, each.version, each.id) for each in self._of(container)]
        return not keys or (self._traffic.quiet(keys, since) and not any(self._far.get(each[2]) for each in keys))

    async def run(self) -> None:
        """Ask the other nodes about those that leave, until cancelled."""
        while True:
            await self.look_around()
            await asyncio.sleep(FAR_LOOK_SECONDS)

    async def look_around(self) -> None:
        """Ask them once."""
        found = Counter[str]()
        for each in await self._told(self._leaving, FAR_SECONDS):
            found.update(each.flying)
        self._far = found

    async def carried(self, containers: Collection[str]) -> dict[str, Carried]:
        """What our routers have with each of these, and those of other nodes that say so within `CHOICE_SECONDS`."""
        flying, lasting = Counter[str](), Counter[str]()
        for each in await self._told(containers, CHOICE_SECONDS):
            flying.update(each.flying)
            lasting.update(each.lasting)
        for (kind, key), number in self._traffic.in_flight().items():
            if kind == "endpoint":
                flying[key[2]] += number
            elif kind == "lasting":
                lasting[key[2]] += number
        ids = {container: {each.id for each in self._of(container)} for container in containers}
        return {
            container: Carried(in_flight=sum(map(flying.__getitem__, of)), long_lived=sum(map(lasting.__getitem__, of)))
            for container, of in ids.items()
        }

    async def _told(self, containers: Collection[str], seconds: float) -> list[Counted]:
        """What other nodes' routers counted of the versions that these are of; nothing of those that do not say it in time."""
        versions = {(each.service, each.version) for container in containers for each in self._of(container)}
        if self._elsewhere is None or not versions:
            return []
        async with Tasks("control.serving") as tasks:
            asked = [tasks.spawn(service, self._elsewhere(service, version, seconds)) for service, version in versions]
        return [told for each in asked for told in each.result().counted.values()]

    def _of(self, container: str) -> list[Endpoint]:
        table = self._reconciler.table
        if table is not self._table:
            self._table, self._endpoints = table, {}
            for service in table.services.values():
                for endpoint in service.endpoints:
                    self._endpoints.setdefault(endpoint.instance, []).append(endpoint)
        return self._endpoints.get(container, [])

    def _seen(self, container: str) -> bool:
        """Whether a provider shows the container as running, so that what it offers is in the table."""
        return any(
            instance.id == container and instance.state in LIVE
            for inventory in self._reconciler.inventories.values()
            for instances in inventory.services.values()
            for instance in instances
        )
