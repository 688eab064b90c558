import asyncio

import pytest

from tests.support.release_stage import SERVICE, Killed, engine_with, lives
from tests.support.virtual_time import run_virtual
from tidegate.model import HealthState
from tidegate.release.gates import Outcome
from tidegate.release.record import Phase, State
from tidegate.release.spec import Retire, Strategy
from tidegate.release.strategies import Options

FAST = {"min_healthy_seconds": 1.0, "retain_seconds": 2.0, "drain_seconds": 3.0, "hold_seconds": 3.0, "gates": ()}
STRATEGIES = {
    "rolling": Options(strategy=Strategy.ROLLING, **FAST),
    "blue-green": Options(strategy=Strategy.BLUE_GREEN, **FAST),
    "canary": Options(strategy=Strategy.CANARY, shares=(25, 50), **FAST),
    "replace": Options(strategy=Strategy.REPLACE, **FAST),
}


def told(path, options, *, last=None, last_act=None, unready=(), count=2):
    """What is left at the end, and how many writes and acts there were until the program ended."""
    found = []

    async def story(program):
        await program.deploy(options)
        await program.ended()

    async def play():
        engine = engine_with(count)
        program, writes = await lives(path, engine, story, last=last, last_act=last_act, unready=unready)
        found.append((program.end(), writes, engine.acts))

    run_virtual(play(), 3600)
    return found[0]


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_program_that_dies_after_any_write_of_a_release_comes_to_the_same_end(tmp_path, name):
    end, writes, acts = told(tmp_path / "whole.db", STRATEGIES[name])
    running, weights, records = end
    assert [(version, state) for _, version, state in running] == [("v2", "running"), ("v2", "running")]
    assert {version for version, _ in weights} == {"v2"}
    assert records == [(1, "complete", True)]
    assert writes > 5
    for last in range(1, writes + 1):
        assert told(tmp_path / f"{last}.db", STRATEGIES[name], last=last)[0] == end, f"killed after write {last}"
    assert acts == 1 + 2 * 2 + 2 * 3  # the image; two are made and started, two stopped, stopped for good and removed
    for last in range(1, acts + 1):
        found = told(tmp_path / f"act{last}.db", STRATEGIES[name], last_act=last)[0]
        assert found == end, f"killed after act {last}"


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_program_that_dies_after_any_write_of_a_rollback_comes_back_to_the_old_version(tmp_path, name):
    options = Options(
        **{each: getattr(STRATEGIES[name], each) for each in Options.__struct_fields__}
        | {"ready_seconds": 5.0, "retire": Retire.REMOVE}
    )
    end, writes, acts = told(tmp_path / "whole.db", options, unready=("v2",))
    running, weights, records = end
    assert [(version, state) for _, version, state in running] == [("v1", "running"), ("v1", "running")]
    assert {version for version, _ in weights} == {"v1"}
    assert records == [(1, "rolled-back", True)]
    for last in range(1, writes + 1):
        found = told(tmp_path / f"{last}.db", options, last=last, unready=("v2",))[0]
        assert found == end, f"killed after write {last}"
    for last in range(1, acts + 1):
        found = told(tmp_path / f"act{last}.db", options, last_act=last, unready=("v2",))[0]
        assert found == end, f"killed after act {last}"


def test_a_hold_goes_on_after_a_restart_with_what_the_old_version_did_before(tmp_path):
    """It has no traffic any more, so the gates have nothing else to compare with."""
    options = Options(
        strategy=Strategy.BLUE_GREEN, confirm=False, hold_seconds=30.0, min_healthy_seconds=5.0, retain_seconds=1.0
    )
    found = []

    async def play():
        async def story(program):
            await program.deploy(options)
            if not found:
                await program.until(lambda: program.releases.book.last(SERVICE).phase is Phase.HOLD)
                await program.until(lambda: program.releases.book.last(SERVICE).share == 1.0)
                await asyncio.sleep(10)
                found.append(program.releases.book.last(SERVICE))
                raise Killed
            await program.until(lambda: program.releases.book.last(SERVICE).verdicts)
            found.append(program.releases.book.last(SERVICE))
            await program.ended()

        program, _ = await lives(tmp_path / "db", engine_with(2), story, per_second=400)
        found.append(program.releases.book.last(SERVICE))

    run_virtual(play(), 3600)
    before, after, end = found
    assert before.reference.requests >= 50
    assert {each.outcome for each in after.verdicts} == {Outcome.PASS}
    assert "stable before" in next(each.text for each in after.verdicts if each.gate == "success")
    assert (end.state, end.reference) == (State.COMPLETE, None)
    assert "hold extended" not in [each.what for each in end.history]


@pytest.mark.parametrize(
    ("answers", "gate", "served"),
    [
        (lambda version, number: {"status": 503} if version == "v2" and number % 20 == 0 else {}, "success", 700),
        (lambda version, _: {"upstream_us": 40_000 if version == "v2" else 20_000}, "latency", 4000),
    ],
    ids=["5 % errors", "twice as slow"],
)
def test_a_rolling_release_of_a_bad_version_ends_with_its_first_batch(tmp_path, answers, gate, served):
    options = Options(strategy=Strategy.ROLLING)

    async def play():
        async def story(program):
            await program.deploy(options)
            await program.ended()

        program, _ = await lives(tmp_path / "db", engine_with(4), story, per_second=400, answers=answers)
        last = program.releases.book.last(SERVICE)
        assert last.state is State.ROLLED_BACK
        assert last.reason.startswith(f"{gate}: ")
        assert "share 50 %" not in [each.what for each in last.history]
        assert [(each.version, each.state) for each in shown(program)] == [("v1", HealthState.HEALTHY)] * 4
        assert program.served["v2"] < served

    run_virtual(play(), 3600)


def test_a_rolling_release_that_nobody_asks_anything_is_held_after_each_batch_and_says_that_it_went_on(tmp_path):
    async def play():
        async def story(program):
            await program.deploy(Options(strategy=Strategy.ROLLING, drain_seconds=1.0))
            await program.ended()

        program, _ = await lives(tmp_path / "db", engine_with(2), story)
        last = program.releases.book.last(SERVICE)
        assert last.state is State.COMPLETE
        assert [each.what for each in last.history].count("goes on without a verdict") == 3

    run_virtual(play(), 3600)


def test_an_image_that_takes_longer_than_getting_ready_may_is_waited_for(tmp_path):
    async def play():
        async def story(program):
            await program.deploy(Options(**FAST | {"strategy": Strategy.REPLACE, "ready_seconds": 20.0}))
            await program.until(lambda: program.releases.book.last(SERVICE).state is State.STARTING)
            await asyncio.sleep(60)
            assert [each.version for each in shown(program)] == ["v1", "v1"]  # nobody stops before the image is there
            await program.ended()

        engine = engine_with(2)
        engine.pull_seconds = 300.0
        program, _ = await lives(tmp_path / "db", engine, story)
        last = program.releases.book.last(SERVICE)
        assert last.state is State.COMPLETE, last.history
        assert last.history[-1].when - last.history[0].when > 300

    run_virtual(play(), 3600)


def shown(program):
    endpoints = program.reconciler.table.services[SERVICE].endpoints
    return [each for each in endpoints if each.state is HealthState.HEALTHY]


def test_what_happens_is_told_in_the_journal_to_web_hooks_and_in_metrics(tmp_path):
    async def play():
        async def story(program):
            await program.deploy(STRATEGIES["canary"])
            await program.ended()

        program, _ = await lives(tmp_path / "db", engine_with(2), story)
        said = [each.text for each in program.journal.happenings() if each.kind == "release"]
        assert said[0] == f"release 1 of {SERVICE}: canary from v1 to v2 asked for"
        assert f"release 1 of {SERVICE}: complete" in said
        assert [each.data["what"] for each in program.others.told][-1] == "the old side is gone"
        assert program.registry.value("tidegate_release_ended_total", strategy="canary", outcome="complete") == 1
        assert program.registry.value("tidegate_release_open", state="moving") == 0

    run_virtual(play(), 3600)
