"""One service built again: its part, and all that it touches."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.building.parts import Part, build_part
from tidegate.building.waiting import waiting_problem
from tidegate.building.weights import governs, version_name
from tidegate.building.work import Work
from tidegate.errors import Problem
from tidegate.model import Instance


def rebuild_service(work: Work, key: str) -> None:
    """Build the part of `key` and mark what it touches; a service that nothing is left of goes."""
    old = work.memo.parts.get(key)
    new: Part | None = build_part(key, _seen(work, key, old), old, work.health, work.overrides, work.options, work.now)
    assert new is not None
    work.service_problems.put(key, (*new.problems, *_waiting(work, key, new)) or None)
    if not new.live and not new.groups:
        new = None
    work.parts.changes[key] = new
    work.services.put(key, new.service if new else None)
    work.lingering.put(key, new.wake_at if new else None)
    _take_checks(work, old, new)
    _take_groups(work, key, old, new)
    _take_names(work, key, old, new)
    if (old.shape if old else None) != (new.shape if new else None):
        work.dirty_routes.update(work.users.get(key))
    if key in work.services.changes:
        work.dirty_routes.update(work.askers.get(key))


def _seen(work: Work, key: str, old: Part | None) -> tuple[Instance, ...]:
    """The instances of all providers. Where nothing changed, the very tuple of the previous build."""
    tuples = [inventory.services[key] for inventory in work.inventories.values() if key in inventory.services]
    if len(tuples) == 1:
        return tuples[0]
    merged = tuple(sorted((i for each in tuples for i in each), key=lambda i: (i.created_at, i.id)))
    if old is not None and len(old.seen) == len(merged) and all(map(_same, old.seen, merged)):
        return old.seen
    return merged


def _waiting(work: Work, key: str, part: Part) -> Iterator[Problem]:
    """What is said of versions that wait for their release where no weights are set that say who gets nothing."""
    places = [(id_, group.host) for id_, group in part.groups.items()] or [("", "")]
    if not part.holding.waiting or any(governs(work.overrides.weights, *place, key) for place in places):
        return
    for version in sorted(part.holding.waiting):
        name = version_name(version)
        yield waiting_problem(key, name, f"{key} --version {name}")


def _take_checks(work: Work, old: Part | None, new: Part | None) -> None:
    before, after = (part.checks if part else {} for part in (old, new))
    if before is after:
        return
    for id_ in before.keys() - after.keys():
        # An instance that moved to another service is already watched there, if that one was built first.
        moved = work.checks.changes.get(id_)
        if moved is None:
            work.checks.put(id_, None)
    for id_, check in after.items():
        work.checks.put(id_, check)


def _take_groups(work: Work, key: str, old: Part | None, new: Part | None) -> None:
    before, after = (part.groups if part else {} for part in (old, new))
    if before is after:
        return
    for id_ in before.keys() | after.keys():
        if before.get(id_) == after.get(id_):
            continue
        work.dirty_routes.add(id_)
        if id_ in after:
            work.claimants.add(id_, key)
        else:
            work.claimants.remove(id_, key)


def _take_names(work: Work, key: str, old: Part | None, new: Part | None) -> None:
    before, after = (part.names if part else {} for part in (old, new))
    other_mode = old is not None and new is not None and (old.dns, old.ttl) != (new.dns, new.ttl)
    for name, targets in after.items():
        if other_mode or before.get(name) != targets:
            work.dirty_names.add(name)
            if name not in before:
                work.sources.add(name, key)
    for name in before.keys() - after.keys():
        work.dirty_names.add(name)
        work.sources.remove(name, key)


def _same(one: object, other: object) -> bool:
    return one is other
