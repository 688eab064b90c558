"""A container that leaves, while routers here and elsewhere still have requests for it."""

from types import SimpleNamespace

from tests.support.built import make
from tests.support.seen import instance
from tidegate.control.serving import Serving
from tidegate.control.traffic import Traffic


class World:
    """A node with one container; `far` is what the other nodes say they have in flight, None where one cannot be asked."""

    def __init__(self, *, alone=False):
        self.now, self.far, self.asked = 100.0, {}, 0
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

    async def elsewhere(self, service, version):
        self.asked += 1
        assert (service, version) == ("web", "")
        return self.far

    def idle(self, near):
        """Whether it is, after our own worker said what it has."""
        found = self.serving.idle("c1")
        self.now += 1
        self.traffic.fly(0, 1, [("endpoint", ("web", "", "c1:80"), near)] if near else ())
        return found


async def test_it_is_idle_when_nobody_has_anything_in_flight_to_it():
    world = World()
    world.far = {"c1:80": 2, "c2:80": 1}
    await world.serving.look_around()
    assert not world.idle(near=1)
    assert not world.idle(near=0)
    assert not world.idle(near=0), "others still have something"
    world.far = {"c2:80": 1}
    await world.serving.look_around()
    assert world.idle(near=0)


async def test_a_node_that_cannot_be_asked_holds_nobody_up():
    world = World()
    world.far = None
    await world.serving.look_around()
    assert world.idle(near=0)


async def test_nobody_is_asked_while_nobody_leaves_or_there_are_no_others():
    world = World()
    world.serving.leave(())
    await world.serving.look_around()
    assert world.asked == 0
    single = World(alone=True)
    await single.serving.look_around()
    assert single.idle(near=0) and single.asked == 0
