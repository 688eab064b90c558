"""Cost of one event, from changed input to built table, with 100 and with 10 000 endpoints known (budget: <= 2 x).

Ten endpoints and one route per service. Interleaved, best of several rounds, process CPU time; the two events are a
health change of one endpoint and a replaced container. Run: `python -m bench.micro.build_table`.
"""

from __future__ import annotations

import gc
import time

from tidegate.building import build
from tidegate.model import (
    HealthReport,
    HealthSource,
    HealthState,
    Instance,
    Inventory,
    NetworkAddress,
    Overrides,
    RouteClaim,
)  # fmt: skip

PER_SERVICE = 10
ROUNDS = 200


def make(service: int, replica: int, generation: int = 0) -> Instance:
    id_ = f"{service:05d}{replica:03d}{generation:04d}".ljust(64, "f")
    return Instance(
        id=id_,
        name=f"shop-svc{service}-{replica}",
        provider="docker",
        project="shop",
        service=f"svc{service}",
        number=replica,
        ports=(80,),
        claims=(RouteClaim(port=80, host=f"svc{service}.test", origin="tidegate.routing.port_80"),),
        networks=(NetworkAddress(network="n", name="n", ipv4=f"10.{service // 250}.{service % 250}.{replica}"),),
        created_at=1.0,
    )


class World:
    """One size: an inventory, its health, and its latest build."""

    def __init__(self, endpoints: int) -> None:
        count = endpoints // PER_SERVICE
        services = {f"shop/svc{s}": tuple(make(s, r) for r in range(1, PER_SERVICE + 1)) for s in range(count)}
        self.inventory = Inventory(provider="docker", version=1, services=services)
        every = [f"{i.id}:80" for members in services.values() for i in members]
        self.health = {each: report(each, HealthState.HEALTHY) for each in every}
        start = time.process_time()
        self.build = build(None, {"docker": self.inventory}, self.health, Overrides())
        self.scratch = time.process_time() - start
        self.turn = 0

    def health_event(self) -> float:
        """One endpoint turns unhealthy or back; CPU seconds of the build."""
        self.turn += 1
        key = f"shop/svc{self.turn % len(self.inventory.services)}"
        id_ = f"{self.inventory.services[key][3].id}:80"
        state = HealthState.UNHEALTHY if self.health[id_].state is HealthState.HEALTHY else HealthState.HEALTHY
        self.health[id_] = report(id_, state)
        return self._timed((id_,))

    def container_event(self) -> float:
        """One container is replaced by a new one; CPU seconds of the build."""
        self.turn += 1
        number = self.turn % len(self.inventory.services)
        key = f"shop/svc{number}"
        members = (*self.inventory.services[key][:-1], make(number, PER_SERVICE, self.turn))
        services = {**self.inventory.services, key: members}
        self.inventory = Inventory(provider="docker", version=self.inventory.version + 1, services=services)
        return self._timed(())

    def _timed(self, changed: tuple[str, ...]) -> float:
        start = time.process_time()
        self.build = build(
            self.build, {"docker": self.inventory}, self.health, Overrides(), changed_health=changed, now=0.0
        )
        return time.process_time() - start


def report(endpoint: str, state: HealthState) -> HealthReport:
    return HealthReport(endpoint=endpoint, state=state, source=HealthSource.PROBE, since=1.0)


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def main() -> None:
    small, large = World(100), World(10_000)
    print(f"from scratch: 100 endpoints {small.scratch * 1e3:.1f} ms, 10 000 endpoints {large.scratch * 1e3:.1f} ms")
    gc.collect()
    gc.freeze()
    for event in ("health_event", "container_event"):
        times: dict[str, list[float]] = {"small": [], "large": []}
        for _ in range(ROUNDS):
            times["small"].append(getattr(small, event)())
            times["large"].append(getattr(large, event)())
        few, many = median(times["small"]) * 1e6, median(times["large"]) * 1e6
        print(f"{event}: 100 endpoints {few:.0f} us, 10 000 endpoints {many:.0f} us, ratio {many / few:.2f}")


if __name__ == "__main__":
    main()
