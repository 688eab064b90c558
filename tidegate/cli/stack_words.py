"""How stacks and their replicas are told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tidegate.cli import words

HEADERS = ("REPLICA", "STATE", "NODE", "CONTAINER", "WHY")
SETTLED, LEAVING = "settled", "leaving"
MANY_TIMES = 3  # more than are tried again at once

Told = Mapping[str, Any]


def replicas(stack: Told) -> Iterable[Told]:
    """All replicas of a stack, those of services it has no more too."""
    for member in stack["members"]:
        yield from member["replicas"]
    yield from stack["leftover"]


def row(replica: Told) -> Sequence[object]:
    """One line of a table."""
    why = replica["why"]
    if replica["ended"]:
        why = f"{why} (ended {replica['ended']} times)"
    old = "" if replica["current"] or replica["state"] == "leaving" else " (old)"
    return (replica["name"], f"{replica['state']}{old}", replica["node"], replica["container"][:12], why)


def title(stack: Told) -> str:
    """The stack in a few words."""
    return f"stack {stack['name']}: {stack['ready']} of {stack['wanted']} replicas ready, {stack['state']}"


def standing(stack: Told) -> dict[str, str]:
    """A line for each replica, and for each image that is fetched; by what it is about. It changes when there is something to tell."""
    lines = {each["key"]: f"{each['name']}: {each['state']}{_because(each)}" for each in replicas(stack)}
    for each in stack.get("fetches", ()):
        # Of its bytes nothing is told here: a line for each layer is enough.
        layers = f"{each['layers_done']} of {words.count(each['layers'], 'layer')}" if each["layers"] else each["said"]
        size = f", {words.size(each['total_bytes'])}" if each["total_bytes"] else ""
        lines[f"image {each['image']}"] = f"image {each['image']} is fetched on {each['node']}: {layers}{size}"
    for each in stack["members"]:
        if each["refused"] and _lacking(each):
            lines[f"service {each['name']}"] = f"{each['name']}: {each['refused']}"
    return lines


def fails(stack: Told) -> bool:
    """Whether some replicas end again and again, or have no node, and no other one is on its way."""
    found = list(replicas(stack))
    busy = any(each["state"] in ("starting", "leaving") for each in found) or stack.get("fetches")
    return not busy and bool(failing(stack))


def failing(stack: Told) -> list[str]:
    """Those that keep it from being settled and will not mend by themselves; the others wait for these."""
    lines = [f"{each['name']} is {each['state']}{_because(each)}" for each in replicas(stack) if _fails(each)]
    return lines + [_short(each) for each in stack["members"] if each["refused"] and _lacking(each)]


def missing(stack: Told) -> list[str]:
    """What keeps it from being settled, one line for each."""
    lines = [
        f"{each['name']} is {each['state']}{_because(each)}"
        for each in replicas(stack)
        if each["state"] not in ("ready", "done")
    ]
    return lines + [_short(each) for each in stack["members"] if _lacking(each)]


def _short(member: Told) -> str:
    """Why a service has fewer replicas than are wanted."""
    return f"{member['name']}: no node takes {_lacking(member)} of its replicas" + (
        f", {member['refused']}" if member["refused"] else ""
    )


def _fails(replica: Told) -> bool:
    return int(replica["ended"]) >= MANY_TIMES and replica["state"] != "ready"


def _lacking(member: Told) -> int:
    return max(0, int(member["wanted"]) - len(member["replicas"]))


def _because(replica: Told) -> str:
    return f", {replica['why']}" if replica["why"] else ""


def speaker(row: Told, *, with_node: bool) -> str:
    """Whose line a row of logs is: `web-1`, a later container of the slot `web-1-g2`; with its node `web-1@a`."""
    slot, _, generation = str(row["replica"]).partition(".")
    name = f"{row['service'].rpartition('/')[2]}-{slot}" + ("" if generation == "1" else f"-g{generation}")
    return f"{name}@{row['node']}" if with_node else name


def changes(answer: Told) -> list[str]:
    """What a plan says, one line for each change."""
    return [str(each["text"]) for each in answer["changes"]]
