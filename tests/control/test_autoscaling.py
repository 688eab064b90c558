import asyncio
import contextlib

import pytest
from msgspec import json

from tests.support.fake_engine import EPOCH
from tests.support.release_stage import SERVICE, CountingStore, Killed, wall
from tests.support.scaling_stage import LABELS, ScaledProgram, engine_with
from tests.support.seen import instance, inventory
from tests.support.used import used
from tests.support.virtual_time import run_virtual
from tidegate.control.duplicates import RELEASE_LABEL
from tidegate.control.figures import Counted, Figures, Question
from tidegate.control.gathering import Gathered
from tidegate.control.ports import Alone
from tidegate.control.scalebook import ScaleBook
from tidegate.control.serving import CHOICE_SECONDS
from tidegate.discovery.sleeping import Dormant
from tidegate.errors import Conflict, Problem
from tidegate.model import InstanceState
from tidegate.release.spec import Retire, Strategy
from tidegate.release.strategies import Options
from tidegate.scaling.record import Decision, Record


def lived(path, made, story, load=lambda now: 0.0, last=None):
    """Run `story` in one life of the program, in virtual time; in a second one if the first ended at its write number `last`."""

    async def main():
        engine = made()
        for life, until in enumerate((last, None)):
            store = CountingStore(path, until)
            program = ScaledProgram(engine, store)
            program.load = load
            try:
                with contextlib.suppress(Killed):
                    try:
                        await program.run(story)
                    except* Killed:
                        raise Killed from None
            finally:
                store.database.close()
            found[:] = [program, store.writes, life]
            if not store.dead:
                return

    found = []
    run_virtual(main(), limit_seconds=20_000)
    assert not found[0].faults
    return found


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


def test_a_service_grows_under_load_and_shrinks_after_it(path):
    async def story(program):
        await asyncio.sleep(130)
        seen.append(program.names())
        await asyncio.sleep(150)

    seen = []
    program, _, _ = lived(path, engine_with, story, load=lambda now: 2.2 if now < 130 else 0.2)
    assert seen == [["shop-web-v1-copy-1", "shop-web-v1-copy-2", "shop-web-v1-copy-3", "web-1"]]
    assert program.names() == ["web-1"]
    assert program.changes == [(1, 2), (2, 3), (3, 4), (4, 3), (3, 2), (2, 1)]
    assert "shop/web: 1 -> 2 replicas" in program.said()
    assert "shop-web-v1-copy-1 started, a copy of web-1" in program.said()
    assert "shop-web-v1-copy-1 is gone" in program.said()
    assert program.book.settings == (), "nobody is left drained"
    assert program.registry.value("tidegate_scaling_changes_total", service=SERVICE, direction="out") == 3
    standing = program.scaling.standing[SERVICE]
    assert (standing.wanted, standing.own, standing.running) == (1, 1, 1)


def test_the_program_may_end_after_any_write_and_the_same_containers_come_and_go(path):
    async def story(program):
        while wall() < EPOCH + 120:  # noqa: ASYNC110  until a time, over two lives
            await asyncio.sleep(1)

    load = lambda now: 1.6 if now < 60 else 0.2  # noqa: E731
    whole = lived(path, engine_with, story, load)
    writes = whole[1]
    assert whole[0].names() == ["web-1"]
    assert writes > 12
    for last in range(2, writes + 1, 6):
        program, _, life = lived(path.with_name(f"{last}.db"), engine_with, story, load, last)
        assert life == 1
        assert program.names() in (["web-1"], ["shop-web-v1-copy-1", "web-1"])
        assert max(wanted for _, wanted in program.changes) <= 3


def test_containers_that_others_started_are_never_taken_away(path):
    async def story(program):
        await asyncio.sleep(60)

    program, _, _ = lived(path, lambda: engine_with(3), story)
    assert program.names() == ["web-1", "web-2", "web-3"]
    assert program.changes == []


def test_copies_leave_when_their_last_original_is_gone(path):
    async def story(program):
        await asyncio.sleep(60)
        seen.append(program.names())
        for name in ("web-1",):
            container = next(each for each in program.engine.containers.values() if each.name == name)
            await program.engine.stop(container.id)
            await program.engine.remove(container.id)
        await asyncio.sleep(90)

    seen = []
    program, _, _ = lived(path, engine_with, story, load=lambda now: 1.5)
    assert len(seen[0]) >= 2
    assert program.names() == []
    assert program.scaling.book.services == frozenset()


def test_what_cannot_be_copied_is_told_once_and_nothing_more_is_concluded(path):
    async def story(program):
        program.engine.broken.add("duplicate")
        await asyncio.sleep(120)

    program, _, _ = lived(path, engine_with, story, load=lambda now: 1.0)
    assert program.names() == ["web-1"]
    assert program.changes == [(1, 2)]
    assert [each for each in program.said() if "could be made" in each] == [
        "no copy of shop/web could be made: duplicate is refused"
    ]
    assert program.scaling.standing[SERVICE].decision.why == "no copy can be made: duplicate is refused"


def test_a_query_is_asked_of_prometheus_and_without_one_nothing_leaves(path):
    async def story(program):
        await asyncio.sleep(60)
        said.append(program.scaling.standing[SERVICE].decision.why)
        program.queries.answer = 35.0
        await asyncio.sleep(60)
        seen.append(program.names())

    said, seen = [], []
    target = {"tidegate.auto_scaling.target_query": "sum(queue)", "tidegate.auto_scaling.target_query_value": "10"}
    lived(path, lambda: engine_with(**target), story)
    assert said == ["the query cannot be had: no Prometheus is set (releases.prometheus)"]
    assert len(seen[0]) == 4


def test_a_release_freezes_scaling_in_and_its_containers_count_as_ours_after_it(path):
    async def story(program):
        await asyncio.sleep(36)
        copies.append(len(program.names()))
        await program.deploy(options(), version="v2")
        await asyncio.sleep(20)
        frozen.append(program.scaling.standing[SERVICE])
        await program.ended()
        await asyncio.sleep(40)

    copies, frozen = [], []
    program, _, _ = lived(
        path, lambda: engine_with(images={"image:2"}), story, load=lambda now: 1.2 if now < 36 else 0.1
    )
    assert copies == [2]
    assert frozen[0].version == "v1"
    versions = {each.labels["tidegate.version"] for each in program.running()}
    assert versions == {"v2"}
    assert len(program.running()) == 1, "what a release made is ours to take away"
    assert all(RELEASE_LABEL in each.labels for each in program.running())


def test_what_a_rolling_release_replaces_is_not_made_again(path):
    async def story(program):
        await asyncio.sleep(36)
        copies.append(program.names())
        made = len(program.engine.changes)
        await program.deploy(options(Strategy.ROLLING), version="v2")
        await program.ended()
        await asyncio.sleep(20)
        since.extend(each.name for each in program.engine.changes[made:])

    copies, since = [], []
    program, _, _ = lived(path, lambda: engine_with(images={"image:2"}), story, load=lambda now: 0.9)
    assert copies == [["shop-web-v1-copy-1", "web-1"]]
    assert not [each for each in since if "v1-copy" in each]
    assert {each.labels["tidegate.version"] for each in program.running()} == {"v2"}
    assert len(program.running()) == 2


class Stacks:
    """A book of stacks with one service; its containers come and go at once."""

    def __init__(self, engine):
        self.engine, self.number, self.told = engine, 1, []

    def wanted(self, service):
        return self.number if service == SERVICE else None

    def moving(self, service):
        return ""

    def dormant(self):
        return (Dormant(service=SERVICE, labels=LABELS | PLACED, ports=(80,)),) if self.number == 0 else ()

    async def want(self, service, before, number, why, when):
        assert before == self.number
        self.number = number
        self.told.append((number, why))
        running = [each for each in self.engine.containers.values() if each.state is InstanceState.RUNNING]
        for each in running[number:]:
            await self.engine.stop(each.id)
            await self.engine.remove(each.id)
        for at in range(len(running), number):
            self.engine.run(f"web-{at}.{when:.0f}", LABELS | PLACED)


PLACED = {"io.tidegate.place": "shop/web/1.1", "tidegate.auto_scaling.min_instances": "0"}


def test_the_number_of_a_stacks_service_is_told_to_the_book_and_goes_to_zero_and_back(path, monkeypatch):
    async def story(program):
        await asyncio.sleep(60)
        grown.append(program.names())
        await asyncio.sleep(120)
        asleep.append(program.names())
        routes.append(program.reconciler.table.routes["web.test/"].backends)
        monkeypatch.setattr(program.traffic, "in_flight", lambda: {("route", ("web.test/",)): 2})
        await asyncio.sleep(5)
        woken.append(program.names())

    grown, asleep, woken, books, routes = [], [], [], [], []

    def made():
        engine = engine_with(1, **PLACED)
        books.append(Stacks(engine))
        monkeypatch.setattr(ScaledProgram, "counts", books[0])
        return engine

    lived(path, made, story, load=lambda now: 1.5 if now < 60 else 0.0)
    assert len(grown[0]) >= 2
    assert (asleep[0], len(woken[0])) == ([], 1)
    assert [each.service for each in routes[0]] == [SERVICE], "requests have a route to wait on"
    assert books[0].told[-1] == (1, "2 requests wait for it")
    assert not any("copy" in each for each in (*grown[0], *woken[0]))


def test_the_copy_leaves_first_that_no_router_of_any_node_has_lasting_connections_to(path, monkeypatch):
    async def elsewhere(program, service, version, seconds):
        held = [f"{each.id}:80" for each in program.running() if each.name == names[1]]
        return Gathered(counted={"b": Counted(at=1.0, flying=dict.fromkeys(held, 1), lasting=dict.fromkeys(held, 1))})

    async def story(program):
        await program.until(lambda: len(program.names()) == 3)
        names[:] = [each for each in program.names() if "copy" in each]
        await program.until(lambda: len(program.names()) == 2)
        left.extend(each for each in program.names() if "copy" in each)

    names, left = [], []
    monkeypatch.setattr(ScaledProgram, "elsewhere", elsewhere)
    lived(path, engine_with, story, load=lambda now: 0.0 if names else 2.5)
    assert names == ["shop-web-v1-copy-1", "shop-web-v1-copy-2"]
    assert left == names[1:], "without them the youngest would have left"


def test_a_copy_leaves_only_when_the_routers_of_other_nodes_are_done_with_it(path, monkeypatch):
    async def elsewhere(program, service, version, seconds):
        if seconds == CHOICE_SECONDS:
            return Gathered()
        asked.append(asyncio.get_running_loop().time())
        names = {each.id: each.name for each in program.running()}
        busy = {f"{id_}:80": 1 for id_, name in names.items() if "copy" in name}
        told = Counted(at=1.0, flying=busy if len(asked) < 5 else {})
        return Gathered(missing={"b": "no answer"}) if len(asked) == 1 else Gathered(counted={"b": told})

    async def story(program):
        await asyncio.sleep(40)
        grown.append(len(program.names()))
        while len(asked) < 5:
            assert len(program.names()) == 2
            await asyncio.sleep(0.5)
        await asyncio.sleep(2)

    asked, grown = [], []
    monkeypatch.setattr(ScaledProgram, "elsewhere", elsewhere)
    program, _, _ = lived(path, engine_with, story, load=lambda now: 1.2 if now < 40 else 0.1)
    assert grown == [2]
    assert program.names() == ["web-1"]
    assert asked[-1] - asked[0] == pytest.approx(4, abs=1), "once a second"


class Neighbour(Alone):
    """Node `b`, with one replica of the service. It cannot be asked while `cpu` is None."""

    alone = False
    leader = "n1"

    def __init__(self, cpu):
        self.cpu = cpu

    def there(self):
        return ("b",)

    async def ask(self, node, question):
        if self.cpu is None:
            return "it does not answer in time"
        asked = json.decode(question, type=Question)
        now = wall() + 1000  # its clock is fast
        loads = {id_: used(now - 1, now, self.cpu) for id_ in asked.instances}
        return json.encode(Figures(now=now, loads=loads, counted=Counted(at=now)))


def beside(neighbour, monkeypatch, story):
    """`story` with a replica of the service on that node."""

    async def told(program):
        far = instance(
            "far", "web", project="shop", version="v1", node="b", provider="node:b", ports=(), started_at=EPOCH - 900
        )
        program.reconciler.offer_inventory(inventory(far, provider="node:b"))
        await story(program)

    monkeypatch.setattr(ScaledProgram, "cluster", neighbour)
    return told


def test_the_mean_is_over_the_replicas_of_all_nodes(path, monkeypatch):
    async def story(program):
        await asyncio.sleep(60)
        seen.append((program.changes, program.scaling.standing[SERVICE].decision.figures))
        neighbour.cpu = 80.0
        await asyncio.sleep(40)

    seen, neighbour = [], Neighbour(20.0)
    program, _, _ = lived(path, engine_with, beside(neighbour, monkeypatch, story), load=lambda now: 0.9)
    ((changes, figures),) = seen
    assert (changes, figures["cpu"]) == ([], pytest.approx(55.0, abs=1))
    assert program.changes[0] == (2, 3)


def test_of_a_node_that_cannot_be_asked_the_replicas_are_unknown_and_not_idle(path, monkeypatch):
    async def story(program):
        for _ in range(2):
            await asyncio.sleep(60)
            said.append(program.scaling.standing[SERVICE].decision.why)
            neighbour.cpu = 12.0

    said, neighbour = [], Neighbour(None)
    quiet = {"aliyun.auto_scaling.min_instances": "1"}
    program, _, _ = lived(
        path, lambda: engine_with(2, **quiet), beside(neighbour, monkeypatch, story), load=lambda now: 0.4
    )
    assert said[0].startswith("CPU 20")
    assert said[0].endswith("; b cannot be asked (it does not answer in time)")
    assert "below" not in said[0], "with the third at 70 % they would be above 30 %"
    assert "below" in said[1] and "cannot be asked" not in said[1]
    assert program.changes == [], "none of them is ours to take away"


def test_a_node_that_does_not_decide_tells_what_was_decided(path, monkeypatch):
    async def story(program):
        await asyncio.sleep(20)
        assert SERVICE in program.scaling.standing
        elsewhere = ScaleBook(program.store)
        await elsewhere.load()
        decision = Decision(when=wall(), current=1, wanted=2, why="CPU 83 %", figures={"cpu": 83.0})
        await elsewhere.commit(SERVICE, Record(decision=decision, changes=(decision,)))
        await asyncio.sleep(5)
        seen.append(program.scaling.standing[SERVICE])

    seen = []
    monkeypatch.setattr(ScaledProgram, "on_duty", lambda self, service: False)
    program, _, _ = lived(path, engine_with, story, load=lambda now: 3.0)
    (standing,) = seen
    assert (standing.decision.why, standing.decision.figures) == ("CPU 83 %", {"cpu": 83.0})
    assert program.said() == ["shop/web: 1 -> 2 replicas"]
    assert program.names() == ["web-1"], "it does nothing itself"


def test_a_step_that_somebody_else_forestalls_is_not_told_as_one(path, monkeypatch):
    async def story(program):
        await asyncio.sleep(60)

    class Contested(Stacks):
        """Somebody writes at the moment of the first step."""

        async def want(self, service, before, number, why, when):
            tried.append(number)
            if len(tried) == 1:
                raise Conflict(Problem(code="T2100", text="it changed meanwhile"))
            await super().want(service, before, number, why, when)

    tried = []

    def made():
        engine = engine_with(1, **PLACED)
        monkeypatch.setattr(ScaledProgram, "counts", Contested(engine))
        return engine

    program, _, _ = lived(path, made, story, load=lambda now: 0.9)
    assert tried[:2] == [2, 2]
    assert program.changes == [(1, 2)]
    assert program.said().count("shop/web: 1 -> 2 replicas") == 1


def test_a_number_that_somebody_says_while_figures_are_read_holds(path, monkeypatch):
    async def story(program):
        class Slow:
            async def value(self, query):
                await asyncio.sleep(2)
                if books[0].number == 1:
                    books[0].number = 3
                return 25.0

        program.scaling._queries = Slow()
        await program.until(lambda: books[0].number == 3)
        await asyncio.sleep(1)
        assert (books[0].told, program.changes) == ([], [])

    books = []

    def made():
        target = {"tidegate.auto_scaling.target_query": "sum(queue)", "tidegate.auto_scaling.target_query_value": "5"}
        engine = engine_with(1, **PLACED, **target)
        books.append(Stacks(engine))
        monkeypatch.setattr(ScaledProgram, "counts", books[0])
        return engine

    lived(path, made, story)


def test_whoever_holds_requests_for_a_sleeping_service_wakes_it(path, monkeypatch):
    async def story(program):
        await program.engine.stop(next(iter(program.engine.containers)))
        books[0].number = 0
        await asyncio.sleep(30)
        assert books[0].told == []
        monkeypatch.setattr(program.traffic, "in_flight", lambda: {("route", ("web.test/",)): 2})
        await asyncio.sleep(3)
        woken.append(program.names())

    books, woken = [], []

    def made():
        engine = engine_with(1, **PLACED)
        books.append(Stacks(engine))
        monkeypatch.setattr(ScaledProgram, "counts", books[0])
        return engine

    monkeypatch.setattr(ScaledProgram, "on_duty", lambda self, service: False)
    lived(path, made, story)
    assert books[0].told == [(1, "2 requests wait for it")]
    assert len(woken[0]) == 1


@pytest.mark.parametrize(("wanted", "kept"), [(0, {SERVICE}), (None, set())], ids=["a stack's", "nobody's"])
def test_what_is_remembered_of_a_service_that_nobody_shows_is_kept_while_a_stack_has_it(
    path, monkeypatch, wanted, kept
):
    async def story(program):
        await program.scaling.book.commit(SERVICE, Record())
        await asyncio.sleep(90)

    def made():
        engine = engine_with(0)
        stacks = Stacks(engine)
        stacks.number = wanted
        monkeypatch.setattr(stacks, "dormant", tuple)
        monkeypatch.setattr(ScaledProgram, "counts", stacks)
        return engine

    program, _, _ = lived(path, made, story)
    assert program.scaling.book.services == kept


def options(strategy=Strategy.BLUE_GREEN):
    return Options(strategy=strategy, hold_seconds=20.0, retain_seconds=0.0, gates=(), retire=Retire.REMOVE)
