"""The follower against a fake engine in virtual time. What it must come to is always the same: what the engine runs."""

import asyncio
import contextlib
import random
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.fake_engine import FakeEngine, summary
from tests.support.images import ensure_busybox
from tests.support.virtual_time import run_virtual
from tidegate.config import DockerConfig
from tidegate.discovery.docker import EngineProvider
from tidegate.engine.docker import DockerEngine
from tidegate.engine.port import ContainerSpec, Network
from tidegate.engine.spec import Attachment, NetworkSpec
from tidegate.errors import EngineError, Problem
from tidegate.model import EngineHealth, InstanceState, NetworkAddress

ROUTE = {"aliyun.routing.port_80": "a.test"}


class Following:
    """A provider at work: `inventories` as published, oldest first."""

    def __init__(self, engine, **config):
        self.engine = engine
        self.inventories = []
        self.provider = EngineProvider(engine, "docker", "n1", DockerConfig(**config), rng=random.Random(1))
        self._news = asyncio.Event()

    @property
    def now(self):
        return self.inventories[-1]

    def instance(self, name):
        found = [each for group in self.now.services.values() for each in group if each.name == name]
        assert len(found) <= 1, f"{name} is seen {len(found)} times"
        return found[0] if found else None

    def publish(self, inventory):
        assert inventory.version == len(self.inventories) + 1
        self.inventories.append(inventory)
        self._news.set()

    async def until(self, condition, seconds=60.0):
        """Wait until an inventory fulfils `condition(self)`."""
        async with asyncio.timeout(seconds):
            while not (self.inventories and condition(self)):
                self._news.clear()
                await self._news.wait()


@contextlib.asynccontextmanager
async def following(engine, **config):
    follower = Following(engine, **config)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(follower.provider.run(follower.publish))
        yield follower
        task.cancel()


def scenario(test):
    """Run an async test in virtual time."""

    def run():
        run_virtual(test())

    run.__name__ = test.__name__
    return run


def seen(follower):
    """Name, state and addresses of all that is seen."""
    return {
        each.id: (each.name, each.state, each.networks, each.engine_health)
        for group in follower.now.services.values()
        for each in group
    }


def truth(engine):
    return {
        detail.id: (detail.name, detail.state, detail.networks, detail.engine_health)
        for detail in engine.containers.values()
    }


def state(name, wanted):
    return lambda follower: follower.instance(name) is not None and follower.instance(name).state is wanted


@scenario
async def test_nothing_is_published_before_everything_was_seen_once():
    engine = FakeEngine()
    engine.latency = 1.0
    for i in range(20):
        engine.run(f"c{i}", ROUTE)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        assert len(follower.inventories[0].services) == 20
        assert not follower.inventories[0].stale
        assert follower.provider.problems == ()


@scenario
async def test_a_started_container_appears_with_what_its_labels_say():
    engine = FakeEngine()
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        assert follower.now.services == {}
        engine.run("web", ROUTE)
        await follower.until(state("web", InstanceState.RUNNING))
        web = follower.instance("web")
        assert (web.provider, web.node, web.claims[0].host) == ("docker", "n1", "a.test")
        assert web.networks[0].ipv4


@scenario
async def test_an_inventory_says_since_when_what_it_follows_from_was_known():
    engine = FakeEngine()
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        before = time.monotonic()
        web = engine.run("web", ROUTE)
        await follower.until(state("web", InstanceState.RUNNING))
        engine.kill(web)
        await follower.until(state("web", InstanceState.DRAINING))
        listed, started, killed = (each.since for each in follower.inventories)
    assert listed == 0.0
    assert before <= started <= killed <= time.monotonic()


@scenario
async def test_a_burst_of_events_of_500_containers_costs_one_inspect_each():
    engine = FakeEngine()
    engine.latency = 0.003
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        ids = [engine.run(f"c{i}", ROUTE) for i in range(500)]
        await follower.until(lambda f: len(f.now.services) == 500)
        assert [engine.inspected[each] for each in ids] == [1] * 500
        assert engine.calls["inspect"] == 500
        assert engine.calls["list"] == 1
        for each in ids:
            engine.kill(each)
            engine.end(each)
            engine.emit("stop", each)
        await follower.until(
            lambda f: {each.state for group in f.now.services.values() for each in group} == {InstanceState.STOPPED}
        )
        await asyncio.sleep(1.0)
        assert engine.calls["inspect"] == 1000


@scenario
async def test_inspects_run_eight_at_a_time_and_never_two_of_one_container():
    engine = FakeEngine()
    engine.latency = 0.5
    running, most = [], []
    inspect = engine.inspect

    async def counted(container):
        running.append(container)
        most.append((len(running), max(running.count(each) for each in running)))
        try:
            return await inspect(container)
        finally:
            running.remove(container)

    engine.inspect = counted
    for i in range(30):
        engine.run(f"c{i}")
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        for _ in range(20):
            for each in list(engine.containers):
                engine.emit("update", each)
            await asyncio.sleep(0.2)
    assert max(most) == (8, 1)


@scenario
async def test_unchanged_instances_and_services_stay_the_same_objects():
    engine = FakeEngine()
    engine.run("a", {"tidegate.service": "shop/web"})
    engine.run("b", {"tidegate.service": "shop/web"})
    engine.run("c")
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        before = follower.now
        engine.run("d", {"tidegate.service": "shop/web"})
        await follower.until(state("d", InstanceState.RUNNING))
        assert follower.now.services["c"] is before.services["c"]
        assert [
            new is old for new, old in zip(follower.now.services["shop/web"], before.services["shop/web"], strict=False)
        ] == [True, True]
        published = len(follower.inventories)
        for each in list(engine.containers):
            engine.emit("update", each)
        await asyncio.sleep(90)
        assert len(follower.inventories) == published


@scenario
async def test_a_kill_with_a_deadly_signal_drains_at_once_without_an_inspect():
    engine = FakeEngine()
    web = engine.run("web", ROUTE, stop_signal="SIGQUIT")
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        engine.latency = 2.0
        before = asyncio.get_running_loop().time()
        engine.kill(web, "3")
        await follower.until(state("web", InstanceState.DRAINING))
        assert asyncio.get_running_loop().time() - before < 0.001
        assert engine.calls["inspect"] == 1


@pytest.mark.parametrize("sent", ["1", "HUP", "SIGUSR1", "28", ""])
def test_a_harmless_signal_changes_nothing(sent):
    async def main():
        engine = FakeEngine()
        web = engine.run("web", ROUTE)
        async with following(engine) as follower:
            await follower.until(lambda f: True)
            engine.kill(web, sent)
            await asyncio.sleep(5)
            assert follower.instance("web").state is InstanceState.RUNNING
            assert len(follower.inventories) == 1

    run_virtual(main())


@scenario
async def test_a_draining_container_stays_draining_until_it_dies_whatever_an_inspect_says():
    engine = FakeEngine()
    web = engine.run("web", ROUTE)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        engine.kill(web)
        engine.emit("update", web)
        await asyncio.sleep(5)
        assert engine.inspected[web] == 2
        assert follower.instance("web").state is InstanceState.DRAINING
        engine.end(web)
        await follower.until(state("web", InstanceState.STOPPED))


@scenario
async def test_a_container_that_ignored_its_signal_serves_again_after_the_grace():
    engine = FakeEngine()
    web = engine.run("web", ROUTE, stop_timeout_seconds=3.0)
    async with following(engine, resync_seconds=1000) as follower:
        await follower.until(lambda f: True)
        engine.kill(web)
        await follower.until(state("web", InstanceState.DRAINING))
        at = asyncio.get_running_loop().time()
        await follower.until(state("web", InstanceState.RUNNING))
        assert asyncio.get_running_loop().time() - at == pytest.approx(8.0, abs=0.2)


@scenario
async def test_a_restart_by_policy_serves_again_at_once():
    engine = FakeEngine()
    web = engine.run("web", ROUTE)
    async with following(engine, resync_seconds=1000) as follower:
        await follower.until(lambda f: True)
        engine.kill(web)
        engine.end(web)
        engine.begin(web)
        at = asyncio.get_running_loop().time()
        await follower.until(state("web", InstanceState.RUNNING))
        assert asyncio.get_running_loop().time() - at < 1.0
        await asyncio.sleep(60)
        assert follower.instance("web").state is InstanceState.RUNNING


@scenario
async def test_a_death_counts_even_while_the_inspect_hangs():
    engine = FakeEngine()
    web = engine.run("web", ROUTE)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        engine.hanging.add(web)
        engine.end(web)
        await follower.until(state("web", InstanceState.STOPPED), 1.0)


@scenario
async def test_an_inspect_that_began_before_the_death_does_not_bring_it_back():
    engine = FakeEngine()
    web = engine.run("web", ROUTE)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        engine.latency = 1.0
        engine.emit("update", web)
        await asyncio.sleep(0.5)
        engine.end(web)
        await asyncio.sleep(0.8)
        assert follower.instance("web").state is InstanceState.STOPPED
        assert {inventory.services["web"][0].state for inventory in follower.inventories[1:]} == {InstanceState.STOPPED}


@scenario
async def test_an_inspect_that_began_before_the_removal_does_not_bring_it_back():
    engine = FakeEngine()
    web = engine.run("web", ROUTE)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        engine.latency = 1.0
        engine.emit("update", web)
        await asyncio.sleep(0.5)
        engine.destroy(web)
        await asyncio.sleep(5)
        assert follower.now.services == {}


@scenario
async def test_stop_before_die_stop_alone_and_a_lost_die_all_end_as_stopped():
    engine = FakeEngine()
    first, second, third = (engine.run(name, ROUTE) for name in ("first", "second", "third"))
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        engine.change(first, state=InstanceState.STOPPED)
        engine.emit("stop", first)
        engine.emit("die", first)
        engine.change(second, state=InstanceState.STOPPED)
        engine.emit("stop", second)
        engine.change(third, state=InstanceState.STOPPED)
        await follower.until(lambda f: all(state(name, InstanceState.STOPPED)(f) for name in ("first", "second")), 1.0)
        await follower.until(state("third", InstanceState.STOPPED), 60.0)


@scenario
async def test_pause_and_disconnect_are_seen_though_a_list_still_shows_the_old_state():
    engine = FakeEngine()
    web = engine.run("web", ROUTE)
    async with following(engine, resync_seconds=10) as follower:
        await follower.until(lambda f: True)
        engine.list_row[web] = summary(engine.containers[web])
        engine.pause(web)
        await follower.until(state("web", InstanceState.PAUSED), 0.1)
        await asyncio.sleep(60)
        assert follower.instance("web").state is InstanceState.PAUSED
        engine.change(web, networks=())
        engine.emit("disconnect", web, kind="network")
        await follower.until(lambda f: f.instance("web").networks == (), 0.2)


@scenario
async def test_an_event_while_a_list_is_under_way_wins_over_the_row():
    engine = FakeEngine()
    web = engine.run("web", ROUTE)
    engine.list_seconds = 3.0
    async with following(engine, resync_seconds=5) as follower:
        await follower.until(lambda f: True)
        await asyncio.sleep(6.1)  # a list begins 4 to 6 s after the last one and takes 3
        assert engine.calls["list"] == 2
        fresh = engine.run("fresh", ROUTE)
        engine.end(web)
        await follower.until(state("fresh", InstanceState.RUNNING), 0.5)
        await asyncio.sleep(3.0)
        assert follower.instance("fresh").id == fresh
        assert follower.instance("web").state is InstanceState.STOPPED


def addresses(follower, name):
    return [each.ipv4 for each in follower.instance(name).networks]


@scenario
async def test_an_address_given_to_another_container_is_never_seen_at_both_though_the_first_one_s_end_was_missed():
    engine = FakeEngine()
    first = engine.run("first", ROUTE)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        taken = engine.containers[first].networks
        engine.drops = lambda event: event.id == first
        engine.end(first)
        await asyncio.sleep(1)
        engine.change(engine.run("second", ROUTE), networks=taken)
        await follower.until(lambda f: f.instance("second") and addresses(f, "second") == [taken[0].ipv4], 0.3)
        for inventory in follower.inventories:
            held = [n.ipv4 for group in inventory.services.values() for each in group for n in each.networks if n.ipv4]
            assert len(held) == len(set(held))
        await follower.until(state("first", InstanceState.STOPPED), 1.0)


@scenario
async def test_networks_made_later_are_known_with_the_first_container_on_them():
    engine = FakeEngine()
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        engine.known_networks += (Network(id="net-new", name="new", driver="bridge", internal=True),)
        web = engine.run("web", ROUTE)
        engine.change(web, networks=(NetworkAddress(network="net-new", name="new", ipv4="10.5.0.2"),))
        await follower.until(lambda f: f.instance("web") and f.instance("web").networks[0].internal, 1.0)


@scenario
async def test_subnets_are_told_and_a_new_one_as_soon_as_a_container_that_is_not_ours_is_connected_to_it():
    engine = FakeEngine()
    engine.known_networks = (Network(id="net-bridge", name="bridge", driver="bridge", subnets=("172.17.0.0/16",)),)
    async with following(engine) as follower:
        await follower.until(lambda f: f.inventories[-1].subnets == ("172.17.0.0/16",))
        new = Network(id="net-new", name="new", driver="bridge", subnets=("10.5.0.0/24",))
        engine.known_networks += (new,)
        stranger = engine.run("stranger", {"tidegate.enable": "false"})
        engine.emit("connect", stranger, kind="network", network="net-new")
        await follower.until(lambda f: f.inventories[-1].subnets == ("10.5.0.0/24", "172.17.0.0/16"), 1.0)


@scenario
async def test_who_may_not_list_networks_follows_the_engine_without():
    class Proxied(FakeEngine):
        async def networks(self):
            raise EngineError(Problem(code="T0000", text="forbidden"))

    engine = Proxied()
    engine.run("web", ROUTE)
    async with following(engine) as follower:
        await follower.until(state("web", InstanceState.RUNNING))
        assert follower.inventories[-1].subnets is None


@scenario
async def test_a_hanging_inspect_holds_up_nobody_else_and_is_told():
    engine = FakeEngine()
    stuck = engine.run("stuck", ROUTE)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        engine.hanging.add(stuck)
        engine.emit("update", stuck)
        await asyncio.sleep(0.2)
        engine.run("web", ROUTE)
        await follower.until(state("web", InstanceState.RUNNING), 0.2)
        await asyncio.sleep(30)
        assert follower.instance("stuck").state is InstanceState.RUNNING
        assert [problem.code for problem in follower.provider.problems] == ["T1241"]
        engine.hanging.clear()
        await asyncio.sleep(40)
        assert follower.provider.problems == ()


@scenario
async def test_a_container_whose_first_inspect_fails_does_not_hold_up_the_first_inventory():
    engine = FakeEngine()
    engine.failing.add(engine.run("broken"))
    engine.run("web")
    async with following(engine) as follower:
        await follower.until(lambda f: True, 5.0)
        assert list(follower.now.services) == ["web"]
        engine.failing.clear()
        await follower.until(lambda f: len(f.now.services) == 2, 5.0)


@scenario
async def test_an_engine_that_is_away_at_the_start_is_waited_for_and_told():
    engine = FakeEngine()
    engine.down()
    async with following(engine) as follower:
        await asyncio.sleep(60)
        assert follower.inventories == []
        assert [problem.code for problem in follower.provider.problems] == ["T0000"]
        assert "before the first full list" in follower.provider.problems[0].kept
        assert engine.calls["info"] < 30
        engine.up()
        await follower.until(lambda f: True, 10.0)
        assert follower.provider.problems == ()


@scenario
async def test_an_outage_keeps_the_last_inventory_marked_stale_and_ends_in_the_new_truth():
    engine = FakeEngine()
    old = engine.run("old", ROUTE)
    kept = engine.run("kept", ROUTE)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        before = follower.now
        engine.down()
        await follower.until(lambda f: f.now.stale)
        assert follower.now.services is before.services
        engine.destroy(old)
        engine.change(kept, name="renamed")
        engine.run("new", ROUTE)
        await asyncio.sleep(60)
        assert follower.now.services is before.services
        engine.up()
        await follower.until(lambda f: not f.now.stale, 10.0)
        assert seen(follower) == truth(engine)
        engine.run("later")
        await follower.until(state("later", InstanceState.RUNNING), 1.0)


@scenario
async def test_a_reconnect_right_away_loses_no_event_in_the_gap():
    engine = FakeEngine()
    web = engine.run("web", ROUTE)
    async with following(engine, resync_seconds=1000) as follower:
        await follower.until(lambda f: True)
        engine.drops = lambda event: True
        for stream in engine._streams:
            stream.put_nowait(None)
        engine.end(web)
        engine.drops = lambda event: False
        await follower.until(lambda f: f.now.stale)
        await follower.until(state("web", InstanceState.STOPPED), 2.0)


@scenario
async def test_an_engine_that_goes_silent_is_found_out_by_pings():
    engine = FakeEngine()
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        engine.latency = 3600.0
        await follower.until(lambda f: f.now.stale, 120.0)
        assert [problem.code for problem in follower.provider.problems] == ["T1240"]


@scenario
async def test_a_stream_that_never_opens_is_given_up_and_tried_again():
    engine = FakeEngine()
    events = engine.events

    async def never(since_ns):
        await asyncio.sleep(3600)
        yield

    engine.events = never
    async with following(engine) as follower:
        await asyncio.sleep(30)
        assert [problem.code for problem in follower.provider.problems] == ["T1240"]
        engine.events = events
        await follower.until(lambda f: True, 20.0)


@scenario
async def test_a_rename_and_a_new_bearer_of_the_old_name_are_told_apart():
    engine = FakeEngine()
    first = engine.run("a", ROUTE)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        engine.rename(first, "b")
        second = engine.run("a", ROUTE)
        await follower.until(lambda f: f.instance("b") and f.instance("a") and f.instance("a").id == second)
        assert follower.instance("b").id == first


@scenario
async def test_the_same_name_with_a_new_id_replaces_the_old_container():
    engine = FakeEngine()
    old = engine.run("web", ROUTE)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        engine.kill(old, "9")
        engine.end(old)
        engine.destroy(old)
        new = engine.run("web", ROUTE)
        await follower.until(lambda f: f.instance("web") and f.instance("web").id == new)
        assert follower.instance("web").state is not InstanceState.STOPPED


@scenario
async def test_a_shared_network_follows_its_lender():
    engine = FakeEngine()
    lender = engine.run("lender")
    engine.run("guest", ROUTE, network_mode=f"container:{lender}")
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        assert follower.instance("guest").networks == engine.containers[lender].networks
        engine.destroy(lender)
        await follower.until(lambda f: f.instance("guest").networks == ())
        again = engine.run("lender")
        engine.run("guest2", ROUTE, network_mode=f"container:{again}")
        await follower.until(lambda f: f.instance("guest2") and f.instance("guest2").networks)
        assert follower.instance("guest2").networks == engine.containers[again].networks


@scenario
async def test_flapping_health_ends_in_the_last_state():
    engine = FakeEngine()
    web = engine.run("web", ROUTE, has_healthcheck=True, engine_health=EngineHealth.STARTING)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        for i in range(101):
            engine.health(web, (EngineHealth.HEALTHY, EngineHealth.UNHEALTHY)[i % 2])
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.2)
        assert follower.instance("web").engine_health is EngineHealth.HEALTHY


@scenario
async def test_a_disabled_container_is_neither_inspected_nor_shown():
    engine = FakeEngine()
    off = engine.run("off", {"tidegate.enable": "false"} | ROUTE)
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        assert (follower.now.services, engine.inspected[off]) == ({}, 0)
        engine.run("off2", {"tidegate.enable": "false"} | ROUTE)
        await asyncio.sleep(60)
        assert follower.now.services == {}


@scenario
async def test_a_daemon_reload_lists_at_once_and_a_lost_event_waits_for_the_next_list():
    engine = FakeEngine()
    async with following(engine, resync_seconds=1000) as follower:
        await follower.until(lambda f: True)
        engine.drops = lambda event: True
        engine.run("silent")
        await asyncio.sleep(10)
        assert follower.now.services == {}
        engine.drops = lambda event: False
        engine.emit("reload", "", kind="daemon")
        await follower.until(lambda f: "silent" in f.now.services, 1.0)


@scenario
async def test_a_list_of_known_containers_costs_no_inspect():
    engine = FakeEngine()
    for i in range(10):
        engine.end(engine.run(f"c{i}"))
    async with following(engine, resync_seconds=5) as follower:
        await follower.until(lambda f: True)
        await asyncio.sleep(100)
        assert (engine.calls["list"] > 10, engine.calls["inspect"]) == (True, 10)


@scenario
async def test_rows_that_word_things_differently_are_asked_about_once():
    engine = FakeEngine()
    web = engine.run("web")
    engine.list_row[web] = summary(engine.containers[web])
    engine.change(web, engine_health=EngineHealth.HEALTHY)
    async with following(engine, resync_seconds=5) as follower:
        await follower.until(lambda f: True)
        await asyncio.sleep(100)
        assert engine.calls["inspect"] == 1


ACTIONS = ("run", "kill", "end", "begin", "pause", "unpause", "rename", "health", "destroy", "cut", "wait")


@settings(max_examples=120, deadline=None)
@example(  # a restart after another start: it must not be given the other's address
    steps=[("run", 0, 0.0), ("run", 0, 0.0), ("end", 0, 0.0), ("begin", 0, 0.0)],
    seed=0,
    loss=0.0,
    shuffle=False,
    latency=0.0,
)
@given(
    steps=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5), st.floats(0, 0.3)), max_size=40),
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.3, 1.0]),
    shuffle=st.booleans(),
    latency=st.sampled_from([0.0, 0.02, 0.4]),
)
def test_whatever_is_lost_or_reordered_the_model_ends_as_the_list(steps, seed, loss, shuffle, latency):
    async def main():
        rng = random.Random(seed)
        engine = FakeEngine()
        engine.latency = latency
        engine.drops = lambda event: rng.random() < loss
        async with following(engine, resync_seconds=5) as follower:
            await follower.until(lambda f: True)
            for action, which, pause in steps:
                if shuffle:
                    engine.hold()
                act(engine, action, which)
                if shuffle:
                    engine.release(lambda events: rng.sample(events, len(events)))
                await asyncio.sleep(pause)
            await asyncio.sleep(60)
            assert seen(follower) == truth(engine)
            assert not follower.now.stale

    run_virtual(main())


def act(engine, action, which):
    """Do `action` to the container number `which`, if it can be done."""
    if action == "run":
        engine.run(f"c{which}", ROUTE)
        return
    if action == "cut":
        for stream in engine._streams:
            stream.put_nowait(None)
        return
    ids = list(engine.containers)
    if not ids:
        return
    each = ids[which % len(ids)]
    now = engine.containers[each].state
    alive = now in (InstanceState.RUNNING, InstanceState.PAUSED)
    if action == "kill" and alive:
        engine.kill(each)
    elif action == "end" and alive:
        engine.end(each)
    elif action == "begin" and not alive:
        engine.begin(each)
    elif action == "pause" and now is InstanceState.RUNNING:
        engine.pause(each)
    elif action == "unpause" and now is InstanceState.PAUSED:
        engine.unpause(each)
    elif action == "rename":
        engine.rename(each, f"{engine.containers[each].name}x")
    elif action == "health" and alive:
        engine.health(each, EngineHealth.HEALTHY if which % 2 else EngineHealth.UNHEALTHY)
    elif action == "destroy":
        if alive:
            engine.end(each)
        engine.destroy(each)


@pytest.mark.system
async def test_a_real_container_appears_drains_and_goes(docker_engine_url):
    engine = DockerEngine(docker_engine_url)
    name = f"tidegate-discovery-{time.time_ns()}"
    spec = ContainerSpec(
        name=name,
        image=await ensure_busybox(engine),
        command=("/bin/sh", "-c", "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done"),
        labels=ROUTE | {"tidegate.service": "shop/web", "tidegate.bogus": "1"},
    )
    states = []
    async with following(engine) as follower:
        await follower.until(lambda f: True)
        container = await engine.create(spec)
        try:
            await engine.start(container)
            await follower.until(state(name, InstanceState.RUNNING))
            web = follower.instance(name)
            assert (web.key, web.claims[0].host, web.ports) == ("shop/web", "a.test", (80,))
            assert web.networks[0].ipv4
            assert [problem.code for problem in web.problems] == ["T1203"]
            seen_until_now = len(follower.inventories)
            await engine.stop(container, 5.0)
            await follower.until(state(name, InstanceState.STOPPED))
            for inventory in follower.inventories[seen_until_now:]:
                states += [each.state for each in inventory.services.get("shop/web", ()) if each.id == container]
        finally:
            await engine.remove(container, force=True)
        await follower.until(lambda f: f.instance(name) is None)
    await engine.close()
    assert list(dict.fromkeys(states)) == [InstanceState.DRAINING, InstanceState.STOPPED]


@pytest.mark.system
async def test_real_networks_without_a_way_out_and_the_real_host_s_addresses_are_known(docker_engine_url):
    engine = DockerEngine(docker_engine_url)
    image, label = await ensure_busybox(engine), f"tidegate-grounds-{time.time_ns()}"
    wanted = (NetworkSpec(name=f"{label}-{n}", internal=n == "closed") for n in ("open", "closed"))
    made = [await engine.create_network(network) for network in wanted]
    networks = {f"{label}-open": Attachment(aliases=("db",)), f"{label}-closed": Attachment()}
    specs = [
        ContainerSpec(name=f"{label}-both", image=image, command=("/bin/sleep", "600"), networks=networks),
        ContainerSpec(name=f"{label}-agent", image=image, command=("/bin/sleep", "600"), network_mode="host"),
    ]
    containers = []
    try:
        async with following(engine) as follower:
            await follower.until(lambda f: True)
            for spec in specs:
                containers.append(await engine.create(spec))
                await engine.start(containers[-1])
                await follower.until(state(spec.name, InstanceState.RUNNING))
            await follower.until(lambda f: any(place.internal for place in f.instance(f"{label}-both").networks))
            both, agent = (follower.instance(spec.name).networks for spec in specs)
            assert {place.name.rpartition("-")[2]: (place.internal, "db" in place.aliases) for place in both} == {
                "open": (False, True),
                "closed": (True, False),
            }
            mine = {place.network: place for place in agent}
            for place in both:
                assert mine[place.network].ipv4.rpartition(".")[0] == place.ipv4.rpartition(".")[0]
                assert mine[place.network].ipv4 != place.ipv4
    finally:
        for container in containers:
            await engine.remove(container, force=True)
        for network in made:
            await engine.remove_network(network)
        await engine.close()
