"""What one revision of a service wants of the cluster."""

from __future__ import annotations

from enum import StrEnum

from tidegate.placement.resources import NOTHING, Resources
from tidegate.placement.rules import Kind, Reschedule, Rule, ZoneRule
from tidegate.value import Value


class Fit(StrEnum):
    """Among nodes that are otherwise equal: SPREAD takes the emptiest, BINPACK the fullest."""

    SPREAD = "spread"
    BINPACK = "binpack"


class Demand(Value):
    """`service` is `stack/service`. `everywhere`: one replica on each node that it may be on, and `replicas` is not asked.

    `reservation` is per replica. `ports` are host ports, as `tcp/80`. `volumes` are local volumes, whose content stays on the node it is
    on. `image` and `labels` are those of its containers: other services' affinities speak of them. `platforms` are `os/arch`, empty:
    any. `spread` are keys of nodes over whose values replicas are made even, the first counts most. `max_per_node` 0: no limit.
    `exclusive`: never two of a slot at a time, not even while the first cannot be seen. `account` names the quota it counts to.
    `stop_grace` is how long it may take to stop, in seconds.
    `max_parallel` replicas at most are absent by our own doing, and one counts as there once it was ready for `min_healthy` seconds.
    When its revision changes, the next slots have their turn `delay` seconds after the last ones were ready, and none while more than
    `failure_ratio` of all slots have a new replica that does not get ready. `stop_first`: a new replica comes when the old one is gone.
    """

    service: str
    revision: str = ""
    replicas: int = 1
    everywhere: bool = False
    reservation: Resources = NOTHING
    ports: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    zones: ZoneRule | None = None
    spread: tuple[str, ...] = ()
    max_per_node: int = 0
    platforms: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    image: str = ""
    labels: dict[str, str] = {}
    reschedule: Reschedule = Reschedule.AUTO
    exclusive: bool = False
    stop_first: bool = False
    fit: Fit = Fit.SPREAD
    account: str = ""
    max_parallel: int = 1
    min_healthy: float = 10.0
    stop_grace: float = 10.0
    delay: float = 0.0
    failure_ratio: float = 0.0

    @property
    def stack(self) -> str:
        return self.service.partition("/")[0]

    @property
    def portable(self) -> bool:
        """Whether a replica may leave its node at all: nothing of it stays behind there, or that is accepted."""
        return not self.everywhere and (not self.volumes or self.reschedule is Reschedule.ALWAYS)

    @property
    def leaves_first(self) -> bool:
        """Whether a slot's next replica is placed only when nothing of the one before is left."""
        return self.exclusive or self.stop_first

    @property
    def moves(self) -> bool:
        """Whether its replicas are started elsewhere when their node is gone."""
        return self.portable and self.reschedule is not Reschedule.NEVER

    def hard(self, kind: Kind) -> tuple[Rule, ...]:
        """Its rules of a kind that exclude nodes."""
        return tuple(rule for rule in self.rules if rule.kind is kind and not rule.soft)

    def soft(self, kind: Kind) -> tuple[Rule, ...]:
        """Its rules of a kind that prefer nodes."""
        return tuple(rule for rule in self.rules if rule.kind is kind and rule.soft)


class Quota(Value):
    """What all services of one account may reserve together; an amount of 0, or no replicas, is not limited."""

    account: str
    limit: Resources = NOTHING
    replicas: int = 0
