"""Whole plans: the same cluster in virtual time under all that may happen. Single rules have their own files."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec import json
from msgspec.structs import replace

from tests.support.cluster_stories import flap, peace, small, storm
from tests.support.cluster_world import World
from tests.support.placement import NOW, demand, lost, memory, node, planned, replica, standing
from tidegate.placement.memory import Ledger, Memory
from tidegate.placement.planning import plan
from tidegate.placement.scene import Scene

THREE = [node("n1", "a"), node("n2", "b"), node("n3", "c")]


@pytest.mark.parametrize("seed", range(4))
def test_after_any_storm_what_is_wanted_runs_once(seed):
    world, rng = small(seed)
    storm(world, rng, events=10)
    assert sum(world.laws.checks.values()) > 100


def eventful(die_after=None):
    """A small story with a deploy, a lost node, a drain, a scale-in and an exclusive service; every write is one transaction."""
    world = World(
        THREE,
        [demand(replicas=3), demand("shop/one", exclusive=True), demand("shop/all", everywhere=True)],
        batch=1,
        die_after=die_after,
    )
    world.run(30.0)
    world.kill("n1")
    world.run(45.0)
    world.start("n1")
    world.drain("n2")
    world.run(45.0)
    world.want(demand(replicas=2))
    peace(world, 900.0)
    return world


def outcome(world):
    """How many places each service has; which of two slots went may depend on when the second leader looked."""
    return Counter(each.service for each in world.places.values())


def test_a_leader_that_dies_after_any_write_is_followed_by_one_that_ends_the_same():
    whole = eventful()
    assert whole.writes > 20
    for write in range(1, whole.writes + 1):
        assert outcome(eventful(die_after=write)) == outcome(whole)


class Cluster(RuleBasedStateMachine):
    """Whatever order things happen in, the laws hold after each write and second, and in the end all is as wanted."""

    @initialize(seed=st.integers(0, 10_000))
    def begin(self, seed):
        self.world, _ = small(seed)
        self.world.run(10.0)

    def pick(self, number):
        names = sorted(self.world.machines)
        return names[number % len(names)]

    @rule(number=st.integers(0, 11))
    def node_down(self, number):
        self.world.kill(self.pick(number))

    @rule(number=st.integers(0, 11))
    def node_up(self, number):
        self.world.start(self.pick(number))

    @rule(number=st.integers(0, 11), seconds=st.sampled_from([6.0, 20.0, 40.0]))
    def partition(self, number, seconds):
        self.world.cut(self.pick(number))
        self.world.run(seconds)
        self.world.heal(self.pick(number))

    @rule(number=st.integers(0, 11))
    def flap(self, number):
        flap(self.world, self.pick(number))

    @rule(number=st.integers(0, 11), drained=st.booleans())
    def drain(self, number, drained):
        self.world.drain(self.pick(number), drained)

    @precondition(lambda self: self.world.demands)
    @rule(number=st.integers(0, 7), replicas=st.integers(0, 6))
    def scale(self, number, replicas):
        demands = sorted(self.world.demands)
        wanted = self.world.demands[demands[number % len(demands)]]
        self.world.want(replace(wanted, replicas=replicas))

    @rule(number=st.integers(0, 3))
    def deploy(self, number):
        self.world.want(demand(f"shop/new{number}", cpu=0.5, replicas=number + 1))

    @precondition(lambda self: self.world.demands)
    @rule(number=st.integers(0, 7))
    def remove(self, number):
        demands = sorted(self.world.demands)
        self.world.remove(demands[number % len(demands)])

    @rule(writes=st.integers(1, 4))
    def leader_dies_between_writes(self, writes):
        self.world.die_after = self.world.writes + writes

    @rule(seconds=st.sampled_from([2.0, 15.0, 30.0]))
    def leader_change(self, seconds):
        self.world.depose(seconds)

    @rule(seconds=st.sampled_from([1.0, 5.0, 30.0]))
    def time_passes(self, seconds):
        self.world.run(seconds)

    def teardown(self):
        if hasattr(self, "world"):
            self.world.die_after = None
            peace(self.world)


Cluster.TestCase.settings = settings(
    max_examples=3, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCluster = Cluster.TestCase


def test_a_thousand_nodes_lose_some_and_every_replica_is_placed_again():
    nodes = [node(f"n{n}", f"z{n % 4}", cpu=16.0) for n in range(1000)]
    demands = [demand(f"shop/s{n}", cpu=0.25, replicas=50) for n in range(40)]
    there = [replica(f"n{(n * 50 + slot) % 1000}", slot, f"shop/s{n}") for n in range(40) for slot in range(1, 51)]
    gone = {f"n{n}" for n in range(0, 1000, 40)}
    known = memory(
        *(
            lost(each.name, 1.0, zone=each.zone) if each.name in gone else standing(each.name, each.zone)
            for each in nodes
        )
    )
    found = planned([each for each in nodes if each.name not in gone], demands, there, known)
    assert len(found.places) == sum(each.node in gone for each in there)
    assert not {each.node for each in found.places} & gone


def test_an_empty_cluster_has_nothing_to_do_but_to_look_again():
    found = plan(Scene(), Memory(ledger=Ledger(rebalanced_at=NOW)), NOW, 1)
    assert found.empty and found.again_at == NOW + 300.0


def test_what_is_refused_is_tried_again_within_a_minute():
    found = planned(THREE, [demand(cpu=100.0)])
    assert found.refusals and found.again_at == NOW + 60.0


def test_a_node_that_nobody_waits_for_is_forgotten():
    found = planned(
        THREE,
        [demand()],
        [replica("n1")],
        memory(*(standing(each.name, each.zone) for each in THREE), lost("old", 86400.0)),
    )
    assert found.forget == ("old",)


def test_a_node_is_not_forgotten_while_something_waits_for_it():
    known = memory(*(standing(each.name, each.zone) for each in THREE), lost("old", 86400.0))
    found = planned(THREE, [demand(volumes=("data",))], [replica("old")], known)
    assert found.empty


def test_a_flapping_node_takes_nothing_and_is_asked_again_when_its_quarantine_ends():
    shaky = standing("n1", "a", up_since=NOW - 1.0, eligible_at=NOW + 200.0, quarantines=1)
    found = planned(THREE, [demand(replicas=6)], (), memory(shaky, standing("n2", "b"), standing("n3", "c")))
    assert {each.node for each in found.places} == {"n2", "n3"}
    assert found.again_at == NOW + 200.0


def test_where_a_service_fails_again_and_again_it_goes_last():
    crashes = replica("n1", 1, ended=5, ended_at=NOW - 500.0)
    known = memory(*(standing(each.name, each.zone) for each in THREE))
    found = planned(THREE, [demand(replicas=3)], [crashes], known)
    assert found.failures[0].failing(NOW) == {"n1"}
    assert {each.node for each in found.places} == {"n2", "n3"}


def test_a_leader_after_a_restart_of_everything_declares_nobody_gone():
    known = memory(*(standing(each.name, each.zone) for each in THREE))
    found = plan(
        Scene(demands=(demand(replicas=1),), nodes=tuple(THREE[:1]), replicas=(replica("n3"),)),
        known,
        NOW,
        1,
        leader_since=NOW - 5.0,
    )
    assert not found.places and not found.standings
    assert found.again_at == NOW + 25.0


def test_what_is_remembered_is_stored_as_it_was():
    found = planned(THREE[:1], [demand()], [replica("n3", ended=3)], memory(standing("n1"), lost("n3", 1.0)))
    for value in (*found.standings, *found.failures, *found.places):
        assert json.decode(json.encode(value), type=type(value)) == value
