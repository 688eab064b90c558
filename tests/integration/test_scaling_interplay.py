"""Scaling while other things are under way: a renewal, a drain, a node that is lost or cannot be asked, a service at zero."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.scaled_stack import ScaledStack
from tidegate.elasticity import Bound, Metric, ScalingPolicy, Target

BOUNDS = ScalingPolicy(bounds=(Bound(metric=Metric.CPU, high=70, low=30),), period_seconds=20.0, most=6)
TARGET = ScalingPolicy(targets=(Target(metric=Metric.CPU, value=60),), in_window_seconds=60.0, most=6)
ZERO = ScalingPolicy(bounds=BOUNDS.bounds, period_seconds=20.0, least=0, most=6)
POLICIES = (BOUNDS, TARGET, ZERO)
named = pytest.mark.parametrize("policy", [BOUNDS, TARGET], ids=["bounds", "targets"])


@named
def test_replicas_come_during_a_renewal_and_none_leaves_until_it_is_done(policy):
    world = ScaledStack(policy, replicas=4)
    world.load = 2.0
    world.run(200)
    world.revision, world.load = "r2", 0.1
    while world.old:
        assert world.wanted == 4
        world.run(2)
    assert any("yet to be renewed" in each.why for each in world.decisions)
    assert world.run(1200).wanted == 1 and world.settled

    world.revision, world.load = "r3", 2.5
    world.run(400)
    assert world.wanted >= 4 and world.settled


@named
def test_a_renewal_that_does_not_work_is_not_answered_with_more_of_it(policy):
    world = ScaledStack(policy, replicas=2)
    world.load = 1.0
    world.run(100)
    world.broken, world.revision, world.load = {"r2"}, "r2", 2.0
    world.run(2000)
    assert len(world.serving) == 2, "the old ones serve"
    assert world.wanted <= 4
    world.revision = "r1"
    world.run(400)
    assert world.settled and 3 <= world.wanted <= 4


@named
def test_a_node_is_emptied_while_replicas_leave_and_nobody_comes_back(policy):
    world = ScaledStack(policy, replicas=6)
    world.load = 3.0
    world.run(200)
    world.drained, world.load = {"a"}, 0.3
    world.run(1500)
    assert world.settled and not any(place.node == "a" for place in world.places.values())
    assert [wanted < current for current, wanted in world.changes] == [True] * len(world.changes)


@pytest.mark.parametrize(("policy", "kept"), [(BOUNDS, 4), (TARGET, 2)], ids=["bounds", "targets"])
def test_with_every_second_node_silent_a_quiet_service_keeps_what_those_may_need(policy, kept):
    world = ScaledStack(policy, nodes="ab", replicas=4)
    world.load, world.mute = 0.4, {"b"}
    world.run(1000)
    assert world.wanted == kept
    assert world.decisions[-1].why.endswith("b cannot be asked (no answer)")
    world.mute = set()
    assert world.run(1000).wanted == 1


def test_two_replicas_on_two_nodes_go_to_zero_and_one_comes_back_for_who_waits():
    world = ScaledStack(ZERO, nodes="ab", replicas=2)
    world.load = 0.0
    world.run(600)
    assert (world.wanted, world.places) == (0, {})
    world.waiting, world.load = 3, 1.5
    world.run(4)
    assert world.wanted == 1 and len(world.places) == 1
    world.waiting = 0
    world.run(300)
    assert world.wanted >= 2 and {place.node for place in world.serving} == {"a", "b"}


def test_a_service_does_not_go_to_zero_while_a_node_cannot_say_whether_it_has_requests():
    world = ScaledStack(ZERO, nodes="ab", replicas=1)
    world.load, world.mute = 0.0, {"b"}
    assert world.run(1000).wanted == 1
    world.mute = set()
    assert world.run(300).wanted == 0


class Interplay(RuleBasedStateMachine):
    """Anything, in any order. Laws: the count stays within its bounds; nothing leaves during a renewal; nobody who serves is lost
    but by a node; and when all is quiet it settles and stays."""

    @initialize(policy=st.sampled_from(POLICIES), replicas=st.integers(1, 6))
    def begin(self, policy, replicas):
        self.world = ScaledStack(policy, replicas=replicas)
        self.world.load = 1.0
        self.world.run(60)

    @rule(load=st.floats(0.0, 5.0), seconds=st.sampled_from([20, 100, 300]))
    def loads(self, load, seconds):
        self.world.load = load
        self.world.waiting = int(load > 0)
        self._run(seconds)

    @rule(node=st.sampled_from("abc"))
    def falls_silent_or_speaks(self, node):
        self.world.mute ^= {node}
        self._run(40)

    @rule(node=st.sampled_from("abc"))
    def is_drained_or_not(self, node):
        self.world.drained ^= {node}
        self._run(40)

    @precondition(lambda self: not self.world.dead)
    @rule(node=st.sampled_from("abc"))
    def dies(self, node):
        self.world.dead = {node}
        self._run(40)

    @precondition(lambda self: self.world.dead)
    @rule()
    def comes_back(self):
        self.world.dead = set()
        self._run(20)

    @rule()
    def is_renewed(self):
        self.world.revision = f"r{int(self.world.revision[1:]) + 1}"
        self._run(30)

    def _run(self, seconds):
        world = self.world
        for _ in range(seconds // 2):
            before, old = world.wanted, world.old
            world.run(2)
            if old and world.old:
                assert world.wanted >= min(before, world.policy.most), "nothing leaves during a renewal"

    @invariant()
    def is_within_its_bounds(self):
        assert self.world.policy.least <= self.world.wanted <= self.world.policy.most or self.world.old

    def teardown(self):
        world = self.world
        world.mute, world.dead, world.drained, world.load, world.waiting = set(), set(), set(), 1.5, 1
        world.run(1500)
        assert world.settled, f"{world.wanted} wanted, {len(world.serving)} serve, {len(world.places)} placed"
        count = len(world.changes)
        world.run(1500)
        assert len(world.changes) == count, f"it flaps: {world.changes[count:]}"


Interplay.TestCase.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestInterplay = Interplay.TestCase
