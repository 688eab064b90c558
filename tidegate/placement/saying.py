"""Refusals and scores in words."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.placement.decision import Filter
from tidegate.placement.demand import Demand
from tidegate.placement.replica import Pending
from tidegate.placement.resources import Resources
from tidegate.placement.rules import Kind
from tidegate.placement.scores import Score


def refused(slot: Pending, counts: Mapping[Filter, int], nodes: int, demand: Demand) -> str:
    """One sentence: who waits, and what excludes how many nodes, in the order of the filters."""
    if not nodes:
        return f"{slot.service} {slot.slot} waits: there is no node"
    said = [f"{counts[each]} {reason(each, demand, slot)}" for each in Filter if counts.get(each)]
    return f"{slot.service} {slot.slot} waits, no node of {nodes} takes it: {', '.join(said)}"


def reason(what: Filter, demand: Demand, slot: Pending | None = None) -> str:
    """What a filter says of the nodes it excludes, so that `3 ...` reads well."""
    if what is Filter.RESOURCES:
        return f"have no room for {amounts(demand.reservation) or 'anything more'}"
    if what is Filter.CONSTRAINT:
        return f"do not satisfy {listed(demand.hard(Kind.CONSTRAINT))}"
    if what is Filter.PORT:
        return f"have {' or '.join(demand.ports)} in use"
    if what is Filter.PLATFORM:
        return f"are of another platform than {' or '.join(demand.platforms)}"
    if what is Filter.AFFINITY:
        return f"are excluded by {listed(demand.hard(Kind.AFFINITY)) or 'an affinity of who is there'}"
    if what is Filter.ZONE:
        return f"are in zones that {demand.zones} keeps closed"
    if what is Filter.VOLUME:
        return f"are not {slot.home}, where it belongs" if slot and slot.home else "do not hold its volumes, others do"
    return _REASONS[what].format(demand=demand)


def amounts(what: Resources, replicas: int = 0) -> str:
    """What there is of each, as `0.5 CPU and 256 MiB and 3 replicas`; empty where there is nothing."""
    parts = (
        (what.cpu, f"{what.cpu:g} CPU"),
        (what.memory, f"{what.memory / 2**20:g} MiB"),
        (replicas, f"{replicas} replicas"),
    )
    return " and ".join(text for amount, text in parts if amount)


def listed(rules: tuple[object, ...]) -> str:
    """Rules as they are written."""
    return ", ".join(map(str, rules))


def described(score: Score) -> str:
    """One line on a candidate, with what speaks for and against it."""
    parts = [f"{score.skew[0] if score.skew else 0} in zone {score.zone or '-'}", f"{score.here} of this service"]
    if score.wishes:
        parts.append(f"{score.soft} of {score.wishes} wishes")
    parts.append(f"fit {score.fit:.2f}")
    if score.image:
        parts.append("has the image")
    if score.failing:
        parts.append("failed here lately")
    return f"{score.node}: {', '.join(parts)}"


_REASONS = {
    Filter.READY: "are not ready",
    Filter.CORDON: "are drained",
    Filter.AVOID: "are where it did not stay up",
    Filter.MAX_PER_NODE: "have {demand.max_per_node} of it already",
    Filter.QUOTA: "could, but the quota of {demand.account} is used up",
}
