"""One contract, two engines: a real Docker Engine and the embedded one must do and tell the same."""

import asyncio
import contextlib
import itertools
import os

import pytest

from tests.support.images import ensure_busybox
from tidegate.engine.docker import DockerEngine
from tidegate.engine.port import ContainerSpec, Duplicate, Engine
from tidegate.engine.process import ProcessEngine
from tidegate.engine.spec import Mount, NetworkSpec, VolumeSpec
from tidegate.errors import EngineError, EngineUnreachable, NoSuchThing
from tidegate.model import EngineHealth, InstanceState
from tidegate.tasks import Tasks

DEADLINE = 20.0
NUMBERS = itertools.count(1)

# A shell in the foreground that obeys SIGTERM at once: as process 1 of a container it ignores it unless told.
LOOP = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"


class Lab:
    """An engine and what a test made on it, for removal."""

    def __init__(self, engine, image):
        self.engine: Engine = engine
        self.image = image
        self.made = []

    def spec(self, script=LOOP, **more):
        name = f"engines-contract-{os.getpid()}-{next(NUMBERS)}"
        return ContainerSpec(name=name, image=self.image, command=("sh", "-c", script), **more)

    async def create(self, script=LOOP, **more):
        container = await self.engine.create(self.spec(script, **more))
        self.made.append(container)
        return container

    async def run(self, script=LOOP, **more):
        container = await self.create(script, **more)
        await self.engine.start(container)
        return container

    async def close(self):
        for container in self.made:
            with contextlib.suppress(NoSuchThing):
                await self.engine.remove(container, force=True)


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.system)])
async def lab(request, tmp_path):
    if request.param == "docker":
        engine = DockerEngine(request.getfixturevalue("docker_engine_url"))
        image = await ensure_busybox(engine)
    else:
        engine, image = ProcessEngine(tmp_path), "none"
    lab = Lab(engine, image)
    try:
        yield lab
    finally:
        await lab.close()
        await engine.close()


async def open_events(lab):
    """A stream open from now on."""
    now = (await lab.engine.info()).now
    stream = lab.engine.events(int(now * 1e9))
    first = await asyncio.wait_for(anext(stream), DEADLINE)
    assert (first.kind, first.action) == ("daemon", "stream-open")
    return stream


async def until(stream, container, action):
    """The container events of `container` up to and with `action`."""
    seen = []
    async with asyncio.timeout(DEADLINE):
        async for event in stream:
            if event.kind == "container" and event.id == container:
                seen.append(event)
                if event.action == action:
                    return seen
    raise AssertionError("the stream ended without an error")


async def ended(lab, container):
    """Wait for the first end of `container`, which may lie behind us."""
    created = (await lab.engine.inspect(container)).created_at
    async with contextlib.aclosing(lab.engine.events(int(created * 1e9))) as stream:
        await until(stream, container, "die")


async def exhaust(stream):
    async for _ in stream:
        pass


async def first_line(lab, container):
    async with asyncio.timeout(DEADLINE), contextlib.aclosing(lab.engine.logs(container, follow=True)) as lines:
        async for line in lines:
            return line
    raise AssertionError("no output")


async def test_an_engine_says_who_it_is(lab):
    info = await lab.engine.info()
    await lab.engine.ping()
    assert info.name
    assert info.version
    assert info.now > 1_600_000_000


async def test_a_created_container_is_listed_but_does_not_run(lab):
    container = await lab.create(labels={"a": "1"})
    row = next(row for row in await lab.engine.list() if row.id == container)
    assert row.state is InstanceState.CREATED
    assert row.labels == {"a": "1"}
    assert row.engine_health is EngineHealth.NONE
    assert (await lab.engine.inspect(container)).exit_code is None


async def test_a_running_container_has_an_address_in_list_and_inspect(lab):
    container = await lab.run()
    detail = await lab.engine.inspect(container)
    row = next(row for row in await lab.engine.list() if row.id == container)
    assert row.state is detail.state is InstanceState.RUNNING
    assert row.names == (detail.name,)
    assert row.addresses == tuple((net.network, net.ipv4, net.ipv6) for net in detail.networks)
    assert detail.networks[0].ipv4
    assert detail.started_at >= detail.created_at > 1_600_000_000


async def test_inspect_tells_what_was_asked_for(lab):
    container = await lab.create(
        environment={"COLOUR": "grün"},
        labels={"x": "y"},
        hostname="box",
        ports=(81, 80),
        stop_signal="SIGQUIT",
        stop_timeout_seconds=3,
    )
    detail = await lab.engine.inspect(container)
    assert detail.image == lab.image
    assert detail.labels == {"x": "y"}
    assert detail.command == ("sh", "-c", LOOP)
    assert "COLOUR=grün" in detail.environment
    assert (detail.hostname, detail.exposed) == ("box", (80, 81))
    assert (detail.stop_signal, detail.stop_timeout_seconds) == ("SIGQUIT", 3.0)


async def test_a_container_is_found_by_its_name(lab):
    container = await lab.create()
    name = (await lab.engine.inspect(container)).name
    assert (await lab.engine.inspect(name)).id == container


async def test_every_network_of_a_container_is_a_network_of_the_engine(lab):
    container = await lab.run()
    known = {network.id: network for network in await lab.engine.networks()}
    for address in (await lab.engine.inspect(container)).networks:
        assert known[address.network].name == address.name
        assert known[address.network].gateways


async def test_a_life_is_told_as_start_kill_die_and_stop(lab):
    stream = await open_events(lab)
    container = await lab.create(labels={"who": "me"})
    await lab.engine.start(container)
    await first_line(lab, container)
    await lab.engine.stop(container)
    await lab.engine.remove(container)
    seen = [event for event in await until(stream, container, "destroy") if event.action != "create"]
    assert sorted(event.action for event in seen) == ["destroy", "die", "kill", "start", "stop"]
    assert [event.action for event in seen][:2] == ["start", "kill"]
    by_action = {event.action: event for event in seen}
    assert by_action["kill"].attributes["signal"] == "15"
    assert by_action["die"].attributes["exitCode"] == "0"
    assert by_action["start"].attributes["who"] == "me"
    assert by_action["start"].time_ns < by_action["die"].time_ns
    await stream.aclose()


async def test_events_since_a_time_are_replayed_with_that_moment_included(lab):
    stream = await open_events(lab)
    container = await lab.run()
    started = (await until(stream, container, "start"))[-1]
    again = lab.engine.events(started.time_ns)
    await anext(again)
    assert (await until(again, container, "start"))[-1] == started
    await stream.aclose()
    await again.aclose()


async def test_a_process_that_ends_by_itself_dies_with_its_exit_code(lab):
    stream = await open_events(lab)
    container = await lab.run("exit 7")
    die = (await until(stream, container, "die"))[-1]
    assert die.attributes["exitCode"] == "7"
    await ended(lab, container)
    assert (await lab.engine.inspect(container)).exit_code == 7
    await stream.aclose()


async def test_stop_sends_the_containers_own_signal(lab):
    container = await lab.run("trap 'exit 5' QUIT; echo ready; while :; do sleep 0.05; done", stop_signal="SIGQUIT")
    await first_line(lab, container)
    await lab.engine.stop(container)
    assert (await lab.engine.inspect(container)).exit_code == 5


async def test_stop_kills_what_will_not_end(lab):
    stream = await open_events(lab)
    container = await lab.run("trap '' TERM; echo ready; while :; do sleep 0.05; done")
    await first_line(lab, container)
    await lab.engine.stop(container, timeout_seconds=1)
    signals = [e.attributes["signal"] for e in await until(stream, container, "stop") if e.action == "kill"]
    assert signals == ["15", "9"]
    assert (await lab.engine.inspect(container)).exit_code == 137
    await stream.aclose()


async def test_starting_and_stopping_twice_is_no_error(lab):
    container = await lab.run()
    await first_line(lab, container)
    await lab.engine.start(container)
    await lab.engine.stop(container)
    await lab.engine.stop(container)
    assert (await lab.engine.inspect(container)).state is InstanceState.STOPPED


async def test_a_stopped_container_can_run_again(lab):
    container = await lab.run()
    await first_line(lab, container)
    await lab.engine.stop(container)
    await lab.engine.start(container)
    detail = await lab.engine.inspect(container)
    assert detail.state is InstanceState.RUNNING
    assert detail.exit_code is None


async def test_the_restart_policy_gives_a_failed_container_another_life(lab):
    stream = await open_events(lab)
    container = await lab.run("exit 3", restart="on-failure:1")
    seen = await until(stream, container, "die") + await until(stream, container, "die")
    assert [event.action for event in seen if event.action in ("start", "die")] == ["start", "die", "start", "die"]
    assert (await lab.engine.inspect(container)).restarts == 1
    await stream.aclose()


async def test_stop_ends_the_restart_policy(lab):
    container = await lab.run("exit 3", restart="always")
    await lab.engine.stop(container)
    assert (await lab.engine.inspect(container)).state is InstanceState.STOPPED


async def test_remove_refuses_a_running_container_unless_forced(lab):
    container = await lab.run()
    with pytest.raises(EngineError):
        await lab.engine.remove(container)
    await lab.engine.remove(container, force=True)
    with pytest.raises(NoSuchThing):
        await lab.engine.inspect(container)


async def test_exec_gives_exit_code_and_both_outputs(lab):
    container = await lab.run(environment={"COLOUR": "grün"})
    result = await lab.engine.exec(container, ("sh", "-c", "echo out $COLOUR; echo err >&2; exit 4"), DEADLINE)
    assert result.exit_code == 4
    assert sorted(result.output.splitlines()) == ["err", "out grün"]


async def test_output_of_exec_is_capped(lab):
    container = await lab.run()
    result = await lab.engine.exec(container, ("sh", "-c", "yes | head -c 300000"), DEADLINE)
    assert (result.exit_code, len(result.output)) == (0, 64 << 10)


async def test_exec_that_takes_too_long_is_an_error(lab):
    container = await lab.run()
    with pytest.raises(EngineError) as caught:
        await lab.engine.exec(container, ("sleep", "3"), 0.2)
    assert caught.value.problems[0].code == "T1114"


async def test_exec_in_a_stopped_container_is_an_error(lab):
    container = await lab.create()
    with pytest.raises(EngineError):
        await lab.engine.exec(container, ("true",), DEADLINE)


async def test_logs_tell_the_outputs_apart_and_keep_the_tail(lab):
    container = await lab.run("echo one; echo two >&2; echo grün")
    await ended(lab, container)
    lines = [line async for line in lab.engine.logs(container)]
    assert sorted((line.text, line.stream) for line in lines) == [
        ("grün", "stdout"),
        ("one", "stdout"),
        ("two", "stderr"),
    ]
    assert all(line.at > 1_600_000_000 for line in lines)
    assert len([line async for line in lab.engine.logs(container, tail=1)]) == 1
    first, *_, last = sorted(line.at for line in lines)
    assert [line async for line in lab.engine.logs(container, since=last + 0.001)] == []
    assert len([line async for line in lab.engine.logs(container, since=first)]) == 3


async def test_followed_logs_end_when_the_container_does(lab):
    container = await lab.run("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    texts = []
    async with asyncio.timeout(DEADLINE):
        async for line in lab.engine.logs(container, follow=True):
            texts.append(line.text)
            if line.text == "ready":
                await lab.engine.stop(container)
    assert texts == ["ready", "bye"]


async def test_stats_grow_with_the_work_done(lab):
    container = await lab.run("while :; do :; done")
    first = await lab.engine.stats(container)
    async with asyncio.timeout(DEADLINE):
        # The kernel's counter of CPU time announces nothing.
        while (second := await lab.engine.stats(container)).cpu_seconds <= first.cpu_seconds:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert second.memory_bytes > 0
    assert second.at > first.at


async def test_a_name_in_use_is_refused(lab):
    container = await lab.create()
    name = (await lab.engine.inspect(container)).name
    with pytest.raises(EngineError):
        await lab.engine.create(ContainerSpec(name=name, image=lab.image, command=("true",)))


def like(lab, **more):
    """A change that gives a container another name, and a mark of ours."""
    change = {"name": lab.spec().name, "labels": {"mark": "1"}} | more
    return Duplicate(**change)


async def duplicate(lab, original, change):
    made = await lab.engine.duplicate(original, change)
    lab.made.append(made)
    return await lab.engine.inspect(made)


async def test_a_duplicate_is_like_the_original_but_does_not_run(lab):
    given = {"hostname": "box", "ports": (80,), "stop_signal": "SIGQUIT", "stop_timeout_seconds": 3}
    original = await lab.run(environment={"COLOUR": "grün"}, labels={"x": "y"}, **given)
    change = like(lab)
    copy, model = await duplicate(lab, original, change), await lab.engine.inspect(original)
    assert (copy.name, copy.state, copy.image) == (change.name, InstanceState.CREATED, model.image)
    assert copy.labels == {"x": "y", "mark": "1"}
    assert "COLOUR=grün" in copy.environment
    for field in ("command", "hostname", "exposed", "stop_signal", "stop_timeout_seconds"):
        assert getattr(copy, field) == getattr(model, field)


async def test_a_duplicate_differs_as_it_was_told(lab):
    original = await lab.create(environment={"A": "1", "B": "1"}, labels={"x": "1", "y": "1"})
    change = like(
        lab,
        environment={"A": "2", "B": None},
        labels={"mark": "1", "x": "2", "y": None},
        command=("sh", "-c", "echo $A${B-none}"),
    )
    copy = await duplicate(lab, original, change)
    assert copy.labels == {"mark": "1", "x": "2"}
    await lab.engine.start(copy.id)
    assert (await first_line(lab, copy.id)).text == "2none"


async def test_a_duplicate_made_twice_is_one(lab):
    original, change = await lab.create(), like(lab)
    first = await duplicate(lab, original, change)
    assert await lab.engine.duplicate(original, change) == first.id


async def test_a_duplicate_gets_no_name_that_is_another_containers(lab):
    original, other = await lab.create(), await lab.create(labels={"mark": "0"})
    name = (await lab.engine.inspect(other)).name
    with pytest.raises(EngineError):
        await lab.engine.duplicate(original, like(lab, name=name))
    with pytest.raises(EngineError):
        await lab.engine.rehearse(original, like(lab, name=name))


async def test_a_rehearsal_of_a_plain_duplicate_has_nothing_to_tell(lab):
    original, change = await lab.create(), like(lab)
    assert await lab.engine.rehearse(original, change) == ()
    with pytest.raises(NoSuchThing):
        await lab.engine.inspect(change.name)


async def test_a_duplicate_of_an_unknown_container_is_no_such_thing(lab):
    for call in (lab.engine.duplicate, lab.engine.rehearse):
        with pytest.raises(NoSuchThing):
            await call("engines-contract-nobody", like(lab))


async def test_an_image_that_is_there_is_found(lab):
    image = await lab.engine.image(lab.image)
    assert image.name == lab.image
    assert image.id


async def test_a_container_to_be_kept_stopped_still_runs_and_then_stays_stopped(lab):
    container = await lab.run(restart="always")
    await lab.engine.keep_stopped(container)
    assert (await lab.engine.inspect(container)).state is InstanceState.RUNNING
    await lab.engine.stop(container, timeout_seconds=1)
    detail = await lab.engine.inspect(container)
    assert (detail.state, detail.restarting) == (InstanceState.STOPPED, False)


async def test_a_container_between_two_lives_says_so(lab):
    container = await lab.run("exit 3", restart="always")
    async with asyncio.timeout(DEADLINE):
        # The pauses between lives grow; no event tells of their beginning.
        while not (detail := await lab.engine.inspect(container)).restarting:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert detail.state is InstanceState.STOPPED


async def test_a_network_that_was_made_is_known_until_it_is_removed(lab):
    name = lab.spec().name
    network = await lab.engine.create_network(NetworkSpec(name=name, labels={"who": "me"}))
    try:
        with pytest.raises(EngineError):
            await lab.engine.create_network(NetworkSpec(name=name))
        found = next(each for each in await lab.engine.networks() if each.id == network)
        assert (found.name, found.labels) == (name, {"who": "me"})
    finally:
        await lab.engine.remove_network(name)
    assert network not in {each.id for each in await lab.engine.networks()}
    with pytest.raises(NoSuchThing):
        await lab.engine.remove_network(network)


async def test_a_volume_that_was_made_is_known_until_it_is_removed_and_is_made_once(lab):
    spec = VolumeSpec(name=lab.spec().name, labels={"who": "me"})
    assert await lab.engine.create_volume(spec) == spec.name
    assert await lab.engine.create_volume(spec) == spec.name
    container = await lab.create(mounts=(Mount(source=spec.name, target="/data"),))
    (found,) = (each for each in await lab.engine.volumes() if each.name == spec.name)
    assert found.labels == {"who": "me"}
    with pytest.raises(EngineError):
        await lab.engine.remove_volume(spec.name)
    await lab.engine.remove(container)
    await lab.engine.remove_volume(spec.name)
    assert spec.name not in {each.name for each in await lab.engine.volumes()}
    with pytest.raises(NoSuchThing):
        await lab.engine.remove_volume(spec.name)


async def test_a_command_that_does_not_exist_cannot_be_started(lab):
    spec = ContainerSpec(name=lab.spec().name, image=lab.image, command=("/no/such/command",))
    container = await lab.engine.create(spec)
    lab.made.append(container)
    with pytest.raises((EngineError, NoSuchThing)):
        await lab.engine.start(container)


@pytest.mark.parametrize("call", ["inspect", "start", "stop", "remove", "stats", "keep_stopped"])
async def test_an_unknown_container_is_no_such_thing(lab, call):
    with pytest.raises(NoSuchThing):
        await getattr(lab.engine, call)("engines-contract-nobody")


async def test_exec_and_logs_of_an_unknown_container_are_no_such_thing(lab):
    with pytest.raises(NoSuchThing):
        await lab.engine.exec("engines-contract-nobody", ("true",), DEADLINE)
    with pytest.raises(NoSuchThing):
        await anext(lab.engine.logs("engines-contract-nobody"))


async def test_closing_the_engine_ends_its_event_streams(lab):
    stream = await open_events(lab)

    async def read():
        with pytest.raises(EngineUnreachable):
            await asyncio.wait_for(exhaust(stream), DEADLINE)

    async with Tasks("test") as tasks:
        tasks.spawn("read", read())
        await asyncio.sleep(0)
        await lab.close()
        await lab.engine.close()
