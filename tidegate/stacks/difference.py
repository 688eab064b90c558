"""What putting a file up would change: compared with the file before it, and with the containers that run (pure).

Containers are found by Compose's labels, whoever made them; what one was made from is told by its fingerprint. One that has none, or
another one, is made anew; why is known field by field where the file before is, and it was made from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from msgspec.structs import replace

from tidegate.engine.compose_labels import NUMBER_LABEL, PROJECT_LABEL, SERVICE_LABEL
from tidegate.engine.port import ContainerSummary
from tidegate.stacks.field_changes import FieldChange, field_changes
from tidegate.stacks.file import ComposeFile
from tidegate.stacks.fingerprint import CONFIG_LABEL
from tidegate.stacks.ground import Ground
from tidegate.stacks.service import StackService
from tidegate.value import Value


class Running(Value):
    """A container of the stack: which replica it is, and what it was made from (empty: nobody said)."""

    id: str
    service: str
    number: int = 0
    config: str = ""


class Act(StrEnum):
    """What becomes of a service."""

    CREATE = "create"
    RECREATE = "recreate"
    SCALE = "scale"
    REMOVE = "remove"
    UNCHANGED = "unchanged"


class ServiceChange(Value):
    """One service. `before` and `after` count its containers, -1 for one on each node. `reasons` say why they are made anew, `fields`
    are what of that is known exactly. `pinned` are volumes that keep its replicas on the nodes that they are on.
    """

    service: str
    act: Act
    before: int = 0
    after: int = 0
    fields: tuple[FieldChange, ...] = ()
    reasons: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()


class Difference(Value):
    """Everything that would change; services in the order in which they start, those that go at the end."""

    stack: str
    services: tuple[ServiceChange, ...] = ()
    ground: Ground = Ground()

    @property
    def is_empty(self) -> bool:
        settled = all(each.act is Act.UNCHANGED for each in self.services)
        return settled and not (self.ground.networks or self.ground.volumes)


EVERYWHERE = -1


def running(stack: str, containers: Iterable[ContainerSummary]) -> tuple[Running, ...]:
    """The containers of a stack, also those that Compose made."""
    return tuple(
        Running(
            id=each.id,
            service=each.labels.get(SERVICE_LABEL, ""),
            number=int(number) if (number := each.labels.get(NUMBER_LABEL, "")).isdecimal() else 0,
            config=each.labels.get(CONFIG_LABEL, ""),
        )
        for each in containers
        if each.labels.get(PROJECT_LABEL) == stack and each.labels.get(SERVICE_LABEL)
    )


def difference(
    wanted: ComposeFile, found: Iterable[Running], before: ComposeFile | None = None, ground: Ground | None = None
) -> Difference:
    """What would change to `wanted`. `found` is what runs, `before` the file that was put up last, `ground` what has to be made."""
    by_service: dict[str, list[Running]] = {}
    for each in found:
        by_service.setdefault(each.service, []).append(each)
    services = [service for name in wanted.start_order if (service := wanted.service(name)) is not None]
    made = [_service(wanted, each, by_service.pop(each.name, []), before) for each in services if each.external is None]
    gone = [ServiceChange(service=name, act=Act.REMOVE, before=len(rest)) for name, rest in by_service.items()]
    return Difference(stack=wanted.project, services=(*made, *gone), ground=ground or Ground())


def _service(
    wanted: ComposeFile, service: StackService, found: list[Running], before: ComposeFile | None
) -> ServiceChange:
    count = EVERYWHERE if service.everywhere else service.scale
    change = ServiceChange(
        service=service.name,
        act=Act.UNCHANGED,
        before=len(found),
        after=count,
        pinned=wanted.local_volumes(service),
    )
    if not found:
        return replace(change, act=Act.CREATE) if count else change
    others = [each for each in found if each.config != service.revision]
    if others:
        fields, reasons = _why(service, others, before)
        return replace(change, act=Act.RECREATE, fields=fields, reasons=reasons)
    return change if count in (EVERYWHERE, len(found)) else replace(change, act=Act.SCALE)


def _why(
    service: StackService, others: list[Running], before: ComposeFile | None
) -> tuple[tuple[FieldChange, ...], tuple[str, ...]]:
    """(fields, reasons in words) for which these containers are made anew."""
    old = before.service(service.name) if before is not None else None
    fields: tuple[FieldChange, ...] = ()
    reasons: dict[str, None] = {}
    for each in others:
        if old is not None and each.config == old.revision:
            fields = field_changes(old.template, service.template)
            reasons |= dict.fromkeys(map(str, fields))
        elif each.config:
            reasons["it was made from another configuration than the last one"] = None
        else:
            reasons["it was not made by Tidegate"] = None
    return fields, tuple(reasons)


# ------------------------------------------------------------------------------------------------------------- in words


def lines(found: Difference) -> tuple[str, ...]:
    """The difference for people, a line for each thing and more for its reasons."""
    return tuple(_lines(found))


def _lines(found: Difference) -> Iterator[str]:
    if found.is_empty:
        yield f"stack {found.stack} is as the file says"
        return
    yield from (f"+ network {spec.name}, {spec.driver or 'bridge'}" for spec in found.ground.networks)
    yield from (f"+ volume {spec.name}, {spec.driver or 'local'}" for spec in found.ground.volumes)
    for each in found.services:
        yield _sentence(each)
        yield from (f"    {reason}" for reason in each.reasons)
        if each.pinned and each.act in (Act.RECREATE, Act.SCALE):
            yield f"    its replicas stay on their nodes, where {', '.join(each.pinned)} is"


def _sentence(change: ServiceChange) -> str:
    name, count = change.service, _count(change.after)
    moved = "" if change.before == change.after else f", {_count(change.before)} -> {count}"
    return {
        Act.CREATE: f"+ {name}: create {count}",
        Act.RECREATE: f"~ {name}: recreate {_count(change.before)}{'' if change.after == EVERYWHERE else moved}",
        Act.SCALE: f"~ {name}: scale {change.before} -> {change.after}",
        Act.REMOVE: f"- {name}: remove {_count(change.before)}",
        Act.UNCHANGED: f"  {name}: unchanged",
    }[change.act]


def _count(number: int) -> str:
    if number == EVERYWHERE:
        return "one on each node"
    return f"{number} container{'' if number == 1 else 's'}"
