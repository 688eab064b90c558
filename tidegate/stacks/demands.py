"""What a service of a stack wants of the cluster, in the scheduler's words (pure)."""

from __future__ import annotations

from tidegate.placement.demand import Demand
from tidegate.placement.rule_text import understood
from tidegate.stacks.service import StackService

MIN_HEALTHY_SECONDS = 10.0


def demand(service: StackService, replicas: int, volumes: tuple[str, ...] = ()) -> Demand:
    """For `replicas` of it, which is not asked where it runs everywhere. `volumes` are those of its volumes whose content is on one node.
    Its expressions were checked when the file was read; one that was not says nothing.
    """
    said = understood(service.expressions)
    template, update = service.template, service.update
    platform = template.platform
    return Demand(
        service=service.key,
        revision=service.revision,
        replicas=replicas,
        everywhere=service.everywhere,
        reservation=service.reservation,
        ports=host_ports(service),
        rules=said.rules,
        zones=said.zones,
        spread=service.spread,
        max_per_node=service.max_per_node,
        platforms=(platform,) if platform else (),
        volumes=volumes,
        image=template.image,
        labels=template.labels,
        reschedule=said.reschedule,
        max_parallel=update.parallelism or max(replicas, 1),
        min_healthy=update.monitor_seconds or MIN_HEALTHY_SECONDS,
    )


def host_ports(service: StackService) -> tuple[str, ...]:
    """Ports of its host that a replica takes for itself, as `tcp/80`; of a range the engine takes what is free."""
    template = service.template
    fixed = {
        f"{each.protocol}/{each.host_port}" for each in template.publish if each.host_port and not each.host_port_end
    }
    if template.network_mode == "host":
        fixed |= {f"tcp/{port}" for port in template.ports} | {f"udp/{port}" for port in template.udp_ports}
    return tuple(sorted(fixed))
