"""What a name on the command line means: a service key, its unique short name, a route's id or its host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tidegate.cli.faults import did_you_mean
from tidegate.errors import NoSuchThing, Problem, TidegateError

KEPT = "nothing was changed"


class Target(NamedTuple):
    """What is meant. `kind` is `service`, `route`, or `host` for all routes of one host; `key` is what the admin API calls
    it; `value` is its entry in the answer, for a host one with the backends of all its routes."""

    kind: str
    key: str
    value: Mapping[str, Any]


def find_service(name: str, services: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The one service of that key or short name. Raises NoSuchThing, or TidegateError where several match."""
    return find_target(name, services, ()).value


def find_target(name: str, services: Sequence[Mapping[str, Any]], routes: Sequence[Mapping[str, Any]]) -> Target:
    """The one service or route of that name; exact names win over short ones, services over routes."""
    wanted = name.strip().lower().rstrip(".")
    candidates = (
        [Target("service", str(item["key"]), item) for item in services if item["key"].lower() == wanted],
        [Target("route", str(item["id"]), item) for item in routes if item["id"].lower() == wanted],
        [Target("service", str(item["key"]), item) for item in services if short(item["key"]).lower() == wanted],
        _host(wanted, routes),
    )
    for found in candidates:
        if len(found) == 1:
            return found[0]
        if found:
            raise _ambiguous(name, [target.key for target in found])
    known = [*(str(item["key"]) for item in services), *(short(item["key"]) for item in services)]
    raise _unknown(name, [*known, *(str(item["host"]) for item in routes)])


def _host(wanted: str, routes: Sequence[Mapping[str, Any]]) -> list[Target]:
    found = [item for item in routes if item["host"].lower() == wanted]
    if len(found) == 1:
        return [Target("route", str(found[0]["id"]), found[0])]
    backends = [backend for item in found for backend in item.get("backends") or []]
    return [Target("host", wanted, {"host": wanted, "backends": backends})] if found else []


def short(key: str) -> str:
    """The service's own name, without its project."""
    return key.rpartition("/")[2]


def _ambiguous(name: str, keys: Iterable[str]) -> TidegateError:
    listed = ", ".join(sorted(keys))
    return TidegateError(
        Problem(code="T1708", text=f"{name} may mean {listed}", mend="write one of them out", kept=KEPT)
    )


def _unknown(name: str, known: Sequence[str]) -> NoSuchThing:
    mend = did_you_mean(name, known) or "tidegate ls services and tidegate ls routes list the names"
    return NoSuchThing(Problem(code="T1707", text=f"there is no service or route {name}", mend=mend, kept=KEPT))
