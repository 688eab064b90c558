import asyncio

from tests.support.built import make
from tests.support.seen import instance, inventory
from tidegate.discovery.sleeping import Dormant, SleepingProvider
from tidegate.model import ASLEEP, HealthState, InstanceState
from tidegate.tasks import Tasks

LABELS = {"tidegate.host": "web.test", "aliyun.auto_scaling.max_cpu": "70", "tidegate.auto_scaling.min_instances": "0"}
WEB = Dormant(service="shop/web", labels=LABELS, ports=(80,))


class World:
    dormant, seen = (WEB,), {}

    def __init__(self):
        self.provider = SleepingProvider(lambda: self.dormant, lambda: self.seen)


def test_a_service_at_zero_holds_its_routes_and_is_never_ready():
    found = World().provider.inventory()
    (stands_in,) = found.services["shop/web"]
    assert (found.provider, stands_in.made, stands_in.state) == (ASLEEP, "place", InstanceState.PAUSED)
    assert stands_in.scaling.least == 0
    table = make(stands_in).table
    assert [each.service for each in table.routes["web.test/"].backends] == ["shop/web"]
    assert [each.state for each in table.services["shop/web"].endpoints] == [HealthState.UNHEALTHY]


def test_only_who_may_be_at_zero_has_somebody_stand_in():
    world = World()
    awake = {name: text for name, text in LABELS.items() if "min_instances" not in name}
    world.dormant = (Dormant(service="shop/web", labels=awake), Dormant(service="shop/db", labels={}))
    assert world.provider.inventory().services == {}


async def test_nothing_is_said_before_it_is_known_who_may_sleep():
    world, offered = World(), []
    world.dormant = None
    async with Tasks("test") as tasks:
        task = tasks.spawn("provider", world.provider.run(offered.append))
        await asyncio.sleep(0)
        assert offered == []
        world.dormant = ()
        async with asyncio.timeout(5):
            while not offered:  # noqa: ASYNC110  a list has no event
                await asyncio.sleep(0.01)
        task.cancel()
    assert offered[0].services == {}


def test_it_goes_as_soon_as_a_real_container_lives():
    world = World()
    world.seen = {"docker": inventory(instance("c", "web", project="shop", state=InstanceState.STOPPED))}
    assert set(world.provider.inventory().services) == {"shop/web"}
    world.seen = {"docker": inventory(instance("c", "web", project="shop"))}
    assert world.provider.inventory().services == {}


def test_what_stands_in_is_not_taken_for_a_real_one():
    world = World()
    world.seen = {ASLEEP: world.provider.inventory()}
    assert set(world.provider.inventory().services) == {"shop/web"}


def test_the_version_grows_only_with_a_change():
    world = World()
    assert [world.provider.inventory().version for _ in range(3)] == [1, 1, 1]
    assert world.provider.inventory().services is world.provider.inventory().services
    world.dormant = ()
    assert world.provider.inventory().version == 2


async def test_changes_are_offered_as_they_come():
    world, offered, came = World(), [], asyncio.Event()

    def publish(found):
        offered.append(found)
        came.set()

    async with Tasks("test") as tasks:
        task = tasks.spawn("provider", world.provider.run(publish))
        await asyncio.wait_for(came.wait(), 5)
        came.clear()
        world.dormant = ()
        await asyncio.wait_for(came.wait(), 5)
        task.cancel()
    assert [set(each.services) for each in offered] == [{"shop/web"}, set()]
