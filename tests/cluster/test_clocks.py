"""Whose clock is off is told by what most say."""

import pytest

from tidegate.cluster.clocks import BOUND_SECONDS, Clocks


def clocks(**ahead):
    made = Clocks("a")
    for node, seconds in ahead.items():
        made.measured(node, seconds, 0.01)
    return made


@pytest.mark.parametrize(
    ("ahead", "off"),
    [
        ({}, {}),
        ({"b": 4.0}, {}),
        ({"b": 12.0}, {"b": 12.0}),
        ({"b": -12.0}, {"b": -12.0}),
        ({"b": 0.2, "c": 90.2}, {"c": 90.0}),
        ({"b": 70.0, "c": 70.5}, {"a": -70.0}),
        ({"b": 0.0, "c": 9.0, "d": -9.0}, {"c": 9.0, "d": -9.0}),
    ],
    ids=["alone", "within the bound", "ahead", "behind", "one of three", "our own", "two of four"],
)
def test_whose_clock_is_off_and_by_how_much(ahead, off):
    assert clocks(**ahead).off == pytest.approx(off)


def test_what_was_measured_badly_accuses_nobody():
    made = clocks()
    made.measured("b", BOUND_SECONDS + 1.0, 1.5)
    assert not made.off


def test_a_clock_that_was_set_is_off_no_more_and_who_has_gone_is_forgotten():
    made = clocks(b=12.0, c=0.0, d=0.0)
    assert [each.place for each in made.problems] == ["b"]
    made.measured("b", 0.1, 0.01)
    assert not made.problems
    made.measured("b", 12.0, 0.01)
    made.keep(["c"])
    assert not made.off


def test_it_is_told_with_node_offset_and_mend():
    (problem,) = clocks(b=-12.3, c=0.0).problems
    assert (problem.code, problem.text) == ("T2309", "the clock of b is 12 s behind")
    assert "NTP" in problem.mend and "most nodes" in problem.cause
    assert "only other" in clocks(b=30.0).problems[0].cause
