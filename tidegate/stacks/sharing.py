"""Replicas that share something of another service's container: its network, its processes, its memory (`modes`). Pure.

Such a container stands on a certain container of the other service, the *lender*: that of the first slot on its own node, of two
generations the newer one that is ready. It is made when its lender is there, says by a label which one that is, and is made anew when
the lender is another one, or was started anew since: what it shared ended with that.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from tidegate.engine.port import ContainerDetail
from tidegate.engine.spec import ContainerSpec
from tidegate.placement.replica import Place
from tidegate.stacks.modes import bound
from tidegate.stacks.picture import Picture
from tidegate.stacks.stack import Member, Stack
from tidegate.value import Value

SHARES_LABEL = "io.tidegate.shares"


class Lent(Value):
    """What a node has for a replica that shares: its lenders by service. `missing` says in words which of them is not there yet;
    `elsewhere`: and is on other nodes only."""

    lenders: dict[str, ContainerDetail] = {}
    missing: str = ""
    elsewhere: bool = False

    @property
    def containers(self) -> dict[str, str]:
        """The lenders' ids by service."""
        return {service: container.id for service, container in self.lenders.items()}


def lent_to(spec: ContainerSpec, containers: Mapping[str, str]) -> ContainerSpec:
    """The container that shares with these, ids by service, and has the label that says so."""
    if not containers:
        return spec
    return replace(bound(spec, containers), labels={**spec.labels, SHARES_LABEL: _label(containers)})


def lent(picture: Picture, stack: Stack, member: Member, node: str, found: Mapping[str, ContainerDetail]) -> Lent:
    """What a replica of `member` on `node` shares now; `found` are the node's containers by their places."""
    lenders: dict[str, ContainerDetail] = {}
    for other in member.shares:
        places = [place for place in picture.of(f"{stack.name}/{other}") if not place.leaving]
        here = [place for place in places if place.node == node]
        container = found.get(_lender(picture, here).key) if here else None
        if container is None:
            missing = f"it waits for {other}, with which it shares, to be on this node"
            return Lent(missing=missing, elsewhere=bool(places and not here))
        lenders[other] = container
    return Lent(lenders=lenders)


def lending(stack: Stack) -> frozenset[str]:
    """The services of a stack with which others share."""
    return frozenset(f"{stack.name}/{other}" for member in stack.members for other in member.shares)


def outdated(container: ContainerDetail, now: Lent) -> str:
    """In words why what a container shared is no more; empty while it is there, or nothing takes its place."""
    if now.elsewhere:
        return "who it shares with is on another node"
    if now.missing or not now.lenders:
        return ""
    if container.labels.get(SHARES_LABEL) != _label(now.containers):
        return "who it shares with is another container now"
    if container.started_at and any(each.started_at > container.started_at for each in now.lenders.values()):
        return "who it shares with was started anew"
    return ""


def _lender(picture: Picture, here: list[Place]) -> Place:
    """`here` are places of one service on one node, by slot and generation."""
    first = [place for place in here if place.slot == here[0].slot]
    return ([place for place in first if picture.report(place).ready_since] or first)[-1]


def _label(containers: Mapping[str, str]) -> str:
    return " ".join(f"{service}={container}" for service, container in sorted(containers.items()))
