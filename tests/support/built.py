"""Builds of a few instances, and what stands in them, in one word each."""

from __future__ import annotations

from tests.support.seen import inventory
from tidegate.building import Build, BuildOptions, build
from tidegate.model import Overrides, RouteSpec
from tidegate.policy import FieldMatch, Match

BETA = Match(headers=(FieldMatch(name="x-beta", value="1"),))
NONE = Overrides()
OPTIONS = BuildOptions(linger_seconds=30.0)


def make(*instances, previous=None, overrides=NONE, health=None, now=0.0, routes=()):
    seen = {"docker": inventory(*instances, routes=routes)}
    return build(previous, seen, health or {}, overrides, OPTIONS, changed_health=health or (), now=now)


def codes(made: Build) -> list[str]:
    return [problem.code for problem in made.problems]


def weights(made: Build, route: str) -> dict[str, int]:
    return {f"{b.service} {b.version or 'default'}": b.weight for b in made.table.routes[route].backends}


def spec(route, *backends, origin="tidegate.yaml:3"):
    host, _, path = route.partition("/")
    return RouteSpec(host=host, path="/" + path, backends=backends, origin=origin)


def shifted(target="web", **named):
    return Overrides(weights={target: named})
