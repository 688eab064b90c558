"""How the admin API shows stacks. Values of environments are never shown: they hold secrets."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.control.answers import Document
from tidegate.placement.replica import Place
from tidegate.stacks.naming import container_name
from tidegate.stacks.picture import Picture
from tidegate.stacks.stack import Member, Stack


def brief(picture: Picture, stack: Stack) -> Document:
    """One line of a list."""
    members = [_counts(picture, stack, member) for member in stack.members]
    return {
        "name": stack.name,
        "services": len(stack.members),
        "names": [member.name for member in stack.members],
        "wanted": sum(wanted for wanted, _ in members),
        "ready": sum(ready for _, ready in members),
        "state": state(picture, stack),
        "who": stack.who,
        "when": stack.when,
    }


def state(picture: Picture, stack: Stack) -> str:
    """`leaving`, `moving` while something is still to be done, else `settled`."""
    if stack.leaving:
        return "leaving"
    whole = all(_settled(picture, stack, member) for member in stack.members) and not _leftover(picture, stack)
    return "settled" if whole else "moving"


def shown(picture: Picture, stack: Stack, refusals: Mapping[str, str]) -> Document:
    """All of it, replica by replica. `refusals` says by service why a slot has no node."""
    return {
        **brief(picture, stack),
        "number": stack.number,
        "why": stack.why,
        "networks": [network.name for network in stack.networks],
        "volumes": stack.own_volumes,
        "outside": [{"name": each.name, "host": each.host, "ports": list(each.ports)} for each in stack.outside],
        "members": [
            {**_member(picture, stack, member), "refused": refusals.get(f"{stack.name}/{member.name}", "")}
            for member in stack.members
        ],
        "leftover": [_replica(picture, place, None) for place in _leftover(picture, stack)],
    }


def _leftover(picture: Picture, stack: Stack) -> list[Place]:
    """Places of services that the stack has no more."""
    names = {f"{stack.name}/{member.name}" for member in stack.members}
    return [place for place in picture.within(stack.name) if place.service not in names]


def _member(picture: Picture, stack: Stack, member: Member) -> Document:
    wanted, ready = _counts(picture, stack, member)
    scale = picture.scales.get(f"{stack.name}/{member.name}")
    return {
        "name": member.name,
        "image": member.template.image,
        "wanted": wanted,
        "ready": ready,
        "everywhere": member.everywhere,
        "settled": _settled(picture, stack, member),
        "scaled_by": scale.who if scale is not None else "",
        "config": member.config,
        "replicas": [_replica(picture, place, member) for place in picture.of(f"{stack.name}/{member.name}")],
    }


def _replica(picture: Picture, place: Place, member: Member | None) -> Document:
    report = picture.report(place)
    return {
        "key": place.key,
        "slot": place.slot,
        "generation": place.generation,
        "node": place.node,
        "name": container_name(place, member) if member is not None else place.key,
        "container": report.container,
        "state": "leaving" if place.leaving else report.word,
        "why": place.why if place.leaving else report.why,
        "since": report.since,
        "ended": report.ended,
        "current": member is not None and place.revision == member.config,
    }


def _counts(picture: Picture, stack: Stack, member: Member) -> tuple[int, int]:
    """How many replicas are wanted, and how many of the wanted revision serve."""
    places = [place for place in picture.of(f"{stack.name}/{member.name}") if not place.leaving]
    wanted = len({place.slot for place in places}) if member.everywhere else picture.desired(stack, member)
    current = [place for place in places if place.revision == member.config]
    return wanted, sum(_well(picture, place) for place in current)


def _settled(picture: Picture, stack: Stack, member: Member) -> bool:
    wanted, ready = _counts(picture, stack, member)
    return wanted == ready == len(picture.of(f"{stack.name}/{member.name}"))


def _well(picture: Picture, place: Place) -> bool:
    report = picture.report(place)
    return report.ready_since > 0.0 or report.done
