"""What one service asks for on each route, with memory: a claim outlives its last live instance for a while.

States of a group: *live* (an instance claims it) -> *lost* (`gone_at` is set when the last one goes) -> forgotten after
`linger_seconds`, or live again. A lost group is kept longer while a live instance of the service carries label errors:
its bad label may be the very reason, and the last good route goes on serving (invariant 5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from tidegate.building.calls import claims_of
from tidegate.building.options import BuildOptions
from tidegate.errors import Problem, Severity
from tidegate.model import Backend, Instance, RouteClaim
from tidegate.policy import Match
from tidegate.settings.layers import joined
from tidegate.value import Value

_SCHEMES = frozenset({"http", "https", "ws", "wss"})


class Group(Value, frozen=True):
    """All that one service asks for on one route.

    `first` is (creation time, id) of the earliest claiming instance, `who` its name and `origin` its label.
    `backends` are those with live instances, or the last known ones where the group is lost; `recent` maps
    (version, port) of backends that went to the time they did. `gone_at` None means live. `settings` are what its
    containers say of the route, `implied` what their labels' form means. `relative`: nobody asked for it, the host is a name of
    the service. `wants_release`: all of its versions want one.
    """

    service: str
    owner: str
    host: str
    path: str
    first: tuple[float, str]
    who: str
    origin: str
    backends: tuple[Backend, ...]
    match: Match | None = None
    settings: dict[str, str] = {}
    implied: dict[str, str] = {}
    wants_release: bool = False
    recent: tuple[tuple[str, int, float], ...] = ()
    gone_at: float | None = None
    relative: bool = False


def route_id(host: str, path: str, match: Match | None = None) -> str:
    """Host, path and conditions in one word: `shop.test/api`, `shop.test/api#header.x-beta=1`."""
    return f"{host}{path}#{match}" if match is not None else host + path


def place_of(id_: str) -> str:
    """Host and path of a route's id; no path has a `#`. Who holds a place holds it for all conditions."""
    return id_.partition("#")[0]


def groups(
    key: str,
    live: Sequence[Instance],
    previous: Mapping[str, Group],
    waiting: AbstractSet[str],
    options: BuildOptions,
    now: float,
) -> tuple[dict[str, Group], tuple[Problem, ...]]:
    """Groups of service `key` by route id, the lost ones among them, and what is wrong with its claims. Versions that are
    `waiting` have no weight."""
    asked: dict[str, list[tuple[Instance, RouteClaim]]] = {}
    problems: list[Problem] = []
    for instance, claim in claims_of(live, options):
        fault = _fault(instance, claim)
        if fault is not None:
            problems.append(fault)
        else:
            asked.setdefault(_id_of(claim), []).append((instance, claim))
    weights = version_weights(live, waiting)[0]
    faulty = any(_has_error(instance) for instance in live) or any(p.severity is Severity.ERROR for p in problems)
    problems += [problem for claims in asked.values() for problem in _differing(key, claims)]
    made = {route: _group(key, claims, weights) for route, claims in asked.items()}
    made = {route: _remembering(group, previous.get(route), options, now) for route, group in made.items()}
    for route, group in previous.items():
        if route not in made:
            gone_at = now if group.gone_at is None else group.gone_at
            if faulty or now < gone_at + options.linger_seconds:
                made[route] = group if group.gone_at is not None else replace(group, gone_at=gone_at, recent=())
    return made, tuple(problems)


def wake_at(found: Mapping[str, Group], options: BuildOptions, now: float) -> float | None:
    """When the groups must be looked at again because memory runs out; None if nothing lingers."""
    deadlines = [at + options.linger_seconds for group in found.values() for at in _departures(group)]
    return min((at for at in deadlines if at > now), default=None)


def _departures(group: Group) -> Iterator[float]:
    if group.gone_at is not None:
        yield group.gone_at
    for _version, _port, gone_at in group.recent:
        yield gone_at


def version_weights(
    live: Sequence[Instance], waiting: AbstractSet[str] = frozenset()
) -> tuple[dict[str, int], tuple[Problem, ...]]:
    """Relative weight of each version: that of its earliest instance, none while it is `waiting`; a differing later one is
    a problem."""
    first: dict[str, Instance] = {}
    problems = []
    for instance in live:
        winner = first.setdefault(instance.version, instance)
        if instance.weight != winner.weight:
            problems.append(_weight_conflict(winner, instance))
    weights = {version: 0 if version in waiting else instance.weight for version, instance in first.items()}
    return weights, tuple(problems)


def _weight_conflict(winner: Instance, loser: Instance) -> Problem:
    version = winner.version or "default"
    return Problem(
        code="T1306",
        text=f"{loser.name} gives version {version} of {winner.key} weight {loser.weight}, "
        f"but {winner.name} gave it {winner.weight}",
        place=f"container {loser.name}",
        cause="the weight belongs to the version, not to one container",
        mend="write the same weight on all containers of one version, or give them different versions",
        kept=f"weight {winner.weight}",
        severity=Severity.WARNING,
    )


def _group(key: str, claims: Sequence[tuple[Instance, RouteClaim]], weights: Mapping[str, int]) -> Group:
    earliest, claim = claims[0]
    wanted = dict.fromkeys((instance.version, each.port) for instance, each in claims)
    return Group(
        service=key,
        owner=earliest.project,
        host=claim.host,
        path=claim.path,
        first=(earliest.created_at, earliest.id),
        who=earliest.name,
        origin=claim.origin,
        backends=tuple(
            Backend(service=key, version=version, port=port, weight=weights[version])
            for version, port in sorted(wanted)
        ),
        match=claim.match,
        settings=joined(claim.settings, (each.settings for _, each in claims[1:])),
        implied=claim.implied,
        relative=claim.relative,
        wants_release=all(instance.release is not None for instance, _ in claims),
    )


def _differing(key: str, claims: Sequence[tuple[Instance, RouteClaim]]) -> list[Problem]:
    """Containers that say other settings than the earliest one of their version. Versions may differ: during a deploy the
    settings of the earliest container hold, and those of the new version take over when the old one has gone."""
    first: dict[str, tuple[Instance, RouteClaim]] = {}
    problems = []
    for instance, claim in claims:
        winner, won = first.setdefault(instance.version, (instance, claim))
        if claim.settings != won.settings:
            said = {name for name in claim.settings.keys() | won.settings.keys() if _differs(name, claim, won)}
            problems.append(_settings_conflict(key, winner, instance, claim, sorted(said)))
    return problems


def _differs(name: str, one: RouteClaim, other: RouteClaim) -> bool:
    return one.settings.get(name) != other.settings.get(name)


def _settings_conflict(key: str, winner: Instance, loser: Instance, claim: RouteClaim, names: Sequence[str]) -> Problem:
    return Problem(
        code="T1307",
        text=f"{loser.name} and {winner.name} of {key} do not say the same of {_id_of(claim)}: " + ", ".join(names),
        place=f"container {loser.name}",
        cause="a route has one policy, and the earliest container says which",
        mend="write the same labels on all containers of one version",
        kept=f"what {winner.name} says, and every protection that any of them asks for",
        severity=Severity.WARNING,
    )


def _remembering(group: Group, previous: Group | None, options: BuildOptions, now: float) -> Group:
    """`group`, knowing which of its backends went a short while ago."""
    if previous is None:
        return group
    present = {(backend.version, backend.port) for backend in group.backends}
    gone = {(version, port): at for version, port, at in previous.recent}
    for backend in previous.backends:
        gone.setdefault((backend.version or "", backend.port), now if previous.gone_at is None else previous.gone_at)
    recent = tuple(
        (version, port, at)
        for (version, port), at in sorted(gone.items())
        if (version, port) not in present and now < at + options.linger_seconds
    )
    return group if not recent else replace(group, recent=recent)


def _id_of(claim: RouteClaim) -> str:
    return route_id(claim.host, claim.path, claim.match)


def _has_error(instance: Instance) -> bool:
    return any(problem.severity is Severity.ERROR for problem in instance.problems)


def _fault(instance: Instance, claim: RouteClaim) -> Problem | None:
    """A claim that no label parser should have let through; the builder must not fall over it."""
    if not claim.host or claim.host != claim.host.lower():
        wrong = f"host {claim.host!r} is empty or not lower-case"
    elif not claim.path.startswith("/"):
        wrong = f"path {claim.path!r} does not start with /"
    elif not 1 <= claim.port <= 65535:
        wrong = f"port {claim.port} is not in 1..65535"
    elif claim.scheme not in _SCHEMES:
        wrong = f"scheme {claim.scheme!r} is not one of http, https, ws, wss"
    else:
        return None
    return Problem(
        code="T1308",
        text=f"{instance.name} claims a route that cannot be served: {wrong}",
        place=f"container {instance.name}, {claim.origin or 'claim'}",
        mend="correct the label; other routes of the container are not affected",
        kept="the last good route of the service, if it had one",
    )
