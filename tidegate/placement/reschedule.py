"""When a replica whose node is gone, or which does not stay up, is started elsewhere.

At once the first time; when the new one failed before it had run for the delay, 30 s later, then 60 s and so on up to an hour. Two tries
in place go before a move because of crashes. An exclusive replica waits until its old node has surely stopped it: the agent begins to
stop at 13 s after its last acknowledged sign of life and has killed by then + its grace; the lease ends at 15 s, so lease end + grace +
2 s leaves a margin of four. Not more than a tenth of all replicas move within ten seconds, or as many as a node has in the mean: the loss of
one node is what has to be borne in time, and in a small cluster that is more.
"""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.placement.demand import Demand
from tidegate.placement.replica import Cause, Place, Replica, State

FIRST, LONGEST = 30.0, 3600.0
MARGIN = 2.0
WINDOW, SHARE = 10.0, 0.1
TRIES = 2
MOVED = frozenset((Cause.FAILURE, Cause.CRASH))


def delay(moves: int) -> float:
    """Seconds to wait after so many moves in a row."""
    return min(FIRST * 2.0 ** (moves - 1), LONGEST) if moves else 0.0


def again(place: Place, lost_at: float) -> tuple[float, int]:
    """When the slot may move, having been lost at `lost_at`, and the how-many-th move in a row that is."""
    wait = delay(place.moves)
    if lost_at - place.since >= wait:
        return lost_at, 1
    return lost_at + wait, place.moves + 1


def fenced_at(place: Place, demand: Demand, away_since: float) -> float:
    """From when on the old node, whose lease had ended by `away_since`, cannot run an exclusive replica any more. What runs there may
    be of an older revision, that may take longer to stop."""
    return away_since + max(place.stop_grace, demand.stop_grace) + MARGIN if demand.exclusive else away_since


def crashing(replica: Replica) -> bool:
    """Whether starting it again where it is was tried often enough."""
    return replica.ended > TRIES and replica.state in (State.ENDED, State.STARTING, State.UNHEALTHY)


def allowance(slots: int, nodes: int, moved: Iterable[tuple[float, int]], now: float) -> int:
    """How many more of so many slots on so many nodes may be moved now because of failures; `moved` are times and numbers of earlier moves."""
    return max(1, int(SHARE * slots), -(-slots // max(1, nodes))) - sum(
        count for when, count in moved if when > now - WINDOW
    )


def noted(moved: tuple[tuple[float, int], ...], count: int, now: float) -> tuple[tuple[float, int], ...]:
    """`moved` with `count` more, and without what does not matter any more; the same where nothing was moved."""
    if not count:
        return moved
    return (*(each for each in moved if each[0] > now - WINDOW), (now, count))
