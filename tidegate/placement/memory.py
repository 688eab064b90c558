"""What the leader has to remember between rounds, all of it stored: a new leader goes on where the old one stopped."""

from __future__ import annotations

from tidegate.placement.brake import Brake
from tidegate.placement.failures import Failures
from tidegate.placement.standing import Standing
from tidegate.value import Value


class Ledger(Value):
    """`brakes` are those that hold. `rebalanced_at` is when
    the rebalancer last looked, `moved` when it last moved a replica of a service. `rescheduled` are times and numbers of replicas that were moved
    because of failures within the last seconds."""

    brakes: tuple[Brake, ...] = ()
    rebalanced_at: float = 0.0
    moved: dict[str, float] = {}
    rescheduled: tuple[tuple[float, int], ...] = ()


class Memory(Value):
    """Standings by node and failures by service are stored one by one, since each is written when it changes; the ledger is one value."""

    ledger: Ledger = Ledger()
    standings: dict[str, Standing] = {}
    failures: dict[str, Failures] = {}
