"""The operations of the admin API on automatic scaling: what is scaled, by which rule, what was decided last and why."""

from __future__ import annotations

from typing_extensions import TypedDict

from tidegate.control.answers import Document, NoQuery
from tidegate.control.api import operation
from tidegate.control.autoscaling import Autoscaling, Standing
from tidegate.control.document import document
from tidegate.control.parts import Parts
from tidegate.errors import NoSuchThing, Problem
from tidegate.scaling.words import rule


class Scaled(TypedDict):
    """All services that are scaled by themselves."""

    scaling: list[Document]


class ScalingOperations:
    """A service is written in the path as it is, with its slash."""

    def __init__(self, parts: Parts) -> None:
        self._autoscaling: Autoscaling = parts.autoscaling

    @operation("GET", "/v1/scaling")
    async def scaling(self, query: NoQuery) -> Scaled:  # noqa: ARG002  declares that there are no parameters
        """The services that are scaled by themselves, with their last decisions."""
        return Scaled(scaling=[brief(each) for _, each in sorted(self._autoscaling.standing.items())])

    @operation("GET", "/v1/scaling/{service:.*}")
    async def of_service(self, service: str, query: NoQuery) -> Document:  # noqa: ARG002  as above
        """One of them: its rule, figures, the last decision, and the changes that are remembered."""
        standing = self._autoscaling.standing.get(service)
        if standing is None:
            raise NoSuchThing(
                Problem(
                    code="T2407",
                    text=f"{service} is not scaled by itself",
                    place=service,
                    cause="no running container of the version that serves has a label auto_scaling",
                    mend="see tidegate ls scaling, and docs/autoscaling.md for the labels",
                )
            )
        return {**brief(standing), "policy": document(standing.policy), "changes": document(list(standing.changes))}


def sentences(standing: Standing) -> list[str]:
    """How a service is scaled, for `explain`."""
    policy, decision = standing.policy, standing.decision
    of = f"{standing.wanted} wanted of {policy.least} to {policy.most}, {standing.running} run"
    lines = [f"scaled by itself: {of}", *(f"  {line}" for line in rule(policy))]
    if decision is not None:
        lines.append(f"  now: {decision.why}")
    if standing.changes:
        last = standing.changes[-1]
        lines.append(f"  last change: {last.current} -> {last.wanted}, {last.why}")
    return lines


def brief(standing: Standing) -> Document:
    """One service, fit for a line."""
    decision = standing.decision
    last = standing.changes[-1] if standing.changes else None
    return {
        "service": standing.service,
        "version": standing.version,
        "wanted": standing.wanted,
        "running": standing.running,
        "own": standing.own,
        "least": standing.policy.least,
        "most": standing.policy.most,
        "rule": list(rule(standing.policy)),
        "figures": dict(decision.figures) if decision is not None else {},
        "why": decision.why if decision is not None else "",
        "at": decision.when if decision is not None else 0.0,
        "last_change": document(last),
        "trouble": standing.trouble,
    }
