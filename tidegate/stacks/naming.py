"""How the replicas of stacks are called: in the store, on an engine, and by the labels they are found again by."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from tidegate.engine.compose_labels import NUMBER_LABEL
from tidegate.engine.spec import ContainerSpec
from tidegate.placement.replica import Place
from tidegate.stacks.fingerprint import CONFIG_LABEL
from tidegate.stacks.stack import Member

PLACE_LABEL = "io.tidegate.place"  # `stack/service/slot.generation`
_MADE_ELSEWHERE = ("io.tidegate.release", "io.tidegate.scaling")  # on copies of a replica, which have all of its labels
OWNER_LABEL = "io.tidegate.owner"  # the store in which the place is: two of them may share an engine


def parts_of(service: str) -> tuple[str, str]:
    """Stack and member of a service key."""
    stack, _, member = service.partition("/")
    return stack, member


def container_name(place: Place, member: Member) -> str:
    """As Compose calls it, `stack-service-1`; a further generation of a slot has its number behind."""
    stack, name = parts_of(place.service)
    first = place.generation == 1
    if member.container_name and place.slot == 1:
        return member.container_name if first else f"{member.container_name}-g{place.generation}"
    return f"{stack}-{name}-{place.slot}" + ("" if first else f"-g{place.generation}")


def spec_of(place: Place, member: Member, owner: str) -> ContainerSpec:
    """The container of a place in the store called `owner`."""
    return replace(
        member.template,
        name=container_name(place, member),
        image=member.image,
        labels={
            **member.template.labels,
            NUMBER_LABEL: str(place.slot),
            PLACE_LABEL: place.key,
            CONFIG_LABEL: member.config,
            OWNER_LABEL: owner,
        },
    )


def place_key(labels: Mapping[str, str], owner: str) -> str:
    """The place that a container with these labels belongs to; empty where it belongs to none of `owner`."""
    copied = any(label in labels for label in _MADE_ELSEWHERE)
    return labels.get(PLACE_LABEL, "") if labels.get(OWNER_LABEL) == owner and not copied else ""


def place_of(key: str, node: str, since: float) -> Place:
    """A place that leaves since then, by its key alone: for a container of which nothing else is known."""
    service, _, rest = key.rpartition("/")
    slot, _, generation = rest.partition(".")
    numbers = [int(part) if part.isdecimal() else 0 for part in (slot, generation)]
    return Place(
        service=service,
        slot=numbers[0],
        generation=numbers[1],
        revision="",
        node=node,
        leaving=True,
        leaving_since=since,
        since=since,
        why="it has no place here",
    )
