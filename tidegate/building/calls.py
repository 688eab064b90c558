"""Calls between services: the names of a service that the router answers for are hosts of routes to it.

A container asks DNS for `web` and is told the router's address; the request it sends there says `Host: web`, or whatever of
its names the caller wrote. Each such name is a claim like one by label, with the container's settings, and weights, overrides
and canary rules hold for it. It is not open to everybody: by itself it takes calls of `BuildOptions.callers` only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from tidegate.building.endpoints import is_afar
from tidegate.building.options import BuildOptions
from tidegate.model import Instance, RouteClaim


def claims_of(live: Sequence[Instance], options: BuildOptions) -> Iterator[tuple[Instance, RouteClaim]]:
    """All that the instances of one service claim: what they ask for, then their names where no label has these."""
    asked = {(claim.host, claim.path) for instance in live for claim in instance.claims if not claim.relative}
    for instance in live:
        yield from ((instance, claim) for claim in instance.claims if not claim.relative)
    for instance in live:
        for claim in _calls(instance):
            yield from ((instance, each) for each in _spelt(claim, options) if (each.host, each.path) not in asked)


def _calls(instance: Instance) -> Iterator[RouteClaim]:
    """What it is called by those who are sent to the router: as its labels ask for, or because nobody else reaches it."""
    said = [claim for claim in instance.claims if claim.relative]
    if said or not instance.claims or not is_afar(instance):
        yield from said
        return
    first = instance.claims[0]
    name = instance.service.lower()
    for host in (name, f"{name}.{instance.project.lower()}") if instance.project else (name,):
        yield replace(
            first,
            host=host,
            path="/",
            scheme="http",
            match=None,
            origin=f"node {instance.node}",
            implied={},
            relative=True,
        )


def _spelt(claim: RouteClaim, options: BuildOptions) -> tuple[RouteClaim, RouteClaim]:
    """The name bare and in full."""
    implied = {"filter.allow": ",".join(options.callers)} | claim.implied
    bare = replace(claim, implied=implied)
    return bare, replace(bare, host=f"{claim.host}.{options.domain}")
