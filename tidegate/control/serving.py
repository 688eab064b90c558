"""Whether single containers serve: who is ready, who gets nothing any more, and who has no requests left.

A container that is to leave is drained in the table; it is idle once every worker runs a table that says so and has said after it
that nothing is in flight there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tidegate.control.ports import Followers
from tidegate.control.reconciler import Reconciler
from tidegate.control.releases import Releases
from tidegate.control.traffic import Traffic
from tidegate.model import Endpoint, HealthState
from tidegate.routing import RoutingTable


class Serving:
    """`clock` is monotonic. Looks at the table as it is when asked."""

    def __init__(
        self,
        reconciler: Reconciler,
        releases: Releases,
        followers: Followers,
        traffic: Traffic,
        clock: Callable[[], float],
    ) -> None:
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
        return not keys or self._traffic.quiet(keys, since)

    def _of(self, container: str) -> list[Endpoint]:
        table = self._reconciler.table
        if table is not self._table:
            self._table, self._endpoints = table, {}
            for service in table.services.values():
                for endpoint in service.endpoints:
                    self._endpoints.setdefault(endpoint.instance, []).append(endpoint)
        return self._endpoints.get(container, [])

    def _seen(self, container: str) -> bool:
        """Whether a provider shows the container, so that what it offers is in the table."""
        return any(
            instance.id == container
            for inventory in self._reconciler.inventories.values()
            for instances in inventory.services.values()
            for instance in instances
        )
