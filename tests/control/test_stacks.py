import asyncio
from itertools import pairwise

from msgspec.structs import replace

from tests.support.stack_stage import engine_with_images, member, stack, stack_lives
from tests.support.virtual_time import run_virtual
from tidegate.engine.compose_labels import PROJECT_LABEL, SERVICE_LABEL
from tidegate.engine.spec import Attachment, ContainerSpec, Mount, NetworkSpec, VolumeSpec
from tidegate.model import InstanceState
from tidegate.stacks.file import StackNetwork, StackVolume
from tidegate.stacks.service import Condition
from tidegate.stacks.sharing import SHARES_LABEL


def play(path, story, *, before=lambda engine: None, unready=(), last=None):
    """Run a story on an engine where `before` happened; the program at its end, and its writes."""
    engine = engine_with_images("image:1", "image:2")
    found = []

    async def act():
        before(engine)
        found.append(await stack_lives(path, engine, story, unready=unready, last=last))

    run_virtual(act(), 40_000)
    return found[0]


def test_a_stack_comes_up_with_its_replicas_is_scaled_and_leaves_nothing(tmp_path):
    async def story(program):
        await program.up(stack(member(scale=2), member("db")))
        await program.settled()
        assert program.running() == [("shop-web-1", "image:1"), ("shop-web-2", "image:1")]
        assert program.running("db") == [("shop-db-1", "image:1")]
        await program.scale("shop/web", 3)
        await program.until(lambda: len(program.running()) == 3)
        await program.scale("shop/web", 1)
        await program.until(lambda: len(program.engine.containers) == 2)
        await program.up(replace(stack(member(scale=2), member("db")), leaving=True, when=5.0))
        await program.until(lambda: not program.stacks.book.stacks.entries)
        assert not program.engine.containers
        assert not program.stacks.book.scales.entries
        await program.until(lambda: not program.stacks.book.reports.entries)

    play(tmp_path / "db", story)


def test_of_fewer_replicas_those_stay_that_routers_have_connections_to(tmp_path):
    def endpoint(program, name):
        (container,) = (id_ for id_, each in program.engine.containers.items() if each.name == name)
        return "shop/web", "", f"{container}:80"

    async def story(program):
        await program.up(stack(member(scale=4)))
        await program.settled()
        busy, held, idle = (endpoint(program, f"shop-web-{slot}") for slot in (2, 4, 3))
        program.flying = (("endpoint", busy, 7), ("endpoint", held, 1), ("lasting", held, 1), ("endpoint", idle, 2))
        await asyncio.sleep(1)
        await program.scale("shop/web", 1)
        await program.until(lambda: len(leaving()) == 3)
        assert leaving() == {1, 2, 3}, "the one with a connection that lasts is the highest slot"
        program.flying = (("endpoint", held, 1), ("lasting", held, 1))
        await program.settled()
        assert program.running() == [("shop-web-4", "image:1")]

    def leaving():
        return {each.slot for each in found[0].stacks.book.places.entries.values() if each.leaving}

    found = []

    async def told(program):
        found[:] = [program]
        await story(program)

    play(tmp_path / "db", told)


def test_a_changed_service_is_replaced_slot_by_slot_and_never_short_of_ready_ones(tmp_path):
    short = []

    async def story(program):
        await program.up(stack(member(scale=3)))
        await program.settled()

        def watch():
            ready = [
                each
                for each in program.stacks.book.picture.within("shop")
                if program.stacks.book.picture.report(each).ready_since
            ]
            short.append(len(ready))
            return program._settled() and {image for _, image in program.running()} == {"image:2"}

        await program.up(stack(member(image="image:2", scale=3), number=2))
        await program.until(watch)
        assert program.running() == [(f"shop-web-{n}-g2", "image:2") for n in (1, 2, 3)]

    program, _ = play(tmp_path / "db", story)
    assert min(short) >= 3
    assert program.peak["web"] == 4


def test_a_version_that_does_not_get_ready_replaces_nobody(tmp_path):
    async def story(program):
        await program.up(stack(member(scale=2)))
        await program.settled()
        await program.up(stack(member(image="image:2", scale=2), number=2))
        await asyncio.sleep(600)
        assert [image for _, image in program.running()] == ["image:1", "image:2", "image:1"]
        await program.up(stack(member(scale=2), number=3))
        await program.settled()
        assert program.running() == [("shop-web-1", "image:1"), ("shop-web-2", "image:1")]

    play(tmp_path / "db", story, unready=("image:2",))


def test_where_two_cannot_be_side_by_side_the_old_one_is_gone_first(tmp_path):
    async def story(program):
        await program.up(stack(member(scale=2, stop_first=True)))
        await program.settled()
        await program.up(stack(member(image="image:2", scale=2, stop_first=True), number=2))
        await program.settled()
        assert {image for _, image in program.running()} == {"image:2"}

    program, _ = play(tmp_path / "db", story)
    assert program.peak["web"] == 2


def test_a_member_starts_when_what_it_depends_on_is_ready_and_says_what_it_waits_for(tmp_path):
    async def story(program):
        web = member(depends={"db": Condition.HEALTHY})
        await program.up(stack(web, member("db", "image:2")))
        await asyncio.sleep(30)
        assert program.running() == []
        assert ("shop/web/1.1 on here is pending", "it waits for db to be ready") in program.said()
        program.unready = ()
        for target in list(program.reconciler.current.checks.values()):
            program.update([target])
        await program.settled()

    play(tmp_path / "db", story, unready=("image:2",))


def test_a_stack_goes_in_the_order_of_need_those_first_who_need_others(tmp_path):
    ended = []

    async def story(program):
        wanted = stack(member(depends={"db": Condition.HEALTHY}), member("db"))
        await program.up(wanted)
        await program.settled()
        await program.up(replace(wanted, leaving=True, when=5.0))

        def watch():
            for service in ("web", "db"):
                if not program.running(service) and service not in ended:
                    ended.append(service)
            return not program.stacks.book.stacks.entries

        await program.until(watch)

    play(tmp_path / "db", story)
    assert ended == ["web", "db"]


def test_one_that_ends_is_started_again_sooner_then_later(tmp_path):
    times = []

    async def story(program):
        await program.up(stack(member()))
        await program.settled()
        container = next(iter(program.engine.containers))
        start = program.engine.begin

        def begin(id_):
            times.append(asyncio.get_running_loop().time())
            start(id_)
            program.engine.end(id_)
            program.engine.change(id_, exit_code=1)

        program.engine.begin = begin
        program.engine.end(container)
        program.engine.change(container, exit_code=1)
        await program.until(lambda: len(times) == 5)
        program.engine.begin = start
        await program.settled()

    play(tmp_path / "db", story)
    gaps = [round(later - earlier) for earlier, later in pairwise(times)]
    assert gaps[0] in (2, 3)
    assert [30 <= gaps[1] <= 33, 60 <= gaps[2] <= 63, 120 <= gaps[3] <= 123] == [True, True, True]


def test_one_that_ended_well_has_done_its_work(tmp_path):
    async def story(program):
        await program.up(stack(member(depends={"db": Condition.COMPLETED}), member("db")))
        await program.until(lambda: program.running("db"))
        await asyncio.sleep(20)
        assert program.running() == []
        program.engine.end(next(key for key, each in program.engine.containers.items() if each.name == "shop-db-1"))
        await program.settled()
        assert program.running("db") == []
        assert program.running() == [("shop-web-1", "image:1")]

    play(tmp_path / "db", story)


def test_an_image_that_cannot_be_fetched_is_tried_again_and_the_reason_told(tmp_path):
    async def story(program):
        await program.up(stack(member(image="image:9")))
        await program.until(lambda: any("image:9" in why for _, why in program.said()))
        assert not program.engine.containers
        program.engine.registry.add("image:9")
        await program.settled()
        assert program.running() == [("shop-web-1", "image:9")]

    play(tmp_path / "db", story)


def test_a_container_that_somebody_removed_is_made_again(tmp_path):
    async def story(program):
        await program.up(stack(member()))
        await program.settled()
        container = next(iter(program.engine.containers))
        program.engine.end(container)
        program.engine.destroy(container)
        await program.until(lambda: not program.running())
        await program.until(lambda: len(program.running()) == 1)
        await program.settled()

    play(tmp_path / "db", story)


def test_containers_of_other_stores_and_of_people_are_left_alone(tmp_path):
    def before(engine):
        engine.run("shop-web-9", {"io.tidegate.place": "shop/web/9.1", "io.tidegate.owner": "another"})
        engine.run("mine")

    async def story(program):
        await program.up(stack(member()))
        await program.settled()
        await asyncio.sleep(120)

    program, _ = play(tmp_path / "db", story, before=before)
    assert sorted(each.name for each in program.engine.containers.values()) == ["mine", "shop-web-1", "shop-web-9"]


def test_a_name_that_is_somebody_elses_is_told_and_not_taken(tmp_path):
    async def story(program):
        await program.up(stack(member()))
        await program.until(lambda: any("shop-web-1" in why for _, why in program.said()))
        engine = program.engine
        theirs = next(key for key, each in engine.containers.items() if each.name == "shop-web-1")
        engine.end(theirs)
        engine.destroy(theirs)
        await program.settled()

    play(tmp_path / "db", story, before=lambda engine: engine.run("shop-web-1"))


def whole(path, last=None):
    """A stack put up, changed, scaled and taken down to one service: what is left, and the writes of the first life."""

    async def story(program):
        await program.until(lambda: program.stacks.book.known)
        if program.stacks.book.stacks.entries.get("shop", stack(number=0)).number < 2:
            await program.up(stack(member(scale=2), member("db")))
            await program.settled()
            await program.up(
                stack(member(image="image:2", scale=2, depends={"db": Condition.HEALTHY}), member("db"), number=2)
            )
        await program.settled()
        if not program.stacks.book.scales.entries and program.stacks.book.stacks.entries["shop"].number < 3:
            await program.scale("shop/web", 3)
            await program.settled()
        await program.up(stack(member(image="image:2", scale=2), number=3))
        await program.settled()

    program, writes = play(path, story, last=last)
    left = sorted((each.image, each.state) for each in program.engine.containers.values())
    places = sorted((each.service, each.slot, each.revision) for each in program.stacks.book.places.entries.values())
    return left, places, writes, program


def test_a_program_that_dies_after_any_write_comes_to_the_same_end_with_no_replica_too_many(tmp_path):
    left, places, writes, _ = whole(tmp_path / "whole.db")
    assert left == [("image:2", InstanceState.RUNNING)] * 3
    assert writes > 15
    for last in range(1, writes + 1):
        found, placed, _, program = whole(tmp_path / f"{last}.db", last)
        assert (found, placed) == (left, places), f"killed after write {last}"
        assert program.peak["web"] <= 4


def test_what_replicas_stand_on_is_made_and_what_somebody_else_has_to_make_is_waited_for(tmp_path):
    template = ContainerSpec(
        name="shop-web",
        image="image:1",
        labels=member().template.labels,
        networks={"shop_front": Attachment(), "theirs": Attachment()},
        mounts=(Mount(source="shop_data", target="/data"),),
    )
    networks = (
        StackNetwork(spec=NetworkSpec(name="shop_front", driver="overlay")),
        StackNetwork(spec=NetworkSpec(name="shop_unused")),
        StackNetwork(spec=NetworkSpec(name="theirs"), external=True),
    )
    volumes = (StackVolume(spec=VolumeSpec(name="shop_data", driver="fast")),)

    async def story(program):
        await program.up(stack(member(template=template), networks=networks, volumes=volumes))
        await program.until(lambda: any("theirs is said to be external" in why for _, why in program.said()))
        assert not program.engine.containers
        await program.engine.create_network(NetworkSpec(name="theirs"))
        await program.settled()
        names = {each.name: each.driver for each in program.engine.known_networks}
        assert names == {"bridge": "bridge", "theirs": "bridge", "shop_front": "bridge"}
        assert program.engine.known_volumes["shop_data"].driver == "fast"

    play(tmp_path / "db", story)


def test_who_shares_with_a_service_is_made_anew_when_that_is_replaced_or_started_anew_and_not_otherwise(tmp_path):
    labels = {PROJECT_LABEL: "shop", SERVICE_LABEL: "web"}
    side = ContainerSpec(name="shop-web", image="image:1", labels=labels, network_mode="service:db")

    def shop(image="image:1", **more):
        depends = {"db": Condition.STARTED}
        web = member(template=side, config="one", stop_first=True, depends=depends)
        return stack(web, member("db", image), **more)

    def of(program, service):
        (found,) = (each for each in program.engine.containers.values() if each.labels[SERVICE_LABEL] == service)
        return found

    def shares(program):
        return of(program, "web").labels[SHARES_LABEL] == f"db={of(program, 'db').id}"

    async def story(program):
        await program.up(shop())
        await program.settled()
        assert shares(program)
        first = of(program, "web").id
        await asyncio.sleep(120)
        assert of(program, "web").id == first, "nothing happened"
        await program.up(shop("image:2", number=2))
        await program.until(lambda: program._settled() and program.running("db") == [("shop-db-1-g2", "image:2")])
        assert shares(program)
        second = of(program, "web").id
        await program.engine.stop(of(program, "db").id)
        await program.engine.start(of(program, "db").id)
        await program.until(lambda: program._settled() and of(program, "web").id not in (first, second))
        assert shares(program)
        await program.up(replace(shop("image:2"), leaving=True, when=5.0))
        await program.until(lambda: not program.stacks.book.stacks.entries)
        assert not program.engine.containers

    play(tmp_path / "db", story)


def test_who_shares_with_a_service_of_which_there_is_none_waits_and_says_so(tmp_path):
    side = ContainerSpec(name="shop-web", image="image:1", labels=member().template.labels, network_mode="service:db")

    async def story(program):
        await program.up(stack(member(template=side, depends={"db": Condition.STARTED}), member("db", scale=0)))
        await program.until(lambda: any("with which it shares" in why for _, why in program.said()))
        assert not program.engine.containers
        await program.scale("shop/db", 1)
        await program.settled()
        assert len(program.engine.containers) == 2

    play(tmp_path / "db", story)
