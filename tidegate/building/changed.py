"""What changed since the previous build, and so must be built again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from tidegate.building.work import NOTHING, Work


def doubt_everything(work: Work) -> None:
    """Mark all that the previous table holds."""
    table = work.previous.table
    work.dirty_services.update(table.services)
    work.dirty_routes.update(table.routes)
    work.dirty_names.update(table.names)


def changed_services(work: Work, changed_health: Iterable[str]) -> list[str]:
    """Keys of the services to build again, sorted so that the outcome does not depend on the order of events."""
    dirty = work.dirty_services | set(_reinventoried(work))
    for id_ in changed_health:
        check = work.previous.checks.get(id_)
        if check is not None:
            dirty.add(check.service)
    drained = work.overrides.drained ^ work.memo.overrides.drained
    if drained:
        dirty.update(key for key, part in work.memo.parts.items() if not part.handles.isdisjoint(drained))
    dirty.update(key for key, at in work.memo.lingering.items() if at <= work.now)
    dirty.update(_reweighted(work))
    return sorted(dirty)


def overridden_routes(work: Work) -> AbstractSet[str]:
    """Ids of the routes that a change of weights, modes, settings or previews reaches."""
    old, new = work.memo.overrides, work.overrides
    targets = {
        target
        for before, after in (
            (old.weights, new.weights),
            (old.modes, new.modes),
            (old.messages, new.messages),
            (old.settings, new.settings),
            (old.previews, new.previews),
            (old.closed, new.closed),
        )
        if before is not after
        for target in before.keys() | after.keys()
        if before.get(target) != after.get(target)
    }
    found: set[str] = set()
    for target in targets:
        part = work.parts.get(target)
        found.update(part.groups if part is not None else ())
        found.update(work.users.get(target))
        found.update(work.hosts.get(target))
        if work.routes.get(target) is not None:
            found.add(target)
    return found


def _reinventoried(work: Work) -> Iterator[str]:
    for provider in work.inventories.keys() | work.memo.inventories.keys():
        new = work.inventories.get(provider, NOTHING).services
        old = work.memo.inventories.get(provider, NOTHING).services
        if new is old:
            continue
        yield from (key for key, instances in new.items() if old.get(key) is not instances)
        if not new.keys() >= old.keys():
            yield from (key for key in old if key not in new)


def _reweighted(work: Work) -> Iterator[str]:
    """Services whose names must follow a change of the operator's weights: of the service itself, of a route or host of it."""
    old, new = work.memo.overrides.weights, work.overrides.weights
    if old is new:
        return
    for target in old.keys() | new.keys():
        if old.get(target) == new.get(target):
            continue
        if target in work.memo.parts:
            yield target
        for id_ in (target, *work.hosts.get(target)):
            yield from work.claimants.get(id_)
