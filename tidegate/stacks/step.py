"""What a node does next about one place, by what it sees of its container. Asked again after each deed, and when something changed.

    wanted:   nothing -> make -> created -> (what it depends on is there) -> start -> starting -> ready
                                             ended -> (back-off) -> start
    leaving:  running -> (no requests left, or its time to drain is over) -> stop -> ended -> remove -> nothing: gone

A container of another revision than the place's is of an earlier life, which ended while this node was away, and goes first.
A container that ended is left to the engine's restart policy; where that does not act, or there is none, it is started again after a
while that doubles each time. One that ended well and was not asked to be restarted has done its work.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec.structs import replace

from tidegate.engine.port import ContainerDetail
from tidegate.model import EngineHealth, InstanceState
from tidegate.placement.replica import Place, State
from tidegate.stacks.fingerprint import CONFIG_LABEL
from tidegate.stacks.report import Report
from tidegate.stacks.sharing import Lent
from tidegate.stacks.stack import Member
from tidegate.value import Value

QUICK_TRIES = 2
QUICK_SECONDS = 1.0
FIRST_SECONDS, LONGEST_SECONDS = 30.0, 3600.0
DRAIN_SECONDS = 30.0  # of one whose service is not known any more
_RUNS = (InstanceState.RUNNING, InstanceState.PAUSED, InstanceState.DRAINING)


class Deed(StrEnum):
    """What can be done about a place. MAKE: its image, its networks, its container."""

    MAKE = "make"
    START = "start"
    STOP = "stop"
    REMOVE = "remove"


class Look(Value):
    """What a node knows of one place. `member` is None where its service is not wanted any more; `container` None where there is none.

    `ready`: its endpoints pass their checks, or it has none; None while that cannot be known; `why` not, in words. `idle`: it has no requests left since it leaves. `waits_for` says in words
    which other member it may not start before. `lent` is what it shares of others, `outdated` in words why that is not what its container
    has: such a one is drained, and made anew.
    """

    member: Member | None = None
    container: ContainerDetail | None = None
    ready: bool | None = False
    why: str = ""
    idle: bool = False
    waits_for: str = ""
    lent: Lent = Lent()
    outdated: str = ""


class Next(Value):
    """A deed, if there is one to do now, and what is reported meanwhile. What is made shares of `lenders`, containers by service."""

    report: Report
    deed: Deed | None = None
    lenders: dict[str, str] = {}


def step(place: Place, look: Look, before: Report | None, now: float) -> Next:
    """The next thing to do, and how the place stands."""
    found = _leaving(place, look, now) if place.leaving else _wanted(place, look, before or Report(since=now), now)
    since = before.since if before is not None and _same(before, found.report) else now
    return replace(found, report=replace(found.report, since=since, placed=place.since))


def failed(report: Report, why: str, now: float) -> Report:
    """The report after a deed that could not be done."""
    ended = report.ended + 1
    state = State.ENDED if report.container else State.PENDING
    return replace(report, state=state, why=why, ended=ended, again_at=now + back_off(ended), ready_since=0.0)


def back_off(ended: int) -> float:
    """Seconds until a place that ended so often in a row is tried again."""
    if ended <= QUICK_TRIES:
        return QUICK_SECONDS * ended
    return min(FIRST_SECONDS * 2.0 ** min(ended - QUICK_TRIES - 1, 16), LONGEST_SECONDS)


def runs(container: ContainerDetail) -> bool:
    """Whether it runs, or is about to by its own restart policy."""
    return container.state in _RUNS or container.restarting


# ----------------------------------------------------------------------------------------------------------- private


def _leaving(place: Place, look: Look, now: float) -> Next:
    container = look.container
    if container is None:
        return Next(report=Report(state=State.ENDED, gone=True))
    told = Report(state=State.ENDED, container=container.id, why=place.why or "it leaves")
    if not runs(container):
        return Next(report=told, deed=Deed.REMOVE)
    drain = look.member.drain_seconds if look.member is not None else DRAIN_SECONDS
    over = look.idle or now >= place.leaving_since + drain
    return Next(report=replace(told, state=State.STARTING, why="it drains"), deed=Deed.STOP if over else None)


def _wanted(place: Place, look: Look, before: Report, now: float) -> Next:
    container = look.container
    if container is not None and container.labels.get(CONFIG_LABEL, place.revision) != place.revision:
        told = Report(container=container.id, why="another one goes first that had its name")
        return Next(report=told, deed=Deed.STOP if runs(container) else Deed.REMOVE)
    kept = Report(ended=before.ended, again_at=before.again_at)
    if container is None:
        return _missing(place, look, before, now)
    if look.outdated and (before.ends or not _is_over(look, container)):
        return _outdated(look, container, before, kept, now)
    kept = replace(kept, container=container.id)
    if runs(container) and not container.restarting:
        return Next(report=_running(look, container, before, kept, now))
    if container.state is InstanceState.CREATED:
        return _created(look, before, kept, now)
    return _ended(look, container, before, kept, now)


def _outdated(look: Look, container: ContainerDetail, before: Report, kept: Report, now: float) -> Next:
    """One that is to be made anew where it is: its requests end first, for as long as there is anybody to answer them."""
    told = replace(
        kept, container=container.id, state=State.STARTING, ends=True, why=f"it is made anew: {look.outdated}"
    )
    if not runs(container):
        return Next(report=told, deed=Deed.REMOVE)
    drain = look.member.drain_seconds if look.member is not None else DRAIN_SECONDS
    over = look.idle or look.ready is False or (before.ends and now >= before.since + drain)
    return Next(report=told, deed=Deed.STOP if over else None)


def _missing(place: Place, look: Look, before: Report, now: float) -> Next:
    member = look.member
    if member is None or member.config != place.revision:
        return Next(report=Report(state=State.ENDED, void=True, why="what it was made from has changed"))
    told = Report(ended=before.ended, again_at=before.again_at, why=before.why)
    if look.lent.missing:
        return Next(report=replace(told, why=look.lent.missing, void=look.lent.elsewhere))
    if now < before.again_at:
        return Next(report=told)
    why = before.why if before.ended else "its container is made"
    return Next(report=replace(told, why=why), deed=Deed.MAKE, lenders=look.lent.containers)


def _created(look: Look, before: Report, kept: Report, now: float) -> Next:
    if look.waits_for:
        return Next(report=replace(kept, why=look.waits_for))
    if now < before.again_at:
        return Next(report=replace(kept, why=before.why))
    return Next(report=replace(kept, why="it starts"), deed=Deed.START)


def _running(look: Look, container: ContainerDetail, before: Report, kept: Report, now: float) -> Report:
    """One that has run longer than the last back-off took has recovered from what ended it."""
    recovered = before.ended and now - container.started_at > max(back_off(before.ended), FIRST_SECONDS)
    if recovered:
        kept = replace(kept, ended=0, again_at=0.0)
    if look.ready is None and before.state is not State.ENDED:
        return replace(kept, state=before.state, ready_since=before.ready_since, why=before.why)
    if container.engine_health is EngineHealth.UNHEALTHY:
        return replace(kept, state=State.UNHEALTHY, why="the engine's health check fails")
    if container.engine_health is EngineHealth.STARTING or not look.ready:
        unwell = before.state in (State.READY, State.UNHEALTHY)
        why = ("its checks fail" if unwell else "it is not ready yet") + (f": {look.why}" if look.why else "")
        return replace(kept, state=State.UNHEALTHY if unwell else State.STARTING, why=why)
    return replace(kept, state=State.READY, ready_since=before.ready_since or now)


def _ended(look: Look, container: ContainerDetail, before: Report, kept: Report, now: float) -> Next:
    code = container.exit_code or 0
    said = "it ran out of memory" if container.oom_killed else f"it ended with exit code {code}"
    if container.restarting:
        return Next(report=replace(kept, state=State.ENDED, why=f"{said}; the engine starts it again"))
    if _is_over(look, container):
        if code == 0 and not container.oom_killed:
            return Next(report=replace(kept, state=State.ENDED, done=True, why="it ended well"))
        return Next(report=replace(kept, state=State.ENDED, why=f"{said}; it is not to be restarted"))
    if before.state is not State.ENDED:
        ended = before.ended + 1
        kept = replace(kept, ended=ended, again_at=now + back_off(ended))
    if now < kept.again_at:
        return Next(report=replace(kept, state=State.ENDED, why=f"{said}; started again after a while"))
    # Not ENDED: that it ends once more, however soon, has to be seen as another time.
    return Next(report=replace(kept, state=State.PENDING, why=f"{said}; it is started again"), deed=Deed.START)


def _is_over(look: Look, container: ContainerDetail) -> bool:
    """Whether it ended, and is not started again: it has done its work, or is to be tried once only."""
    if runs(container) or container.state is InstanceState.CREATED:
        return False
    policy = look.member.template.restart if look.member is not None else ""
    well = not container.exit_code and not container.oom_killed
    return policy == "no" or (well and policy.partition(":")[0] in ("", "on-failure"))


def _same(one: Report, other: Report) -> bool:
    told = [(each.state, each.gone, each.void, each.done, each.ends) for each in (one, other)]
    return told[0] == told[1]
