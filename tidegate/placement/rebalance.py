"""Moving what runs to where it would be placed now. Slowly: new nodes must not be swamped, nor healthy replicas die for evenness.

Every five minutes, while nothing else is to be done: at most one replica per service and five in all, of services that are complete and
healthy and were left alone for half an hour, and replicas that are ten minutes old; to nodes that are up for two minutes. By requested
amounts, never by live usage, or it would work against the autoscaler. A reason is needed: a rule does not hold any more, two replicas more
in one zone or on one node than in the place it would go to, or a node over 80 % requested while that one is under 50 %. It is a migration:
the new one starts first.
"""

from __future__ import annotations

from zlib import crc32

from msgspec.structs import replace

from tidegate.placement.demand import Demand
from tidegate.placement.filters import Trial
from tidegate.placement.place import Candidates
from tidegate.placement.replica import Cause, Pending, Replica
from tidegate.placement.round import Round, Service
from tidegate.placement.tally import Room, Tally

PERIOD, COOL_DOWN = 300.0, 1800.0
OLD, JOINED = 600.0, 120.0
PER_CYCLE = 5
LOOKS = 50  # services looked at closely in one cycle
SKEW = 2
FULL, EMPTY = 0.8, 0.5


def rebalance(work: Round, tally: Tally, seed: int) -> list[Pending]:
    """Moves that are worth it now; the target is each one's `home`."""
    young = tuple(
        name for name in work.nodes if (known := work.standings.get(name)) and work.now < known.up_since + JOINED
    )
    moves: list[Pending] = []
    looks = 0
    for service in sorted(work.services.values(), key=lambda each: crc32(f"{seed}/{each.name}".encode())):
        if len(moves) >= PER_CYCLE or looks >= LOOKS:
            break
        demand = work.current.get(service.name)
        if demand is None or not _may(work, service, demand):
            continue
        looks += 1
        move = _worth(work, service, tally, young, seed)
        if move is not None:
            moves.append(replace(move, generation=service.generations[move.slot] + 1))
    return moves


def _may(work: Round, service: Service, demand: Demand) -> bool:
    """Whether the service may be touched at all."""
    if service.name in work.scene.held or not demand.portable or demand.leaves_first or service.leaving:
        return False
    if any(len(each) > 1 or each[0].done or each[0].revision != demand.revision for each in service.slots.values()):
        return False
    if work.now < work.memory.ledger.moved.get(service.name, -COOL_DOWN) + COOL_DOWN:
        return False
    return len(service.slots) == demand.replicas == work.available(service, demand)


def _worth(work: Round, service: Service, tally: Tally, young: tuple[str, ...], seed: int) -> Pending | None:
    """The service's worst-placed replica, and where it goes; None if that would gain too little."""
    demand = work.current[service.name]
    for replica in sorted((places[0] for places in service.slots.values()), key=lambda each: _misplaced(each, tally)):
        room = tally.rooms.get(replica.node)
        if room is None or work.now < replica.place.since + OLD:
            continue
        tally.remove(replica.place)
        target, why = _better(room, Trial(demand, tally, avoid=young), seed)
        tally.add(replica.place)
        if target is not None:
            return Pending(
                service=service.name,
                slot=replica.slot,
                revision=replica.revision,
                home=target.name,
                cause=Cause.REBALANCE,
                why=why,
            )
        if not _violated(room, demand, tally):
            return None  # the worst one is well placed, so are the others
    return None


def _misplaced(replica: Replica, tally: Tally) -> tuple[int, int, float, int]:
    """Sorts the replica first that has most company of its own kind, then the one on the fullest node."""
    live = tally.live[replica.service, replica.revision]
    room = tally.rooms[replica.node]
    in_zone = sum(count for node, count in live.items() if node in tally.rooms and tally.rooms[node].zone == room.zone)
    return -in_zone, -live.get(replica.node, 0), -_load(room), replica.slot


def _better(room: Room, trial: Trial, seed: int) -> tuple[Room | None, str]:
    """The node that the replica would be placed on now, if that is worth a move; it is counted nowhere at the moment."""
    best = Candidates(trial, crc32(f"{seed}/{trial.demand.service}".encode())).best()
    if best is None or best is room:
        return None, ""
    failed = trial.excluded_by(room)
    if failed is not None:
        return best, f"{room.name} does not satisfy its rules any more ({failed.value})"
    zones = trial.zones
    here, there = zones.skew(zones.bucket(room)), zones.skew(zones.bucket(best))
    if here[0] + 1 - there[0] >= SKEW:
        return best, f"{here[0] + 1} replicas are in the zone of {room.name}, {there[0]} in that of {best.name}"
    mine, other = trial.here.get(room.name, 0) + 1, trial.here.get(best.name, 0)
    if here <= there and mine - other >= SKEW:
        return best, f"{mine} replicas are on {room.name}, {other} on {best.name}"
    full, empty = _load(room, trial.demand), _load(best, trial.demand)
    if here <= there and full > FULL and empty < EMPTY:
        return best, f"{room.name} is {full:.0%} requested, {best.name} would be {empty:.0%}"
    return None, ""


def _violated(room: Room, demand: Demand, tally: Tally) -> bool:
    return room not in Trial(demand, tally).rooms


def _load(room: Room, more: Demand | None = None) -> float:
    """The larger part of the node that is requested, with one replica of `more` besides."""
    cpu, memory = (more.reservation.cpu, more.reservation.memory) if more is not None else (0.0, 0)
    return max(
        (room.cpu_whole - room.cpu + cpu) / room.cpu_whole if room.cpu_whole else 0.0,
        (room.memory_whole - room.memory + memory) / room.memory_whole if room.memory_whole else 0.0,
    )
