"""How stacks and their replicas are told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

HEADERS = ("REPLICA", "STATE", "NODE", "CONTAINER", "WHY")
SETTLED = "settled"

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


def missing(stack: Told) -> list[str]:
    """What keeps it from being settled, one line for each."""
    lines = [
        f"{each['name']} is {each['state']}{_because(each)}"
        for each in replicas(stack)
        if each["state"] not in ("ready", "done")
    ]
    short = [each for each in stack["members"] if each["wanted"] > len(each["replicas"])]
    return lines + [_short(each) for each in short]


def _short(member: Told) -> str:
    """Why a service has fewer replicas than are wanted."""
    lacking = member["wanted"] - len(member["replicas"])
    return f"{member['name']}: no node takes {lacking} of its replicas" + (
        f", {member['refused']}" if member["refused"] else ""
    )


def _because(replica: Told) -> str:
    return f", {replica['why']}" if replica["why"] else ""


def changes(answer: Told) -> list[str]:
    """What a plan says, one line for each change."""
    return [str(each["text"]) for each in answer["changes"]]
