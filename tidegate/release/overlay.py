"""Releases laid over what operators set: one value for the builder, so that both sides of a shift change in one table."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tidegate.model import Overrides, Preview, TrafficMode
from tidegate.release.record import UNDECIDED, Release, Wish

LEAVING = frozenset((Wish.DRAIN, Wish.STOP, Wish.REMOVE))


def overlay(overrides: Overrides, releases: Iterable[Release]) -> Overrides:
    """`overrides` with the weights, previews, drains and holds of all releases that govern; of several for one target the
    newest does.

    What an operator set for the same target rests meanwhile; maintenance and a hold of his go before ours. Nothing is previewed
    any more once it is decided. Without a release that governs, `overrides` itself is returned.
    """
    governing = sorted(
        (each for each in releases if not each.closed), key=lambda each: (each.asked_by.when, each.number)
    )
    if not governing:
        return overrides
    weights, modes, previews = dict(overrides.weights), dict(overrides.modes), dict(overrides.previews)
    drained = set(overrides.drained)
    for release in governing:
        for target in release.spec.targets:
            weights[target] = release.weights
            if release.held:
                modes.setdefault(target, TrafficMode.HOLD)
            if release.spec.previews and release.state in UNDECIDED:
                previews[target] = Preview(backend=release.spec.candidate_name, matches=release.spec.previews)
        drained.update(id_ for id_, fate in release.fates.items() if fate.wish in LEAVING)
    return replace(overrides, weights=weights, modes=modes, previews=previews, drained=frozenset(drained))
