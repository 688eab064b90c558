"""The settings in force on a route of a build, and who said each: what `explain` shows. Nothing on the way to the table."""

from __future__ import annotations

from tidegate.building.layering import default_layers, group_layers, override_layers, spec_layers
from tidegate.building.outcome import Build
from tidegate.building.routes import FILE_OWNER
from tidegate.model import Route
from tidegate.settings.layers import OFF, Layer, Said, laid
from tidegate.settings.policies import settings_of


def said_of(build: Build, route: Route) -> dict[str, Said]:
    """What differs from the built-in policy, by name. A route taken over from an earlier life does not know who said it."""
    found = laid(_layers(build, build.table.routes.get(route.preview_of, route)))
    effective = settings_of(route.policy)
    unknown = Said(value="", source="an earlier life")
    known = {name: found.get(name, unknown) for name in effective}
    return {name: Said(value=effective[name], source=each.source) for name, each in known.items()} | {
        name: each for name, each in found.items() if each.value == OFF
    }


def _layers(build: Build, route: Route) -> tuple[Layer, ...]:
    memo = build.memo
    defaults = default_layers(memo.inventories)
    services = dict.fromkeys(backend.service for backend in route.backends)
    if route.owner == FILE_OWNER:
        specs = memo.specs.get(route.id, ())
        own = spec_layers(specs[0], defaults) if specs else ()
    else:
        parts = [memo.parts.get(key) for key in memo.claimants.get(route.id, ())]
        found = [part.groups[route.id] for part in parts if part is not None and route.id in part.groups]
        groups = sorted((each for each in found if each.owner == route.owner), key=lambda each: each.first)
        services = dict.fromkeys(group.service for group in groups)
        own = group_layers(groups, defaults) if groups else ()
    return (*own, *override_layers(route.id, route.host, services, memo.overrides))
