"""Whether single containers serve: who is ready, who gets nothing any more, and who has no requests left.

A container that is to leave is drained in the table; it is idle once every worker runs a table that says so and has said after it
that nothing is in flight there, and no other node's routers are known to have anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from tidegate.building.endpoints import LIVE
from tidegate.control.gathering import Elsewhere
from tidegate.control.ports import Followers
from tidegate.control.reconciler import Reconciler
from tidegate.control.releases import Releases
from tidegate.control.traffic import Traffic
from tidegate.model import Endpoint, HealthState
from tidegate.routing import RoutingTable
from tidegate.tasks import Tasks

FAR_LOOK_SECONDS = 1.0


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
        versions = {(each.service, each.version) for container in self._leaving for each in self._of(container)}
        found: dict[str, int] = {}
        if self._elsewhere is not None and versions:
            async with Tasks("control.serving") as tasks:
                asked = [tasks.spawn(service, self._elsewhere(service, version)) for service, version in versions]
            for each in asked:
                found |= each.result() or {}
        self._far = found

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
