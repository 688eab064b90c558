"""What a member of a stack waits for before it starts."""

from __future__ import annotations

from tidegate.placement.replica import State
from tidegate.stacks.picture import Picture
from tidegate.stacks.service import Condition
from tidegate.stacks.stack import Member, Stack

_WORDS = {
    Condition.STARTED: "to run",
    Condition.HEALTHY: "to be ready",
    Condition.COMPLETED: "to end well",
}


def waits_for(stack: Stack, member: Member, picture: Picture) -> str:
    """In words, what `member` may not start before; empty when nothing holds it up.

    One replica of the other member is enough: where one of three cannot start, those who need any of them need not wait. One that is not
    required is waited for only while it has not failed.
    """
    missing = [
        f"{other} {_WORDS[condition]}"
        for other, condition in member.depends.items()
        if stack.member(other) is not None
        and not _met(f"{stack.name}/{other}", condition, picture)
        and not (other in member.spared and _fails(f"{stack.name}/{other}", picture))
    ]
    return f"it waits for {' and '.join(missing)}" if missing else ""


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
