"""What a build gives: the table and what goes with it, and what the next build takes over."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import field

from tidegate.building.parts import Part
from tidegate.errors import Problem
from tidegate.model import CheckTarget, Inventory, Overrides, RouteSpec
from tidegate.routing import Delta, RoutingTable
from tidegate.value import Value


class Memo(Value, frozen=True):
    """What the next build takes over. All mappings are frozen; indexes hold sorted tuples.

    `claimants`: route id -> services with a group on it. `sources`: relative DNS name -> services that offer it.
    `hosts`: host -> route ids. `variants`: host and path -> ids of routes there with conditions.
    `askers`: service -> ids of routes that ask it before they forward. `previews`: route id -> ids of previews of it. `specs`: route id -> file entries. `users`: service -> route ids whose spec names it.
    `lingering`: service -> when its memory runs out. `resumed`: the table is from an earlier life, nothing in it is sure.
    """

    resumed: bool = False
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    overrides: Overrides = Overrides()
    parts: Mapping[str, Part] = field(default_factory=dict)
    claimants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    askers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    previews: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    specs: Mapping[str, tuple[RouteSpec, ...]] = field(default_factory=dict)
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lingering: Mapping[str, float] = field(default_factory=dict)
    service_problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    route_problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)


class Build(Value, frozen=True):
    """A table and what goes with it.

    `delta` turns the previous table into `table`; if it is empty, the version stayed and there is nothing to publish.
    `checks` is everything to watch by endpoint id, `checks_changed` and `checks_removed` the difference. `wake_at` is
    when to build again although nothing changes (a claim ceases to linger), in the seconds of `now`.
    """

    table: RoutingTable = RoutingTable()
    delta: Delta = Delta(base=0, version=0)
    problems: tuple[Problem, ...] = ()
    checks: Mapping[str, CheckTarget] = field(default_factory=dict)
    checks_changed: tuple[CheckTarget, ...] = ()
    checks_removed: tuple[str, ...] = ()
    wake_at: float | None = None
    memo: Memo = Memo()
