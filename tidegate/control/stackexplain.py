"""Why the replicas of a service are where they are, or wait: how each slot stands, and what placement says of one of them now. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tidegate.control.answers import Document
from tidegate.control.document import document
from tidegate.placement.explain import Explanation, explained
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Pending, Place
from tidegate.stacks.naming import parts_of
from tidegate.stacks.picture import Picture
from tidegate.stacks.stack import Member, Stack


def explain(
    picture: Picture, stack: Stack, member: Member, nodes: Iterable[NodeFacts], slot: int = 0, held: str = ""
) -> Document:
    """Of `slot`; 0: of the first that waits, else of one more. A slot that has a node is looked at as if it had none, so that what speaks
    for it is seen beside what speaks for others. `held` says who places the service, where that is not placement."""
    service = f"{stack.name}/{member.name}"
    staying = {place.slot: place for place in picture.of(service) if not place.leaving}
    wanted = picture.desired(stack, member)
    chosen = slot or next((each for each in range(1, wanted + 1) if each not in staying), max(staying, default=0) + 1)
    found = _explanation(picture, stack, member, nodes, chosen)
    return {
        "service": service,
        "wanted": wanted,
        "everywhere": member.everywhere,
        "slot": chosen,
        "node": staying[chosen].node if chosen in staying else "",
        "waiting": [each for each in range(1, wanted + 1) if each not in staying],
        "held": held,
        "steps": [
            *_standing(picture, service, staying, wanted, everywhere=member.everywhere),
            *((held,) if held else ()),
            *_said(found, chosen, staying.get(chosen), more=chosen > wanted),
        ],
        "explanation": document(found),
    }


def _explanation(
    picture: Picture, stack: Stack, member: Member, nodes: Iterable[NodeFacts], slot: int
) -> Explanation | None:
    """What placement says of the slot; None of a stack that leaves."""
    service = f"{stack.name}/{member.name}"
    scene = picture.scene(nodes)
    others = tuple(each for each in scene.replicas if (each.service, each.slot) != (service, slot))
    last = max(
        (each for each in picture.of(service) if each.slot == slot), key=lambda each: each.generation, default=None
    )
    home = last.node if last is not None and member.volumes else ""
    pending = Pending(service=service, slot=slot, revision=member.config, home=home)
    seed = sum(each.number for each in picture.stacks.values())
    return explained(pending, replace(scene, replicas=others), seed)


def _standing(
    picture: Picture, service: str, staying: dict[int, Place], wanted: int, *, everywhere: bool
) -> Iterable[str]:
    """The service in a line, and one for each of its places."""
    ready = sum(picture.report(place).ready_since > 0 for place in staying.values())
    asked = "one is wanted on each node" if everywhere else f"{wanted} wanted"
    yield f"{service}: {asked}, {len(staying)} placed, {ready} ready"
    for place in picture.of(service):
        report = picture.report(place)
        word, why = ("leaving", place.why) if place.leaving else (report.word, report.why or place.why)
        yield f"  {parts_of(service)[1]} {place.slot} on {place.node}: {word}{f', {why}' if why else ''}"


def _said(found: Explanation | None, slot: int, place: Place | None, *, more: bool) -> Iterable[str]:
    if found is None:
        yield "the stack is taken down"
        return
    if place is not None:
        yield f"were {slot} placed now:"
    elif more:
        yield f"one more, {slot}:"
    yield from found.text
    if not found.best:
        yield from (f"  {', '.join(miss.nodes)}: {miss.filter}" for miss in found.misses)
