"""Previews: a version that is looked at before it has a share. Each route of it gets a variant with one condition more, which
leads to that version alone.

A preview is a route like any other, made of the one it is a preview of and gone with it; no claim and no owner of its own. A
route that somebody claims under the very same conditions goes before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from tidegate.building.claims import route_id
from tidegate.building.weights import version_name
from tidegate.building.work import Work
from tidegate.model import Backend, Preview, Route
from tidegate.policy import FieldMatch, Match

PREVIEW_WEIGHT = 100


def follow_previews(work: Work, ids: Iterable[str]) -> None:
    """Bring the previews of these routes up to date; they have been built."""
    for id_ in ids:
        route = work.routes.get(id_)
        before = work.previews.get(id_)
        if not before and (route is None or not work.overrides.previews):
            continue
        wanted = {each.id: each for each in previews_of(route, work.overrides.previews)} if route is not None else {}
        for each in before:
            if each not in wanted:
                work.previews.remove(id_, each)
                if not _is_claimed(work, each):
                    work.routes.put(each, None)
        for each, preview in wanted.items():
            if not _is_claimed(work, each):
                work.previews.add(id_, each)
                work.routes.put(each, preview)


def previews_of(route: Route, previews: Mapping[str, Preview]) -> Iterator[Route]:
    """The variants of `route` that previews ask for, the narrowest target's first; none of a variant."""
    if route.preview_of:
        return
    made = {route.id}
    for target in dict.fromkeys((route.id, route.host, *(backend.service for backend in route.backends))):
        preview = previews.get(target)
        backends = _previewed(route, target, preview.backend) if preview is not None else ()
        for match in preview.matches if preview is not None and backends else ():
            both = joined(route.match, match)
            id_ = route_id(route.host, route.path, both)
            if both is not None and id_ not in made:
                made.add(id_)
                yield replace(route, id=id_, match=both, backends=backends, preview_of=route.id)


def _previewed(route: Route, target: str, name: str) -> tuple[Backend, ...]:
    """Backends that a target's preview names, as its weights would."""
    return tuple(
        replace(each, weight=PREVIEW_WEIGHT)
        for each in route.backends
        if (target in {route.id, route.host, each.service}) and name in {version_name(each.version), each.service}
    )


def joined(one: Match | None, other: Match) -> Match | None:
    """What fits both; None if nothing can."""
    if one is None:
        return other
    methods = tuple(each for each in one.methods if each in other.methods) if one.methods and other.methods else None
    headers, cookies = _both(one.headers, other.headers), _both(one.cookies, other.cookies)
    query = _both(one.query, other.query)
    if methods == () or headers is None or cookies is None or query is None:
        return None
    return Match(methods=methods or one.methods or other.methods, headers=headers, cookies=cookies, query=query)


def _both(one: tuple[FieldMatch, ...], other: tuple[FieldMatch, ...]) -> tuple[FieldMatch, ...] | None:
    found = {each.name: each for each in one}
    for each in other:
        held = found.get(each.name)
        if held is not None and None not in (held.value, each.value) and held.value != each.value:
            return None
        if held is None or held.value is None:
            found[each.name] = each
    return tuple(found[name] for name in sorted(found))


def _is_claimed(work: Work, id_: str) -> bool:
    return bool(work.claimants.get(id_) or work.specs.get(id_))
