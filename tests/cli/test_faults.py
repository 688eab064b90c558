from __future__ import annotations

from tidegate.cli.faults import Unreachable, UsageFault, WaitedTooLong, did_you_mean, usage


def test_exit_codes_are_those_of_the_manual():
    assert (UsageFault.exit_code, Unreachable.exit_code, WaitedTooLong.exit_code) == (2, 5, 7)


def test_the_nearest_word_is_offered_and_nothing_far():
    assert did_you_mean("shfit", ["shift", "show"]) == "did you mean shift?"
    assert did_you_mean("xyzzy", ["shift", "show"]) == ""


def test_a_usage_fault_has_one_problem():
    assert usage("no", "yes").problems[0].code == "T1703"
