"""The leader's round, decided: a picture of the cluster and what is remembered -> what is to be written. Ask again when anything changed
and at `again_at`; on a picture in which the plan was carried out the next plan is empty.

In order: how nodes stand, brakes, failures remembered; then per service: what left is deleted, slots with two places settle, the number
of slots is made right, lost ones recover (within the common rate), those of an older revision are renewed, drained nodes are emptied; then all new places are decided together,
and when there is nothing else to do, the rebalancer has its turn.

Every write is one that a crash may follow: intent is complete in the places that are stored, and what was not written is decided again.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tidegate.placement import brake as braking
from tidegate.placement import failures as failing
from tidegate.placement import standing as standings_of
from tidegate.placement.decision import Decision, Refusal
from tidegate.placement.drain import drain
from tidegate.placement.failures import Failures
from tidegate.placement.handover import settle
from tidegate.placement.memory import Ledger, Memory
from tidegate.placement.place import decide
from tidegate.placement.rebalance import PERIOD, rebalance
from tidegate.placement.recovery import recover
from tidegate.placement.renewal import renew
from tidegate.placement.replica import Cause, Pending, Place, Replica
from tidegate.placement.reschedule import MOVED, WINDOW, allowance, noted
from tidegate.placement.round import Note, Round
from tidegate.placement.scene import Scene
from tidegate.placement.slots import clear, end, fill, fill_everywhere, give_up
from tidegate.placement.standing import FORGOTTEN, FRESH, Standing
from tidegate.placement.tally import Tally
from tidegate.value import Value

#: A slot that no node takes is tried again after so long, if nothing changed before.
RETRY = 60.0
#: When more slots wait than one round can look at, and none of those it looked at could be placed.
CROWDED = 1.0
MAX_MOVED = 1000  # services of which the ledger keeps when they were moved


class Plan(Value):
    """What is to be written: what is remembered first, then `deletes`, then `places`, new and changed ones. After any first part of
    that the rest may never come. `refusals` wait for room. `again_at`: when to plan again though nothing happens, in epoch seconds."""

    places: tuple[Place, ...] = ()
    deletes: tuple[Place, ...] = ()
    ledger: Ledger | None = None
    standings: tuple[Standing, ...] = ()
    forget: tuple[str, ...] = ()
    failures: tuple[Failures, ...] = ()
    mended: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[Note, ...] = ()
    again_at: float = 0.0

    @property
    def empty(self) -> bool:
        """Whether nothing is to be written."""
        return not (
            self.places or self.deletes or self.ledger or self.standings or self.forget or self.failures or self.mended
        )


def plan(scene: Scene, memory: Memory, now: float, seed: int, leader_since: float = 0.0) -> Plan:
    """What the leader has to write now; `leader_since` is when it became one."""
    standings = _standings(scene, memory, now, leader_since)
    drained = frozenset(facts.name for facts in scene.nodes if facts.drained)
    brakes = braking.followed(memory.ledger.brakes, standings, drained, now)
    failures, mended = _failures(scene, memory, now)
    kept = memory.failures | {each.service: each for each in failures}
    last_choice = {name: each.failing(now) for name, each in kept.items() if name not in mended}
    work = Round(replace(scene, failing=last_choice), memory, standings, brakes, now)
    _each_service(work)
    tally = Tally(_afterwards(work), seed, _superseded(work))
    decision = decide(tuple(work.pending), tally, now, seed, moving=_moving(work, work.pending))
    places = _within_rate(work, decision.places)
    _replace(work, places)
    _supersede(work, places)
    moved = noted(memory.ledger.rescheduled, sum(each.cause in MOVED for each in places), now)
    ledger = replace(memory.ledger, brakes=brakes, rescheduled=moved)
    idle = not work.pending and not work.places and not brakes
    if idle and work.services and len(work.nodes) > 1 and now >= ledger.rebalanced_at + PERIOD:
        places, ledger = _rebalanced(work, tally, ledger, seed)
    forget = _forgotten(standings, scene, now)
    _deadlines(work, ledger, decision, standings, leader_since)
    return Plan(
        places=(*work.places.values(), *places),
        deletes=tuple(work.deletes),
        ledger=ledger if ledger != memory.ledger else None,
        standings=tuple(
            each for name, each in standings.items() if memory.standings.get(name) is not each and name not in forget
        ),
        forget=tuple(name for name in forget if name in memory.standings),
        failures=tuple(failures),
        mended=tuple(mended),
        refusals=decision.refusals,
        notes=(*work.notes, *(Note(what=str(each)) for each in brakes)),
        again_at=work.again_at,
    )


def _standings(scene: Scene, memory: Memory, now: float, leader_since: float) -> dict[str, Standing]:
    facts = {each.name: each for each in scene.nodes}
    return {
        name: standings_of.followed(memory.standings.get(name), facts.get(name), name, now, leader_since)
        for name in sorted({*facts, *memory.standings, *(each.node for each in scene.replicas)})
    }


def _failures(scene: Scene, memory: Memory, now: float) -> tuple[list[Failures], list[str]]:
    """Failures that changed, and services that have none any more."""
    by_service: dict[str, list[Replica]] = {}
    for replica in scene.replicas:
        if replica.ended:
            by_service.setdefault(replica.service, []).append(replica)
    revisions = {each.service: each.revision for each in scene.demands}
    changed, mended = [], []
    for name in sorted({*by_service, *memory.failures}):
        before = memory.failures.get(name)
        after = failing.followed(before, name, revisions.get(name, ""), by_service.get(name, ()), now)
        if after is None and before is not None:
            mended.append(name)
        elif after is not None and after is not before:
            changed.append(after)
    return changed, mended


def _each_service(work: Round) -> None:
    for service in list(work.services.values()):
        demand = work.current.get(service.name)
        clear(work, service, demand)
        if demand is None:
            end(work, service)
            give_up(work, service, None)
            continue
        settle(work, service, demand)
        held = service.name in work.scene.held
        if not held:
            (fill_everywhere if demand.everywhere else fill)(work, service, demand)
        recover(work, service, demand)
        if not held:
            renew(work, service, demand)
        if work.drained and not held and not demand.everywhere:
            drain(work, service, demand)
        give_up(work, service, demand)


def _within_rate(work: Round, places: tuple[Place, ...]) -> tuple[Place, ...]:
    """As many of the places that answer failures as may be made now. Counted when they are decided and not when they are asked for, or
    slots that no node takes would hold up all others."""
    slots = sum(max(len(each.slots), _wanted(work, name)) for name, each in work.services.items())
    allowed = allowance(slots, len(work.nodes), work.memory.ledger.rescheduled, work.now)
    kept = []
    for each in places:
        allowed -= each.cause in MOVED
        if allowed < 0 and each.cause in MOVED:
            work.later(work.now + WINDOW)
        else:
            kept.append(each)
    return tuple(kept)


def _wanted(work: Round, service: str) -> int:
    demand = work.current.get(service)
    if demand is None:
        return 0
    return len(work.nodes) if demand.everywhere else demand.replicas


def _afterwards(work: Round) -> Scene:
    """The scene as it is once what was decided so far is written."""
    gone = {each.key for each in work.deletes}
    gone.update(each.key for service in work.services.values() for each in service.freed.values())
    changed = {each.service for each in (*work.places.values(), *work.deletes)}
    changed.update(service.name for service in work.services.values() if service.freed)
    replicas = tuple(
        each
        if each.place.service not in changed or (key := each.place.key) not in work.places
        else replace(each, place=work.places[key])
        for each in work.replicas
        if each.place.service not in changed or each.place.key not in gone
    )
    return replace(work.scene, nodes=tuple(work.nodes.values()), replicas=replicas)


def _superseded(work: Round) -> frozenset[str]:
    """Places that another place of their slot takes over from: only the newest one counts for evenness."""
    slots = (places for service in work.services.values() for places in service.slots.values())
    return frozenset(each.key for places in slots if len(places) > 1 for each in places[:-1])


def _moving(work: Round, pending: Iterable[Pending]) -> dict[tuple[str, int], Place]:
    """The places that slots leave by our own choice, by service and slot."""
    return {
        (each.service, each.slot): places[-1].place
        for each in pending
        if each.cause in (Cause.DRAIN, Cause.REBALANCE) and (places := work.services[each.service].slots[each.slot])
    }


def _replace(work: Round, decided: tuple[Place, ...]) -> None:
    """Dismiss what was waiting for its slot to have a new place."""
    for new in decided:
        if (new.service, new.slot) in work.replaces:
            for old in list(work.services[new.service].slots[new.slot]):
                work.dismiss(old, new.why)


def _supersede(work: Round, places: tuple[Place, ...]) -> None:
    """Delete what held a slot that is filled now, or is not wanted any more."""
    filled = {(each.service, each.slot) for each in places}
    for service in work.services.values():
        for slot, replica in service.freed.items():
            if (service.name, slot) in filled or (service.name, slot) not in work.asked:
                work.deletes.append(replica.place)


def _rebalanced(work: Round, tally: Tally, ledger: Ledger, seed: int) -> tuple[tuple[Place, ...], Ledger]:
    """The moves of one cycle as places."""
    moves = rebalance(work, tally, seed)
    places = decide(tuple(moves), tally, work.now, seed, moving=_moving(work, moves)).places
    moved = ledger.moved | {each.service: work.now for each in moves}
    moved = dict(sorted(moved.items(), key=lambda item: item[1])[-MAX_MOVED:])
    return places, replace(ledger, rebalanced_at=work.now, moved=moved)


def _forgotten(standings: dict[str, Standing], scene: Scene, now: float) -> frozenset[str]:
    """Nodes that are gone for so long that nobody waits for them, and hold no place any more."""
    long_gone = {each.node for each in standings.values() if each.down_since and now >= each.down_since + FORGOTTEN}
    if not long_gone:
        return frozenset()
    return frozenset(long_gone - {each.node for each in scene.replicas} - {each.name for each in scene.nodes})


def _deadlines(
    work: Round, ledger: Ledger, decision: Decision, standings: dict[str, Standing], leader_since: float
) -> None:
    """When the world looks different by the mere passing of time."""
    work.later(leader_since + FRESH)
    work.later(ledger.rebalanced_at + PERIOD)
    for each in standings.values():
        work.later(each.eligible_at)
    if decision.refusals:
        work.later(work.now + RETRY)
    if decision.left:
        work.again_at = work.now if decision.places else work.now + CROWDED
