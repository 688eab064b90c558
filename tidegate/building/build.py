"""The next build from the previous one, at a cost that follows the change. See the package's docstring for the words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidegate.building.changed import changed_services, doubt_everything, overridden_routes
from tidegate.building.names import rebuild_name
from tidegate.building.options import BuildOptions
from tidegate.building.outcome import Build
from tidegate.building.places import rebuild_route, take_defaults, take_specs, with_variants
from tidegate.building.previews import follow_previews
from tidegate.building.services import rebuild_service
from tidegate.building.work import Work
from tidegate.model import HealthReport, Inventory, Overrides


def build(
    previous: Build | None,
    inventories: Mapping[str, Inventory],
    health: Mapping[str, HealthReport],
    overrides: Overrides,
    options: BuildOptions = BuildOptions(),  # noqa: B008  a frozen value
    *,
    changed_health: Iterable[str] = (),
    now: float = 0.0,
) -> Build:
    """The build of what is given; `previous` None builds from scratch.

    `changed_health` must name every endpoint whose report differs from the one in the previous build. `now` in seconds
    on a clock that never goes back. Does not raise on invalid data: what is at fault keeps its last good entry and
    shows in `problems`.
    """
    work = Work(previous or Build(), inventories, health, overrides, options, now)
    if work.memo.resumed:
        doubt_everything(work)
    for key in changed_services(work, changed_health):
        rebuild_service(work, key)
    take_specs(work)
    take_defaults(work)
    routes = sorted(with_variants(work, work.dirty_routes | overridden_routes(work)))
    for id_ in routes:
        rebuild_route(work, id_)
    follow_previews(work, routes)
    for name in sorted(work.dirty_names):
        rebuild_name(work, name)
    return work.result()
