"""The operator's weights laid over those of labels and files.

A *layer* is what was set for one target: the route, else its host, else the service. Within the layer that governs a
backend, a version that is not named gets nothing, so that a version started beside a release gets no traffic by
surprise; but once none of the named ones with a weight is left (nor went a moment ago), the layer is moot and the
others keep their own weights, so that an old shift cannot starve a new deployment. A layer of zeros only keeps its versions
from traffic: that is no mistake, and nobody is told of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from tidegate.errors import Problem, Severity
from tidegate.model import Backend

Layers = Mapping[str, Mapping[str, int]]  # target -> backend name -> weight
Triple = tuple[str, str, int]  # service, version, port


def version_name(version: str | None) -> str:
    """How a version is called by an operator; the empty one is `default`."""
    return version or "default"


def weighted(
    id_: str,
    host: str,
    backends: Sequence[Backend],
    present: AbstractSet[Triple],
    recent: AbstractSet[Triple],
    layers: Layers,
) -> tuple[tuple[Backend, ...], tuple[Problem, ...]]:
    """`backends` with the weights that hold, those named but absent added, and what the operator should know.

    `present` are backends with live instances, `recent` those whose last instance went a moment ago.
    """
    governed: dict[str, list[Backend]] = {}
    for backend in backends:
        target = next((each for each in (id_, host, backend.service) if each in layers), "")
        governed.setdefault(target, []).append(backend)
    if not layers or set(governed) == {""}:
        return tuple(backends), ()
    chosen: list[Backend] = []
    problems: list[Problem] = []
    for target, members in governed.items():
        if not target:
            chosen += members
            continue
        made, found = _layer(id_, target, layers[target], members, present, recent)
        chosen += made
        problems += found
    return tuple(chosen), tuple(problems)


def governs(layers: Layers, id_: str, host: str, service: str) -> bool:
    """Whether weights were set that hold for the service on this route; they say who of its versions gets nothing."""
    return any(target in layers for target in (id_, host, service))


def _layer(
    id_: str,
    target: str,
    names: Mapping[str, int],
    members: Sequence[Backend],
    present: AbstractSet[Triple],
    recent: AbstractSet[Triple],
) -> tuple[list[Backend], list[Problem]]:
    services = {member.service for member in members}
    named = {_triple(member): weight for member in members if (weight := _named(member, names)) is not None}
    absent = [
        _absent(member, name, weight)
        for name, weight in names.items()
        if not _covers(name, members) and name not in services
        for member in _one_per_port(members)
        if len(services) == 1
    ]
    expected = {triple for triple, weight in named.items() if weight and triple in present | recent}
    expected |= {_triple(each) for each in absent if each.weight and _triple(each) in recent}
    others = [member for member in members if _triple(member) not in named]
    moot = bool(others) and not expected
    chosen = [_with_weight(member, named.get(_triple(member), member.weight if moot else 0)) for member in members]
    problems = [
        _nobody_there(id_, target, each) for each in dict.fromkeys(version_name(b.version) for b in absent if b.weight)
    ]
    if others and any(names.values()):
        problems.append(_moot(id_, target, others) if moot else _unnamed(id_, target, others))
    return chosen + absent, problems


def _triple(backend: Backend) -> Triple:
    return (backend.service, backend.version or "", backend.port)


def _named(backend: Backend, names: Mapping[str, int]) -> int | None:
    by_version = names.get(version_name(backend.version))
    return by_version if by_version is not None else names.get(backend.service)


def _covers(name: str, members: Sequence[Backend]) -> bool:
    return any(name in (version_name(member.version), member.service) for member in members)


def _one_per_port(members: Sequence[Backend]) -> list[Backend]:
    return list({member.port: member for member in members}.values())


def _absent(member: Backend, name: str, weight: int) -> Backend:
    version = "" if name == "default" else name
    return Backend(service=member.service, version=version, port=member.port, weight=weight)


def _with_weight(backend: Backend, weight: int) -> Backend:
    if backend.weight == weight:
        return backend
    return Backend(service=backend.service, version=backend.version, port=backend.port, weight=weight)


def _nobody_there(id_: str, target: str, name: str) -> Problem:
    return Problem(
        code="T1305",
        text=f"a weight is set for {name} of {target}, which has no endpoint on route {id_}",
        place=f"override weights/{target}",
        mend=f"start version {name}, or set the weights again without it",
        kept="the weight waits for it; the others share the traffic",
        severity=Severity.WARNING,
    )


def _moot(id_: str, target: str, others: Sequence[Backend]) -> Problem:
    return Problem(
        code="T1304",
        text=f"the weights set for {target} fit none of the versions that route {id_} has now",
        place=f"override weights/{target}",
        cause="none of the versions with a weight above 0 is running",
        mend="set weights for the versions that run, or clear the override",
        kept=f"{_listed(others)} keep the weights of their labels",
        severity=Severity.WARNING,
    )


def _unnamed(id_: str, target: str, others: Sequence[Backend]) -> Problem:
    return Problem(
        code="T1310",
        text=f"{_listed(others)} of route {id_} gets no traffic: the weights set for {target} do not name it",
        place=f"override weights/{target}",
        mend="set the weights again and name it, or clear the override",
        kept="the named versions share the traffic",
        severity=Severity.WARNING,
    )


def _listed(backends: Sequence[Backend]) -> str:
    return ", ".join(dict.fromkeys(f"{each.service} {version_name(each.version)}" for each in backends))
