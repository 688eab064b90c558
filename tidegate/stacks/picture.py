"""What the store says of all stacks, put together: what is wanted, what is placed, what is reported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from tidegate.engine.image_name import familiar
from tidegate.placement.demand import Demand, Quota
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import IDLE, Carried, Place, Replica
from tidegate.placement.resources import Resources
from tidegate.placement.rule_text import understood
from tidegate.placement.scene import Scene
from tidegate.stacks.report import Report, replica, said
from tidegate.stacks.stack import Allowance, Member, Scale, Stack
from tidegate.value import Value

NOTHING_KNOWN: Mapping[str, Carried] = {}


class Picture(Value):
    """`stacks` by name, `scales` by service key, `places` by place key, `reports` by node and place key (`node/stack/...`),
    `quotas` by account."""

    stacks: Mapping[str, Stack] = {}
    scales: Mapping[str, Scale] = {}
    places: Mapping[str, Place] = {}
    reports: Mapping[str, Report] = {}
    quotas: Mapping[str, Allowance] = {}

    def report(self, place: Place) -> Report:
        """What its node says of a place."""
        return said(place, self.reports.get(f"{place.node}/{place.key}"))

    def exclusive(self, key: str) -> bool:
        """Whether the place called so is of a service of which no slot may run twice now, whatever it was when its container was made."""
        stack_name, _, name = key.rpartition("/")[0].partition("/")
        stack = self.stacks.get(stack_name)
        member = stack.member(name) if stack is not None else None
        return member is not None and member.exclusive

    @property
    def limits(self) -> tuple[Quota, ...]:
        """The quotas as placement takes them."""
        return tuple(
            Quota(account=account, limit=Resources(cpu=each.cpus, memory=each.memory), replicas=each.replicas)
            for account, each in self.quotas.items()
        )

    def of(self, service: str) -> tuple[Place, ...]:
        """The places of a service, by slot and generation."""
        found = (place for place in self.places.values() if place.service == service)
        return tuple(sorted(found, key=lambda each: (each.slot, each.generation)))

    def within(self, stack: str) -> tuple[Place, ...]:
        """The places of a stack."""
        return tuple(place for place in self.places.values() if place.service.startswith(f"{stack}/"))

    def desired(self, stack: Stack, member: Member) -> int:
        """How many replicas are wanted; 0 also where there is to be one on each node."""
        if stack.leaving or member.everywhere:
            return 0
        scale = self.scales.get(f"{stack.name}/{member.name}")
        return member.scale if scale is None else scale.desired

    def surplus(self, held: Collection[str] = ()) -> frozenset[str]:
        """The containers of services of which some replicas are to go and others stay."""
        slots: dict[str, set[int]] = {}
        for place in self.places.values():
            if not place.leaving and place.service not in held:
                slots.setdefault(place.service, set()).add(place.slot)
        shrinking = {
            service
            for stack in self.stacks.values()
            for member in stack.members
            if (service := f"{stack.name}/{member.name}") in slots
            and 0 < self.desired(stack, member) < len(slots[service])
        }
        staying = (place for place in self.places.values() if shrinking and place.service in shrinking)
        return frozenset(filter(None, (self.report(place).container for place in staying if not place.leaving)))

    def scene(
        self, nodes: Iterable[NodeFacts], held: Collection[str] = (), carried: Mapping[str, Carried] = NOTHING_KNOWN
    ) -> Scene:
        """All that placing is decided from; `carried` is what routers have with containers, by id. Of a stack that leaves nothing is
        wanted; those members go first that need others."""
        members = [(stack, member) for stack in self.stacks.values() for member in stack.members]
        return Scene(
            demands=tuple(
                demand_of(stack, member, self.desired(stack, member)) for stack, member in members if not stack.leaving
            ),
            nodes=tuple(nodes),
            replicas=tuple(self._replica(place, carried) for place in self.places.values()),
            held=frozenset(held),
            quotas=self.limits,
            after={
                f"{stack.name}/{member.name}": tuple(
                    f"{stack.name}/{each.name}" for each in stack.members if member.name in each.depends
                )
                for stack, member in members
                if stack.leaving
            },
        )

    def _replica(self, place: Place, carried: Mapping[str, Carried]) -> Replica:
        report = self.report(place)
        return replica(place, report, carried.get(report.container, IDLE))

    def elsewhere(self, nodes: Iterable[NodeFacts]) -> tuple[str, ...]:
        """The keys of places on other nodes than these."""
        names = {node.name for node in nodes}
        return tuple(key for key, place in self.places.items() if place.node not in names)

    def cleared(self, stack: Stack, nodes: Iterable[NodeFacts]) -> bool:
        """Whether nothing of a stack that leaves is left: no place, and on no node that can be asked anything else."""
        if not stack.leaving or self.within(stack.name):
            return False
        told = (self.reports.get(f"{node.name}/{stack.name}") for node in nodes if node.ready)
        return all(report is not None and report.gone and report.placed == stack.when for report in told)


def demand_of(stack: Stack, member: Member, desired: int) -> Demand:
    """What a member wants of the cluster."""
    said = understood(member.expressions, f"{stack.name}/{member.name}")
    return Demand(
        service=f"{stack.name}/{member.name}",
        revision=member.config,
        replicas=desired,
        everywhere=member.everywhere,
        reservation=member.reservation,
        ports=member.ports,
        rules=said.rules,
        zones=said.zones,
        spread=member.spread,
        max_per_node=member.max_per_node,
        platforms=(member.template.platform,) if member.template.platform else (),
        volumes=member.volumes,
        image=familiar(member.template.image),
        labels=member.template.labels,
        reschedule=said.reschedule,
        stop_first=member.stop_first,
        exclusive=member.exclusive,
        stop_grace=member.template.stop_timeout_seconds,
        account=member.account or stack.name,
        max_parallel=member.parallelism,
        min_healthy=member.min_healthy_seconds,
        delay=member.delay_seconds,
        failure_ratio=member.failure_ratio,
    )
