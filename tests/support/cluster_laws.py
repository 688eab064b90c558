"""What must always hold in a `cluster_world`, checked in another way than the scheduler decides it. Each check is counted."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

from tidegate.placement.replica import Cause, State
from tidegate.placement.rules import Kind


class Laws:
    """The world calls these after a plan, a write, and a second; a broken law is an AssertionError that names it."""

    def __init__(self, world):
        self.world = world
        self.checks = Counter()
        self.exclusive = set()
        self.moved = []  # when a replica was moved because of a failure
        self.known = {}  # every demand there ever was, by service
        self._refusing = {}  # service -> its demand, and whom that refuses

    def hold(self, name, holds, *said):
        self.checks[name] += 1
        assert holds, f"{name}: {' '.join(map(str, said))} at {self.world.now:g}"

    # ------------------------------------------------------------------------------------------------ at their time

    def planned(self, scene, decided):
        self.known |= {each.service: each for each in scene.demands}
        self.exclusive |= {each.service for each in scene.demands if each.exclusive}
        self.scene = scene
        self.nodes = {each.name: each for each in scene.nodes}
        self.seen = dict(self.world.told)
        self.staying = defaultdict(list)
        for each in scene.replicas:
            if not each.place.leaving:
                self.staying[each.place.service].append(each)
        moved = [each for each in decided.places if not each.leaving and each.cause in (Cause.FAILURE, Cause.CRASH)]
        lately = sum(when > self.world.now - 10.0 for when in self.moved)
        self.moved += [self.world.now] * len(moved)
        wanted = {each.service: len(scene.nodes) if each.everywhere else each.replicas for each in scene.demands}
        there = {name: len({each.place.slot for each in some}) for name, some in self.staying.items()}
        slots = sum(max(wanted.get(name, 0), there.get(name, 0)) for name in {*wanted, *there})
        most = max(1, slots // 10, math.ceil(slots / max(1, len(scene.nodes))))
        self.hold("not more than a tenth, or a node's worth, moves in 10 s", len(moved) <= max(0, most - lately))

        for each in decided.standings:
            fresh = self.world.now < self.world.leader_since + 30.0
            self.hold("a new leader declares nobody gone", not (fresh and each.down_since == self.world.now), each)

    def put(self, before, place):
        same = before is None or (before.node, before.since, before.revision) == (
            place.node,
            place.since,
            place.revision,
        )
        self.hold("a place never becomes another one", same, before, place)
        if before is None:
            self._new(place)
        elif place.leaving and not before.leaving:
            self._dismissed(before, place)

    def written(self, again):
        """The same question on the picture in which the answer was carried out."""
        # One that does not stay up makes room of its kind where it was, which others of its service may take next.
        crashed = {each.service for each in self.world.last.places if each.cause is Cause.CRASH}
        # One that had to leave a lost node uses up its account until it is told to; others may wait for that.
        waited = {each.service for each in self.world.last.refusals if "quota" in each.counts}
        told = {each.key for each in self.world.last.places}  # to leave, before there was anything of them
        empty = {self._slot(each) for each in self.world.last.places if each.leaving}
        # One that was told to leave before it was made leaves its turn of a renewal at once, to any slot of its service.
        unmade = {each.service for each in self.world.last.places if each.leaving and not self._made(each)}
        # Where a further one of its service is now, another zone may be open to one that was refused before.
        placed = {each.service for each in self.world.last.places if not each.leaving}
        closed = {(each.service, each.slot) for each in self.world.last.refusals if "zone" in each.counts}
        left = [
            each
            for each in again.places
            if each.cause is not Cause.REBALANCE
            and each.service not in crashed.union(waited)
            and not (self._slot(each) in empty and not each.leaving)
            and not (each.service in unmade and (each.leaving or each.cause is Cause.RENEWAL))
            and not (each.service in placed and self._slot(each) in closed)
        ]
        more = (
            left
            or [each for each in again.deletes if each.key not in told and each.service not in waited]
            or again.standings
            or again.forget
            or again.failures
            or again.mended
        )
        self.hold("a second plan changes nothing", not more or self.world.last.again_at <= self.world.now + 1.0, more)

    def _made(self, place):
        """Whether its machine has a container of it."""
        machine = self.world.machines.get(place.node)
        return machine is not None and place.key in machine.containers

    def each_second(self):
        world = self.world
        running = Counter(
            (each.place.service, each.place.slot)
            for machine in world.machines.values()
            for each in machine.containers.values()
            if each.place.service in self.exclusive
        )
        for slot, count in running.items():
            self.hold("an exclusive slot never runs twice", count <= 1, slot, count, "times")

    # ----------------------------------------------------------------------------------------------- a new place

    def _new(self, place):
        world, demand = self.world, self.world.demands[place.service]
        facts = self.nodes.get(place.node)
        self.hold("a place is on a node that is seen", facts is not None and facts.ready, place)
        self.hold("nothing new comes to a drained node", not facts.drained, place)
        standing = world.memory.standings.get(place.node)
        self.hold("nothing new comes to a flapping node", not (standing and standing.eligible_at > world.now), place)
        self._fits(place, facts)
        self._rules(place, demand, facts)
        others = [each for each in world.places.slot[self._slot(place)].values() if each is not place]
        self.hold("generations of a slot grow", all(each.generation < place.generation for each in others))
        live = [each for each in others if not each.leaving and self._sees(each)]
        self.hold("a slot has two places at most that are seen", len(live) <= 1, place, others)
        if demand.exclusive:
            self.hold(
                "an exclusive slot is left before it is placed anew", all(each.leaving for each in others), others
            )
        if not demand.everywhere:
            slots = {each.slot for each in world.places.of[place.service].values() if not each.leaving}
            self.hold("no more slots than wanted", len(slots) <= demand.replicas, place, sorted(slots))

    def _fits(self, place, facts):
        here = [each for each in self.world.places.on[facts.name].values() if not self._left(each)]
        cpu, memory = sum(each.reservation.cpu for each in here), sum(each.reservation.memory for each in here)
        self.hold(
            "no node is overbooked",
            cpu <= facts.capacity.cpu + 1e-6 and memory <= facts.capacity.memory,
            facts.name,
            cpu,
        )
        ports = Counter(port for each in here for port in each.ports)
        self.hold("no host port is given twice", all(count == 1 for count in ports.values()), facts.name, ports)
        # An empty place that holds its slot counts again when its node is lost; nothing new may come on top of that.
        for quota in [each for each in self.world.quotas if each.account == place.account]:
            used = sum(each.account == quota.account for each in self.world.places.values() if not self._left(each))
            self.hold("no quota is exceeded", used <= quota.replicas, quota.account, used)

    def _rules(self, place, demand, facts):
        for rule in demand.hard(Kind.CONSTRAINT):
            self.hold(
                "constraints hold for new places",
                (facts.labels.get(rule.key, "") == rule.value) is rule.equal,
                place,
            )
        others = [
            each for each in self.world.places.on[place.node].values() if each is not place and not self._left(each)
        ]
        for other in others:
            self.hold(
                "affinities hold both ways", not self._refuse(place.service, other.service), place, "beside", other
            )
        if demand.max_per_node:
            own = [each for each in others if each.service == place.service and not each.leaving and self._newest(each)]
            own = [each for each in own if each.revision == place.revision]
            self.hold("not more than allowed on a node", len(own) < demand.max_per_node, place, own)
        if demand.zones is not None and not demand.zones.soft and not demand.everywhere:
            self._even(place, demand)

    def _refuse(self, one, other):
        for owner, named in ((one, other), (other, one)):
            demand = self.known.get(owner) if owner in self.world.demands else None
            if demand is not None and named in self._refused_by(demand):
                return True
        return False

    def _refused_by(self, demand):
        known = self._refusing.get(demand.service)
        if known is None or known[0] is not demand:
            named = frozenset(rule.value for rule in demand.hard(Kind.AFFINITY) if not rule.equal)
            known = self._refusing[demand.service] = (demand, named)
        return known[1]

    def _even(self, place, demand):
        """At most one more than in the emptiest zone it may be in; and no second one in any while there are too few."""
        constraints = demand.hard(Kind.CONSTRAINT)
        zones = {
            each.zone: 0
            for each in self.scene.nodes
            if each.ready
            and not each.drained
            and not self._quarantined(each.name)
            and all((each.labels.get(rule.key, "") == rule.value) is rule.equal for rule in constraints)
        }
        for each in self.world.places.of[place.service].values():
            if each.revision == place.revision and not each.leaving and self._sees(each) and self._newest(each):
                zone = self.world.machines[each.node].facts.zone
                if zone in zones:
                    zones[zone] += 1
        before = self._crashed_in(place.service)
        least = min(zones[each] + before[each] for each in zones) if len(zones) >= demand.zones.zones else 0
        zone = self.world.machines[place.node].facts.zone
        pending = (
            self.world.last.places
        )  # others of this plan that are not written yet leave zones fuller than they look
        self.hold("zones stay even", zones[zone] <= least + 1 or place.cause is not Cause.NEW, place, zones, pending)

    def _crashed_in(self, service):
        """By zone, how many go from there in this very plan since they do not stay up: they counted when it was made."""
        last = self.world.last.places
        moved = {self._slot(each) for each in last if each.cause is Cause.CRASH and not each.leaving}
        left = {self._slot(each): each for each in last if each.service == service and each.leaving}
        return Counter(self.world.machines[left[slot].node].facts.zone for slot in moved & left.keys())

    def _newest(self, place):
        return all(
            each.generation <= place.generation or each.leaving
            for each in self.world.places.slot[self._slot(place)].values()
        )

    # ------------------------------------------------------------------------------------------- one that has to go

    def _dismissed(self, before, place):
        """What serves goes by our own choice only when another one serves in its place, or the service can spare it."""
        demand = self.world.demands.get(place.service)
        mine = self.seen.get(before.key)
        wanted = demand is not None and not demand.everywhere
        if not wanted or mine is None or not mine.ready or not self._sees(before):
            return
        slots = {each.slot for each in self.staying[place.service]}
        if len(slots) > demand.replicas:
            return  # fewer are wanted
        serving = {
            (each.slot, each.key) for each in self.staying[place.service] if each.ready and self._sees(each.place)
        }
        others = {
            key
            for slot, key in serving
            if slot == place.slot and key != place.key and not self.world.places[key].leaving
        }
        left = {slot for slot, key in serving if not self.world.places[key].leaving}
        forced = place.node in self._drained_long()
        here = {each.slot for each in self.staying[place.service] if self._sees(each.place)}
        may_fail = int(demand.failure_ratio * max(len(slots), demand.replicas))
        spared = demand.leaves_first and len(left) >= min(demand.replicas, len(here)) - demand.max_parallel - may_fail
        self.hold("what serves goes only when replaced or spared", bool(others) or spared or forced, place, left)

    def _drained_long(self):
        return {
            each.name for each in self.scene.nodes if each.drained and self.world.now >= each.drained_since + 3600.0
        }

    # --------------------------------------------------------------------------------------------------- in the end

    def settled(self):
        """After all trouble: what is wanted runs once, or no node may take it."""
        world = self.world
        staying = Counter(
            self._slot(each) for each in world.places.values() if not each.leaving and not self._crashes(each)
        )
        self.hold("in the end a slot has one place", all(count == 1 for count in staying.values()), staying)
        leaving = [
            each for each in world.places.values() if each.leaving and not self._crashes(each) and not self._held(each)
        ]
        self.hold("in the end nothing is leaving", not leaving, leaving)
        for machine in world.machines.values():
            keys = {key for key, each in machine.containers.items() if not self._crashes(each.place)}
            here = world.places.on[machine.facts.name].items()
            wanted = {key for key, each in here if not self._crashes(each) and not each.leaving}
            self.hold("in the end a node runs what is stored", keys == wanted, machine.facts.name, keys ^ wanted)
            ready = all(
                each.state is State.READY for each in machine.containers.values() if not self._crashes(each.place)
            )
            self.hold("in the end all are ready", ready, machine.facts.name)
        self._complete()

    def _complete(self):
        scene = self.world.scene()
        for demand in self.world.demands.values():
            if self._crashes(demand) or demand.service in self.world.held:
                continue
            have = {each.slot for each in self.world.places.of[demand.service].values() if not each.leaving}
            self._renewed(demand, scene)
            if demand.everywhere:
                free = [each for each in scene.nodes if self._takes(each, demand) and not self._runs(each, demand)]
                self.hold("in the end it is everywhere", not free, demand.service, [each.name for each in free])
                continue
            self.hold("in the end there are not too many", len(have) <= demand.replicas, demand.service)
            if len(have) < demand.replicas:
                free = [each.name for each in scene.nodes if self._takes(each, demand)]
                self.hold("in the end nothing waits that a node would take", not free, demand.service, free)

    def _renewed(self, demand, scene):
        """Nobody is of another revision for whom there is room; where the old one goes first there is its own."""
        olds = [
            each
            for each in self.world.places.of[demand.service].values()
            if each.revision != demand.revision and not each.leaving
        ]
        homes = {each.node for each in olds}
        free = [
            each.name
            for each in scene.nodes
            if olds and (each.name in homes or not demand.everywhere) and self._takes(each, demand)
        ]
        wait = any(self._held(each) for each in self.world.places.of[demand.service].values())
        stays = bool(olds) and (bool(free) or (demand.leaves_first and not wait and not demand.everywhere))
        self.hold("in the end all are of the wanted revision", not stays, demand.service, olds, free)

    def _left(self, place):
        """Whether nothing of it is on its node, and it only holds its slot."""
        return place.key in self.seen and self.seen[place.key].gone

    def _held(self, place):
        """Whether it left, and holds its slot for a new place."""
        demand = self.world.demands.get(place.service)
        slot = self.world.places.slot[self._slot(place)].values()
        return place.leaving and bool(demand and demand.leaves_first) and all(each.leaving for each in slot)

    def _takes(self, facts, demand):
        """Whether a node surely takes one replica more; slow and simple."""
        here = self.world.places.on[facts.name].values()
        cpu = sum(each.reservation.cpu for each in here) + demand.reservation.cpu
        memory = sum(each.reservation.memory for each in here) + demand.reservation.memory
        own = sum(each.service == demand.service for each in here)
        quota = {each.account: each.replicas for each in self.world.quotas}.get(demand.account)
        return (
            facts.ready
            and not facts.drained
            and not self._quarantined(facts.name)
            and all(
                (facts.labels.get(rule.key, "") == rule.value) is rule.equal for rule in demand.hard(Kind.CONSTRAINT)
            )
            and cpu <= facts.capacity.cpu
            and memory <= facts.capacity.memory
            and not any(set(each.ports) & set(demand.ports) for each in here)
            and not (demand.max_per_node and own >= demand.max_per_node)
            and not any(self._refuse(demand.service, each.service) for each in here)
            and (demand.zones is None or demand.zones.soft)
            and not demand.volumes
            and (quota is None or sum(each.account == demand.account for each in self.world.places.values()) < quota)
        )

    def _runs(self, facts, demand):
        return any(each.service == demand.service for each in self.world.places.on[facts.name].values())

    def _crashes(self, of):
        return self.world.ends(of)

    def _quarantined(self, name):
        standing = self.world.memory.standings.get(name)
        return bool(standing and standing.eligible_at > self.world.now)

    def _sees(self, place):
        facts = self.nodes.get(place.node)
        return facts is not None and facts.ready

    @staticmethod
    def _slot(place):
        return place.service, place.slot
