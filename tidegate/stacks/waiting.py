"""What a member of a stack waits for before it starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidegate.placement.replica import Place, State
from tidegate.stacks.naming import key_of
from tidegate.stacks.report import Report
from tidegate.stacks.service import Condition
from tidegate.stacks.stack import Member, Stack

_WORDS = {
    Condition.STARTED: "to run",
    Condition.HEALTHY: "to be ready",
    Condition.COMPLETED: "to end well",
}


def waits_for(stack: Stack, member: Member, places: Iterable[Place], reports: Mapping[str, Report]) -> str:
    """In words, what `member` may not start before; empty when nothing holds it up.

    One replica of the other member is enough: where one of three cannot start, those who need any of them need not wait.
    """
    mine = [place for place in places if place.service.partition("/")[0] == stack.name and not place.leaving]
    missing = [
        f"{other} {_WORDS[condition]}"
        for other, condition in member.depends.items()
        if stack.member(other) is not None and not _met(f"{stack.name}/{other}", condition, mine, reports)
    ]
    return f"it waits for {' and '.join(missing)}" if missing else ""


def _met(service: str, condition: Condition, places: Iterable[Place], reports: Mapping[str, Report]) -> bool:
    found = [reports.get(key_of(place), Report()) for place in places if place.service == service]
    if condition is Condition.COMPLETED:
        return bool(found) and all(report.done for report in found)
    if condition is Condition.HEALTHY:
        return any(report.state is State.READY for report in found)
    return any(report.state in (State.STARTING, State.READY, State.UNHEALTHY) or report.done for report in found)
