"""A Compose file as a stack: what is stored of it when it is put up."""

from __future__ import annotations

from tidegate.engine.spec import ContainerSpec, MountKind
from tidegate.errors import Problem, Severity
from tidegate.release.spec import Pull
from tidegate.stacks.file import ComposeFile
from tidegate.stacks.modes import has_others_network, shared_services
from tidegate.stacks.service import StackService
from tidegate.stacks.stack import Member, Outside, Stack

EVERYBODY = 1000  # replaced at a time where the file says: all at once
MIN_HEALTHY_SECONDS = 10.0
NO_WAY_BACK = "T2113"


def stack_of(file: ComposeFile) -> Stack:
    """The stack of a file without errors."""
    return Stack(
        name=file.project,
        members=tuple(_member(file, service) for service in file.services if service.external is None),
        outside=tuple(
            Outside(name=service.name, host=where.host, ports=where.ports, labels=service.template.labels)
            for service in file.services
            if (where := service.external) is not None
        ),
        networks=file.networks,
        volumes=file.volumes,
    )


def remarks(file: ComposeFile) -> tuple[Problem, ...]:
    """What the file says and a stack does not do."""
    found = []
    for service in file.services:
        if service.update.rollback:
            text = f"a new version of {service.name} that does not get ready is not taken back by itself"
            mend = "the old replicas go on serving; put the earlier file up again"
            found.append(_warning(NO_WAY_BACK, service, text, mend))
    return tuple(found)


def _member(file: ComposeFile, service: StackService) -> Member:
    template, update = service.template, service.update
    ports = tuple(
        sorted(
            f"{each.protocol}/{each.host_port}"
            for each in template.publish
            if _fixed(each.host_port, each.host_port_end)
        )
    )
    start_first = update.start_first
    if start_first is None:
        start_first = not (ports or _writes(template) or has_others_network(template))
    start_first = start_first and not service.exclusive
    return Member(
        name=service.name,
        template=template,
        config=service.revision,
        scale=service.scale,
        everywhere=service.everywhere,
        depends={each.service: each.condition for each in service.depends},
        spared=tuple(each.service for each in service.depends if not each.required),
        ports=ports,
        volumes=file.local_volumes(service),
        stop_first=not start_first,
        exclusive=service.exclusive,
        account=service.account,
        parallelism=update.parallelism or EVERYBODY,
        min_healthy_seconds=update.monitor_seconds or MIN_HEALTHY_SECONDS,
        delay_seconds=update.delay_seconds,
        failure_ratio=update.failure_ratio,
        pull=_pull(service),
        container_name=service.container_name,
        expressions=(*service.expressions, *(f"affinity:service=={name}" for name in shared_services(template))),
        spread=service.spread,
        max_per_node=service.max_per_node,
        reservation=service.reservation,
    )


def _fixed(host_port: int, end: int) -> bool:
    return bool(host_port) and end <= host_port


def _writes(template: ContainerSpec) -> bool:
    """Whether it writes to something that outlives it: two of them at a time might spoil that."""
    return any(each.source and not each.read_only and each.kind is not MountKind.TMPFS for each in template.mounts)


def _pull(service: StackService) -> Pull:
    if service.latest_image or service.pull_policy == "always":
        return Pull.ALWAYS
    return Pull.NEVER if service.pull_policy == "never" else Pull.MISSING


def _warning(code: str, service: StackService, text: str, mend: str) -> Problem:
    return Problem(code=code, text=text, place=service.key, mend=mend, severity=Severity.WARNING)
