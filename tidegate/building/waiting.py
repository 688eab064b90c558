"""Who may be given traffic before anybody says so: versions that want a release wait while another one holds the service.

States of a version that carries a release policy: *waiting* (weight 0, unless weights name it) -> *holding*, by a weight that
was set for it, or because nobody else holds. A version without a policy never waits. Who *holds* is remembered from build to
build, by the share it had, so that a holder whose containers are made anew, and are younger for it, does not lose the service
to one that waits. A holder that *left* keeps those that waited beside it waiting for a while: it may only be restarting. A version
that comes when nobody holds takes over at once: it has replaced what was there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import field

from tidegate.building.options import BuildOptions
from tidegate.errors import Problem, Severity
from tidegate.model import Instance, InstanceState
from tidegate.value import Value


class Holding(Value, frozen=True):
    """What is remembered of the versions of a service. `waiting` are those without a share, `left` maps holders that went to
    the time they did."""

    waiting: frozenset[str] = frozenset()
    left: dict[str, float] = field(default_factory=dict)

    def wake_at(self, options: BuildOptions) -> float | None:
        """When somebody need not wait any longer; None if nothing runs out."""
        return min((at + options.linger_seconds for at in self.left.values()), default=None)


NOBODY = Holding()


def waits(
    wanting: Mapping[str, bool], served: AbstractSet[str], left: Collection[str], before: AbstractSet[str]
) -> frozenset[str]:
    """Those of `wanting` that must wait. It maps each to whether it wants a release, the earliest first.

    `served` had a share a moment ago and are still there, `left` had one and are not, `before` waited.
    """
    others = {each for each, wants in wanting.items() if wants and each not in served}
    earliest = next(iter(wanting), None)
    if not served and not (left and earliest in before):
        others.discard(earliest or "")
    return frozenset(others)


def holding(
    live: Sequence[Instance], shares: Mapping[str, int], previous: Holding, options: BuildOptions, now: float
) -> Holding:
    """Who of a service's live instances, the earliest first, waits now. `shares` are what its versions had before."""
    if not any(instance.release is not None for instance in live):
        return NOBODY
    wanting = _wanting(live)
    left = {version: at for version, at in previous.left.items() if now < at + options.linger_seconds}
    served = {version for version in wanting if shares.get(version, 0) > 0 or version in left}
    for version, share in shares.items():
        if share > 0 and version not in wanting:
            left.setdefault(version, now)
    left = {version: at for version, at in left.items() if version not in wanting}
    return Holding(waiting=waits(wanting, served, left, previous.waiting), left=left)


def _wanting(live: Sequence[Instance]) -> dict[str, bool]:
    """Whether each version wants a release, the earliest first; of those written in one file, which have no age, one that wants
    none."""
    found: dict[str, tuple[float, bool, str]] = {}
    for instance in live:
        if instance.state is not InstanceState.DRAINING:
            since, wants, version = found.get(instance.version, (instance.created_at, False, instance.version))
            found[version] = (since, wants or instance.release is not None, version)
    return {version: wants for _since, wants, version in sorted(found.values())}


def waiting_problem(name: str, version: str, deploy: str) -> Problem:
    """What an operator is told of a version that waits and has not been given a weight. `deploy` are the words that release it."""
    return Problem(
        code="T1315",
        text=f"{version} of {name} gets no traffic: it waits for its release",
        place=f"service {name}",
        cause="its containers have labels tidegate.release, and an earlier version serves",
        mend=f"its release begins by itself, unless it had one or weights were set by hand; then: tidegate deploy {deploy}",
        kept="the earlier version serves",
        severity=Severity.WARNING,
    )
