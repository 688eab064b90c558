"""Calls between services: the names of a service that the router answers for are hosts of routes to it.

A container asks DNS for `web` and is told the router's address; the request it sends there says `Host: web`, or whatever of
its names the caller wrote. Each such name is a claim like one by label, with the container's settings, and weights, overrides
and canary rules hold for it. It is not open to everybody: by itself it takes calls of `BuildOptions.callers` only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from tidegate.building.options import BuildOptions
from tidegate.model import Instance, RouteClaim


def claims_of(live: Sequence[Instance], options: BuildOptions) -> Iterator[tuple[Instance, RouteClaim]]:
    """All that the instances of one service claim: what they ask for, then their names where no label has these."""
    asked = {(claim.host, claim.path) for instance in live for claim in instance.claims if not claim.relative}
    for instance in live:
        yield from ((instance, claim) for claim in instance.claims if not claim.relative)
    for instance in live:
        for claim in instance.claims:
            if claim.relative:
                yield from ((instance, each) for each in _spelt(claim, options) if (each.host, each.path) not in asked)


def _spelt(claim: RouteClaim, options: BuildOptions) -> tuple[RouteClaim, RouteClaim]:
    """The name bare and in full."""
    implied = {"filter.allow": ",".join(options.callers)} | claim.implied
    bare = replace(claim, implied=implied)
    return bare, replace(bare, host=f"{claim.host}.{options.domain}")
