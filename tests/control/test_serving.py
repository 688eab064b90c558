"""Who is ready, and a container that leaves while routers here and elsewhere still have requests for it."""

from types import SimpleNamespace

from tests.support.built import make
from tests.support.seen import instance, inventory
from tidegate.control.figures import Counted
from tidegate.control.gathering import Gathered
from tidegate.control.serving import Serving
from tidegate.control.traffic import Traffic
from tidegate.model import HealthReport, HealthSource, HealthState, InstanceState
from tidegate.placement.replica import IDLE, Carried
from tidegate.routing import RoutingTable


class World:
    """A node with one container; `far` is what each other node that answers says it has in flight."""

    def __init__(self, *, alone=False):
        self.now, self.far, self.asked = 100.0, [], 0
        self.traffic = Traffic(lambda: self.now)
        reconciler = SimpleNamespace(
            table=make(instance("c1", routes=["a.test/"])).table, waiting_for=(), settle=lambda: 1
        )
        releases = SimpleNamespace(offer_leaving=lambda _: None)
        followers = SimpleNamespace(applied_by_all=lambda _: True)
        elsewhere = None if alone else self.elsewhere
        self.serving = Serving(reconciler, releases, followers, self.traffic, lambda: self.now, elsewhere)
        self.serving.leave(("c1",))
        assert not self.idle(near=0), "what was said before it left says nothing"

    async def elsewhere(self, service, version, seconds):
        self.asked += 1
        assert (service, version) == ("web", "") and seconds
        told = (each if isinstance(each, Counted) else Counted(at=1.0, flying=each) for each in self.far)
        return Gathered(counted={f"n{at}": each for at, each in enumerate(told)}, missing={"mute": "no answer"})

    def idle(self, near):
        """Whether it is, after our own worker said what it has."""
        found = self.serving.idle("c1")
        self.now += 1
        self.traffic.fly(0, 1, [("endpoint", ("web", "", "c1:80"), near)] if near else ())
        return found


async def test_it_is_idle_when_nobody_has_anything_in_flight_to_it():
    world = World()
    world.far = [{"c1:80": 2, "c2:80": 1}]
    await world.serving.look_around()
    assert not world.idle(near=1)
    assert not world.idle(near=0)
    assert not world.idle(near=0), "others still have something"
    world.far = [{"c2:80": 1}]
    await world.serving.look_around()
    assert world.idle(near=0)


async def test_a_node_that_cannot_be_asked_holds_nobody_up():
    world = World()
    await world.serving.look_around()
    assert world.idle(near=0)


async def test_what_a_container_carries_is_that_of_our_routers_and_of_all_nodes_that_answer():
    world = World()
    key = ("web", "", "c1:80")
    world.traffic.fly(0, 1, [("endpoint", key, 3), ("lasting", key, 1), ("route", ("a.test/",), 3)])
    world.far = [
        Counted(at=1.0, flying={"c1:80": 4, "c2:80": 9}, lasting={"c1:80": 2}),
        Counted(at=9.0, flying={"c1:80": 1}),
    ]
    assert await world.serving.carried({"c1", "unknown"}) == {"c1": Carried(in_flight=8, long_lived=3), "unknown": IDLE}
    alone = World(alone=True)
    alone.traffic.fly(0, 1, [("endpoint", key, 3)])
    assert await alone.serving.carried({"c1"}) == {"c1": Carried(in_flight=3)}


async def test_nobody_is_asked_while_nobody_leaves_or_there_are_no_others():
    world = World()
    world.serving.leave(())
    await world.serving.look_around()
    assert world.asked == 0
    single = World(alone=True)
    await single.serving.look_around()
    assert single.idle(near=0) and single.asked == 0


def serving(state, *, health=None, table=None):
    """Of a container `c1` that is seen in this state."""
    seen = {"docker": inventory(instance("c1", state=state))}
    table = table or RoutingTable()
    near = SimpleNamespace(waiting_for=(), table=table, health=health or {}, inventories=seen, settle=lambda: 0)
    return Serving(near, None, None, None, None)


def test_a_container_that_was_seen_before_it_ran_is_not_ready_until_it_is_seen_running():
    assert serving(InstanceState.CREATED).ready("c1") is False
    assert serving(InstanceState.RUNNING).ready("c1") is True


def test_why_a_container_is_not_ready_is_what_its_checks_say():
    refused = HealthReport(
        endpoint="c1:80", state=HealthState.UNHEALTHY, source=HealthSource.PROBE, since=1.0, reason="connection refused"
    )
    table = make(instance("c1")).table
    assert serving(InstanceState.RUNNING, table=table).why("c1") == ""
    unwell = serving(InstanceState.RUNNING, table=table, health={"c1:80": refused})
    assert (unwell.ready("c1"), unwell.why("c1")) == (False, "port 80, connection refused")
