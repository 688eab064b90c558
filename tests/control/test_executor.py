import asyncio
import contextlib

from msgspec.structs import replace

from tests.support import releases
from tests.support.fake_engine import FakeEngine
from tests.support.releases import seen
from tests.support.virtual_time import run_virtual
from tidegate.control.engines import Engines
from tidegate.control.executor import Executor
from tidegate.model import InstanceState
from tidegate.release.acts import Create, Fetch, Remove, Start, Stop, acts
from tidegate.release.advance import advance
from tidegate.release.image import Pin
from tidegate.release.record import State
from tidegate.release.spec import Change, Pull, Retire, Slot
from tidegate.tasks import Tasks


def release(number=7, **given):
    return replace(releases.release(number, prefix="shop-web-", **given), candidates=2)


class Stage:
    """An executor over an engine in memory with two containers of the old version."""

    def __init__(self, tasks):
        self.engine = FakeEngine()
        self.woken = []
        self.old = [self.engine.run(f"old-{number}", {"tidegate.service": "shop/web"}) for number in (1, 2)]
        self.release = release(slots=tuple(Slot(container=container) for container in self.old))
        self.executor = Executor(Engines({"docker": self.engine}), tasks, self.woken.append)

    async def do(self, *acts):
        """Ask for `acts` and wait until none is on its way."""
        self.executor.carry_out(self.release, acts)
        await self.rest()

    async def rest(self):
        while self.executor.busy(self.release):  # noqa: ASYNC110  in virtual time, and `wake` comes before it is over
            await asyncio.sleep(0.01)

    @property
    def faults(self):
        return [(fault.text, fault.lasting) for fault in self.executor.faults(self.release)]

    def create(self, number=1):
        return Create(name=f"shop-web-{number}", number=number, source=self.old[number - 1])

    def named(self, name):
        return next((each for each in self.engine.containers.values() if each.name == name), None)


def staged(scene):
    """A test whose waits cost no time."""

    def test():
        async def play():
            async with Tasks("test") as tasks:
                await scene(Stage(tasks))

        run_virtual(play())

    test.__name__ = scene.__name__
    return test


@staged
async def test_a_container_is_made_with_its_marks_and_not_started(stage):
    await stage.do(stage.create())
    made = stage.named("shop-web-1")
    assert made.state is InstanceState.CREATED
    assert made.labels["io.tidegate.release"] == "shop/web#7"
    assert made.labels["tidegate.version"] == "v2"
    assert stage.faults == []
    assert stage.woken == ["shop/web"]


@staged
async def test_containers_are_started_stopped_and_removed(stage):
    await stage.do(stage.create())
    made = stage.named("shop-web-1").id
    await stage.do(Start(container=made))
    assert stage.engine.containers[made].state is InstanceState.RUNNING
    await stage.do(Stop(container=made, seconds=3))
    assert stage.engine.containers[made].state is InstanceState.STOPPED
    await stage.do(Remove(container=made))
    assert made not in stage.engine.containers


@staged
async def test_a_stop_is_made_to_last_where_nothing_follows_it(stage):
    stage.release = release(slots=stage.release.spec.slots, retire=Retire.STOP)
    await stage.do(Stop(container=stage.old[0]))
    assert stage.engine.calls["keep_stopped"] == 1


@staged
async def test_the_restart_policy_of_what_will_be_removed_stays_as_it_is_for_its_copies(stage):
    stage.release = release(slots=stage.release.spec.slots, retire=Retire.REMOVE)
    await stage.do(Stop(container=stage.old[0]))
    assert stage.engine.calls["keep_stopped"] == 0


@staged
async def test_a_container_that_its_policy_would_start_again_is_stopped_before_it_is_removed(stage):
    await stage.do(Remove(container=stage.old[0]))
    assert (stage.engine.calls["stop"], stage.engine.calls["remove"]) == (1, 1)
    assert stage.faults == []


@staged
async def test_what_is_gone_already_is_well_ended(stage):
    await stage.do(Stop(container="gone"), Remove(container="gone-too"))
    assert stage.faults == []


@staged
async def test_an_act_that_is_on_its_way_is_not_begun_again(stage):
    stage.engine.latency = 1.0
    for _ in range(5):
        stage.executor.carry_out(stage.release, [stage.create()])
        await asyncio.sleep(0.1)
    assert stage.executor.busy(stage.release)
    await stage.rest()
    assert stage.engine.calls["duplicate"] == 1


@staged
async def test_an_act_that_is_done_and_still_wanted_is_done_again(stage):
    """It was seen too late, or undone by somebody."""
    for _ in range(2):
        await stage.do(Stop(container=stage.old[0]))
        stage.engine.begin(stage.old[0])
    assert stage.engine.calls["stop"] == 2


@staged
async def test_many_acts_run_at_once_but_not_all(stage):
    stage.engine.latency = 1.0
    began = asyncio.get_running_loop().time()
    await stage.do(*(Start(container=f"{number}") for number in range(12)))
    assert 1.5 < asyncio.get_running_loop().time() - began < 3.5


@staged
async def test_a_refusal_is_a_fault_until_it_succeeds(stage):
    stage.engine.broken.add("stop")
    await stage.do(Stop(container=stage.old[0]))
    assert stage.faults == [("stop is refused", False)]
    stage.engine.broken.clear()
    await asyncio.sleep(1.1)
    await stage.do(Stop(container=stage.old[0]))
    assert stage.faults == []


@staged
async def test_a_failed_act_waits_longer_each_time(stage):
    stage.engine.broken.add("start")
    act, began, times = Start(container=stage.old[0]), asyncio.get_running_loop().time(), []
    while len(times) < 5:
        await stage.do(act)
        if stage.engine.calls["start"] > len(times):
            times.append(round(asyncio.get_running_loop().time() - began))
        await asyncio.sleep(0.1)
    assert times == [0, 1, 3, 7, 15]


@staged
async def test_a_refusal_again_and_again_is_lasting(stage):
    stage.engine.broken.add("start")
    async with asyncio.timeout(60):
        while not any(lasting for _, lasting in stage.faults):
            await stage.do(Start(container=stage.old[0]))
            await asyncio.sleep(0.5)
    assert stage.engine.calls["start"] == 4


@staged
async def test_an_engine_that_is_away_is_never_lasting(stage):
    stage.engine.down()
    for _ in range(200):
        await stage.do(Start(container=stage.old[0]))
        await asyncio.sleep(0.5)
    assert [lasting for _, lasting in stage.faults] == [False]
    stage.engine.up()
    await asyncio.sleep(1.1)
    await stage.do(Start(container=stage.old[0]))
    assert stage.faults == []


@staged
async def test_an_act_that_nobody_wants_any_more_is_forgotten_with_its_fault(stage):
    stage.engine.broken.add("start")
    await stage.do(Start(container=stage.old[0]))
    await stage.do()
    assert stage.faults == []


@staged
async def test_releases_do_not_forget_each_others_acts(stage):
    other = release(number=3, service="shop/db")
    stage.engine.broken.add("start")
    await stage.do(Start(container=stage.old[0]))
    stage.executor.carry_out(other, [])
    assert len(stage.faults) == 1
    assert stage.executor.faults(other) == ()


@staged
async def test_an_image_that_cannot_be_had_is_a_lasting_fault(stage):
    stage.release = release(slots=stage.release.spec.slots, change=Change(image="web:9", pull=Pull.NEVER))
    await stage.do(Fetch(node=""))
    assert stage.faults == [("the engine holds no image web:9", True)]


@staged
async def test_an_image_is_fetched_and_it_is_told_which_one_it_is_until_the_record_says_so(stage):
    stage.engine.registry.add("web:2")
    stage.release = release(slots=stage.release.spec.slots, change=Change(image="web:2"))
    await stage.do(Fetch(node=""))
    assert stage.engine.calls["pull"] == 1
    found = stage.executor.images(stage.release)
    assert found == {"": Pin(id="sha256:web:2")}
    stage.release = replace(stage.release, images=found)
    await stage.do()
    assert stage.executor.images(stage.release) == {}


@staged
async def test_all_containers_are_made_of_the_image_that_the_record_names_however_its_tag_moves(stage):
    stage.engine.images.add("web:2")
    stage.release = replace(
        release(slots=stage.release.spec.slots, change=Change(image="web:2")), images={"": Pin(id="sha256:web:2")}
    )
    await stage.do(stage.create(1))
    stage.engine.retag("web:2", "sha256:newer")
    await stage.do(stage.create(2))
    assert [stage.named(f"shop-web-{number}").image_id for number in (1, 2)] == ["sha256:web:2"] * 2


@staged
async def test_two_engines_that_hold_other_images_under_the_name_end_the_release_before_anything_is_made(stage):
    other = FakeEngine()
    slots = (Slot(container=stage.old[0], node="a"), Slot(container=other.run("old-3"), node="b"))
    for engine in (stage.engine, other):
        engine.registry.add("web:2")
    async with Tasks("two") as tasks:
        stage.executor = Executor(Engines({"a": stage.engine, "b": other}), tasks, stage.woken.append)
        stage.release = asked = advance(release(slots=slots, replicas=2, change=Change(image="web:2")), seen(), 1001.0)
        await stage.do(*acts(asked, seen()))
        same = advance(asked, seen(images=stage.executor.images(asked)), 1002.0)
        other.retag("web:2", "sha256:another")
        await stage.do(*acts(asked, seen()))
        unlike = advance(asked, seen(images=stage.executor.images(asked)), 1003.0)
    assert {pin.id for pin in same.images.values()} == {"sha256:web:2"}
    assert {act.node for act in acts(same, seen())} == {"a", "b"}
    assert (unlike.state, unlike.images) == (State.ROLLING_BACK, {})
    assert "a has sha256:web:2, b has sha256:another" in unlike.reason


@staged
async def test_how_far_a_fetch_is_can_be_asked_while_it_lasts(stage):
    stage.engine.registry.add("web:2")
    stage.engine.pull_seconds = 60.0
    stage.release = release(slots=stage.release.spec.slots, change=Change(image="web:2"))
    assert stage.executor.fetches(stage.release) == ()
    stage.executor.carry_out(stage.release, [Fetch(node="")])
    assert [each.said for each in stage.executor.fetches(stage.release)] == ["waiting"]
    await asyncio.sleep(1)
    (told,) = stage.executor.fetches(stage.release)
    assert (told.node, told.image, told.layers, told.done_bytes, told.total_bytes) == ("docker", "web:2", 1, 1, 2)
    await stage.rest()
    assert stage.executor.fetches(stage.release) == ()


@staged
async def test_a_container_whose_original_is_gone_is_copied_from_another(stage):
    stage.engine.destroy(stage.old[0])
    await stage.do(stage.create(1))
    assert stage.named("shop-web-1")
    stage.engine.destroy(stage.old[1])
    with contextlib.suppress(KeyError):
        stage.engine.containers["shop-web-1"] = stage.named("shop-web-1")  # engines know containers by name, too
    await stage.do(stage.create(2))
    assert stage.named("shop-web-2")


@staged
async def test_a_container_of_which_nothing_is_left_is_a_lasting_fault(stage):
    for container in stage.old:
        stage.engine.destroy(container)
    await stage.do(stage.create())
    ((text, lasting),) = stage.faults
    assert "nothing is left that shop-web-1 could be copied from" in text
    assert lasting


@staged
async def test_an_engine_that_is_not_here_is_a_fault(stage):
    await stage.do(Stop(container="x", node="elsewhere"))
    ((text, lasting),) = stage.faults
    assert "no engine 'elsewhere'" in text
    assert lasting
