import pytest

from tests.support.release_stage import SERVICE, engine_with, lives
from tests.support.virtual_time import run_virtual
from tidegate.release.spec import Retire, Strategy
from tidegate.release.strategies import Options

FAST = {"min_healthy_seconds": 1.0, "retain_seconds": 2.0, "drain_seconds": 3.0, "hold_seconds": 3.0, "gates": ()}
STRATEGIES = {
    "rolling": Options(strategy=Strategy.ROLLING, **FAST),
    "blue-green": Options(strategy=Strategy.BLUE_GREEN, **FAST),
    "canary": Options(strategy=Strategy.CANARY, shares=(25, 50), **FAST),
    "replace": Options(strategy=Strategy.REPLACE, **FAST),
}


def told(path, options, *, last=None, unready=(), count=2):
    """What is left at the end, and how many writes there were until the program ended."""
    found = []

    async def story(program):
        await program.deploy(options)
        await program.ended()

    async def play():
        program, writes = await lives(path, engine_with(count), story, last=last, unready=unready)
        found.append((program.end(), writes))

    run_virtual(play(), 3600)
    return found[0]


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_program_that_dies_after_any_write_of_a_release_comes_to_the_same_end(tmp_path, name):
    end, writes = told(tmp_path / "whole.db", STRATEGIES[name])
    running, weights, records = end
    assert [(version, state) for _, version, state in running] == [("v2", "running"), ("v2", "running")]
    assert {version for version, _ in weights} == {"v2"}
    assert records == [(1, "complete", True)]
    assert writes > 5
    for last in range(1, writes + 1):
        assert told(tmp_path / f"{last}.db", STRATEGIES[name], last=last)[0] == end, f"killed after write {last}"


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_program_that_dies_after_any_write_of_a_rollback_comes_back_to_the_old_version(tmp_path, name):
    options = Options(
        **{each: getattr(STRATEGIES[name], each) for each in Options.__struct_fields__}
        | {"ready_seconds": 5.0, "retire": Retire.REMOVE}
    )
    end, writes = told(tmp_path / "whole.db", options, unready=("v2",))
    running, weights, records = end
    assert [(version, state) for _, version, state in running] == [("v1", "running"), ("v1", "running")]
    assert {version for version, _ in weights} == {"v1"}
    assert records == [(1, "rolled-back", True)]
    for last in range(1, writes + 1):
        found = told(tmp_path / f"{last}.db", options, last=last, unready=("v2",))[0]
        assert found == end, f"killed after write {last}"


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
