"""How a node stood and stands: up, gone, or up but not to be trusted yet. Stored, so that a new leader remembers.

A node is *gone* when its lease ended (or its engine does not answer). For `FRESH` seconds after a change of leader nobody is declared gone:
the new leader may be the one who cannot see. A node that was gone three times within ten minutes takes no replicas before it has been
up for five minutes, and twice as long each further time, up to an hour: its dead replicas make it look the emptiest of all.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.placement.node import NodeFacts
from tidegate.value import Value

FRESH = 30.0
FLAPS, FLAP_WINDOW = 3, 600.0
QUARANTINE, LONGEST_QUARANTINE = 300.0, 3600.0
#: A node that was never seen again for so long is forgotten, with its places.
FORGOTTEN = 24 * 3600.0


class Standing(Value):
    """`down_since` is 0 while it is up; `downs` are the times it went within the last ten minutes. `eligible_at` is when its quarantine
    ends, `quarantines` how many there were in a row."""

    node: str
    zone: str = ""
    incarnation: str = ""
    up_since: float = 0.0
    down_since: float = 0.0
    downs: tuple[float, ...] = ()
    eligible_at: float = 0.0
    quarantines: int = 0

    def quarantined(self, now: float) -> bool:
        """Whether it is up and takes nothing yet."""
        return not self.down_since and now < self.eligible_at


def followed(before: Standing | None, facts: NodeFacts | None, node: str, now: float, leader_since: float) -> Standing:
    """How a node stands now that `facts` (None: nothing) are seen of it; the same object where nothing changed."""
    if facts is None or not facts.ready:
        return _unseen(before, facts, node, now, leader_since)
    if before is None:
        return Standing(node=node, zone=facts.zone, incarnation=facts.incarnation, up_since=now)
    if before.down_since:
        return _returned(before, facts, now)
    if before.quarantines and now >= before.eligible_at + LONGEST_QUARANTINE:
        return replace(before, quarantines=0, downs=())
    if (facts.zone, facts.incarnation) != (before.zone, before.incarnation):
        return replace(before, zone=facts.zone, incarnation=facts.incarnation)
    return before


def _unseen(before: Standing | None, facts: NodeFacts | None, node: str, now: float, leader_since: float) -> Standing:
    if before is None:
        zone = facts.zone if facts is not None else ""
        before = Standing(node=node, zone=zone)
    if before.down_since or now < leader_since + FRESH:
        return before
    return _gone(before, now)


def _gone(before: Standing, now: float) -> Standing:
    downs = (*(when for when in before.downs if when > now - FLAP_WINDOW), now)
    return replace(before, down_since=now, up_since=0.0, downs=downs[-FLAPS:])


def _returned(before: Standing, facts: NodeFacts, now: float) -> Standing:
    flapped = sum(when > now - FLAP_WINDOW for when in before.downs) >= FLAPS or before.eligible_at > before.down_since
    wait = min(QUARANTINE * 2.0**before.quarantines, LONGEST_QUARANTINE) if flapped else 0.0
    return replace(
        before,
        zone=facts.zone,
        incarnation=facts.incarnation,
        up_since=now,
        down_since=0.0,
        eligible_at=now + wait if flapped else 0.0,
        quarantines=before.quarantines + flapped,
    )
