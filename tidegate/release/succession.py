"""Which release may follow which: one at a time, each towards another version; what a rollback is; what is kept of the past."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tidegate.errors import Conflict, Problem
from tidegate.release.fates import with_wish
from tidegate.release.record import Fate, Release, State, Wish, begun, moved
from tidegate.release.seen import Container, Seen
from tidegate.release.spec import Change, OnUnsure, Retire, Side, Slot, Spec, Strategy
from tidegate.release.strategies import Options, asked
from tidegate.release.verbs import By

KEPT = 20  # finished releases of one service that are remembered


def admitted(records: Iterable[Release], spec: Spec) -> None:
    """Raises Conflict if `spec` may not begin: another release of the service has not ended (T2001), or it would put a version
    in its own place (T2005)."""
    if _same(spec.stable, spec.candidate):
        raise Conflict(
            Problem(
                code="T2005",
                text=f"{spec.candidate} serves already",
                place=spec.service,
                mend="give the new version another name",
                kept="nothing was changed",
            )
        )
    for record in records:
        if not record.finished and touches(record.spec, spec):
            raise Conflict(
                Problem(
                    code="T2001",
                    text=f"{record}, from {record.spec.stable.called} to {record.spec.candidate.called}, has not ended",
                    place=spec.service,
                    cause=f"it is {record.state.value}, asked for by {record.asked_by.who}",
                    mend="promote or abort it first",
                    kept="nothing was changed",
                )
            )


def touches(one: Spec, other: Spec) -> bool:
    """Whether two releases would move the same weights or containers."""
    return bool(_concerns(one) & _concerns(other))


def _concerns(spec: Spec) -> set[str]:
    return {*spec.targets, spec.stable.service, spec.candidate.service}


def overtaken(old: Release, new: Release, now: float) -> Release:
    """A finished release that a new one of the same service follows. From now on it only keeps the side that lost from traffic,
    and what it retained leaves; where that side takes part in the new release, nothing is left to it."""
    if old.closed or not old.finished:
        return old
    lost = old.spec.candidate if old.state is State.ROLLED_BACK else old.spec.stable
    if any(_same(lost, side) for side in (new.spec.stable, new.spec.candidate)):
        return moved(old, now, "overtaken", why=f"by {new}", closed=True, fates={})
    name = old.spec.candidate_name if lost is old.spec.candidate else old.spec.stable_name
    retire_at = min(old.retire_at, now)
    return moved(old, now, "overtaken", why=f"by {new}", weights={name: 0}, retire_at=retire_at, held=False)


def _same(one: Side, other: Side) -> bool:
    return (one.service, one.called) == (other.service, other.called)


def prunable(records: Iterable[Release]) -> tuple[int, ...]:
    """Numbers of finished and closed releases that are too old to be kept, oldest first."""
    ended = sorted(each.number for each in records if each.closed)
    return tuple(ended[:-KEPT])


def reversal(last: Release, seen: Seen, number: int, by: By, change: Change | None = None) -> Release:
    """The release that undoes `last`, a complete one. `seen` is what is seen of `last`.

    Where its old side is still there, running or stopped, that serves again at once; else its replicas are made anew from those
    of now: by `change`, which says what they were, or of the older image where nothing else is known. Raises Conflict (T2002, T2004).
    """
    _reversible(last, seen, change)
    spec = last.spec
    there = remaining(last, seen)
    made = Options(strategy=_backwards(spec), shares=(100,), hold_seconds=0.0, confirm=False)
    own = spec.discard if not spec.creates else spec.retire
    options = replace(made, retire=own, discard=Retire.KEEP if there else Retire.REMOVE, on_unsure=OnUnsure.PASS)
    options = replace(options, gates=(), drain_seconds=spec.drain_seconds, stop_seconds=spec.stop_seconds)
    options = replace(options, retain_seconds=spec.retain_seconds, min_healthy_seconds=0.0)
    back = asked(
        options,
        spec.candidate,
        spec.stable,
        stables=spec.replicas,
        replicas=len(there) or spec.stables,
        targets=spec.targets,
        slots=() if there else tuple(Slot(container=each.id, node=each.node) for each in seen.candidate if each.alive),
        prefix=f"{spec.stable.service.rpartition('/')[2]}-{spec.stable.called}-{number}-",
        change=change or Change(image=spec.stable.image),
    )
    back = replace(back, rollback_of=last.number, service=spec.service)
    release = begun(back, number, by.when, by.who, by.why)
    wake = {each.id: Fate(wish=Wish.RETURN, since=by.when, name=each.name) for each in there if not each.alive}
    images = last.origin.images if change is not None and last.origin is not None and not there else {}
    return replace(release, fates=wake, images=images)


def remaining(last: Release, seen: Seen) -> list[Container]:
    """Those of the old side that could serve again: there, running or stopped, and not about to be removed."""
    return [each for each in seen.stable if each not in with_wish(last, seen.stable, Wish.REMOVE)]


def _backwards(spec: Spec) -> Strategy:
    """By slots or the old first, as it came; else at once."""
    return spec.strategy if spec.strategy in (Strategy.ROLLING, Strategy.REPLACE) else Strategy.BLUE_GREEN


def _reversible(last: Release, seen: Seen, change: Change | None) -> None:
    name = last.spec.stable.called
    if last.state is not State.COMPLETE:
        code, cause = "T2002", f"it is {last.state.value}: only a complete release can be rolled back"
    elif last.spec.rollback_of:
        code, cause = "T2004", f"it was itself the rollback of release {last.spec.rollback_of}"
    elif not seen.stable and not (last.spec.stable.image or change):
        code, cause = "T2002", f"nothing of {name} is left, and its image is not known"
    else:
        return
    raise Conflict(
        Problem(
            code=code,
            text=f"{last} is not rolled back",
            place=last.spec.service,
            cause=cause,
            mend="deploy the version that shall serve",
            kept="nothing was changed",
        )
    )
