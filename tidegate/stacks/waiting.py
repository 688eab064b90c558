"""What a member of a stack waits for before it starts."""

from __future__ import annotations

from tidegate.errors import Problem, Severity
from tidegate.placement.replica import State
from tidegate.stacks.changes import desired
from tidegate.stacks.picture import Picture
from tidegate.stacks.service import Condition
from tidegate.stacks.stack import Member, Stack

NOT_AWAITED = "T2116"

_WORDS = {
    Condition.STARTED: "to run",
    Condition.HEALTHY: "to be ready",
    Condition.COMPLETED: "to end well",
}


def waits_for(stack: Stack, member: Member, picture: Picture) -> str:
    """In words, what `member` may not start before; empty when nothing holds it up.

    One replica of the other member is enough: where one of three cannot start, those who need any of them need not wait. One that is not
    required is waited for only while it has not failed, and one of which no replica is wanted not at all.
    """
    missing = [
        f"{other} {_WORDS[condition]}"
        for other, condition in member.depends.items()
        if (needed := stack.member(other)) is not None
        and (other in member.shares or needed.everywhere or picture.desired(stack, needed))
        and not _met(f"{stack.name}/{other}", condition, picture)
        and not (other in member.spared and _fails(f"{stack.name}/{other}", picture))
    ]
    return f"it waits for {' and '.join(missing)}" if missing else ""


def unawaited(picture: Picture, after: Stack) -> tuple[Problem, ...]:
    """A warning for each member of a stack to be put up that does not wait for another one, of which there is to be none."""
    none = {each.name for each in after.members if not each.everywhere and not desired(picture, after, each)}
    pairs = (
        (each.name, other)
        for each in after.members
        for other in each.depends
        if other in none and other not in each.shares
    )
    return tuple(_unawaited(after.name, *pair) for pair in pairs)


def _unawaited(stack: str, name: str, other: str) -> Problem:
    return Problem(
        code=NOT_AWAITED,
        text=f"{name} does not wait for {other}: no replica of it is wanted",
        place=f"{stack}/{name}",
        mend=f"if it needs one: tidegate scale {stack}/{other}=1, or say so in the file",
        severity=Severity.WARNING,
    )


def _met(service: str, condition: Condition, picture: Picture) -> bool:
    found = [picture.report(place) for place in picture.of(service) if not place.leaving]
    if condition is Condition.COMPLETED:
        return bool(found) and all(report.done for report in found)
    if condition is Condition.HEALTHY:
        return any(report.state is State.READY for report in found)
    return any(report.state in (State.STARTING, State.READY, State.UNHEALTHY) or report.done for report in found)


def _fails(service: str, picture: Picture) -> bool:
    found = [picture.report(place) for place in picture.of(service) if not place.leaving]
    return any(report.ended or report.state in (State.ENDED, State.UNHEALTHY) for report in found)
