"""What the faults of the store's members are judged by; the run itself is the program's."""

from bench.storefaults import Seen, faults


def seen(told, acknowledged=2, doubtful=0):
    made = Seen(told=told)
    made.acknowledged["n/0"], made.doubtful["n/0"] = acknowledged, doubtful
    return made


def test_what_was_acknowledged_and_told_once_is_right():
    assert faults(seen([[("n/0", 1), ("n/0", 2)]]), {"n/0": 2}) == []


def test_a_number_that_differs_from_what_was_acknowledged_is_wrong_but_for_doubtful_outcomes():
    whole = [[("n/0", 1), ("n/0", 2), ("n/0", 3)]]
    assert faults(seen(whole), {"n/0": 3}) == ["n/0 is 3, and 2 were acknowledged"]
    assert faults(seen(whole, doubtful=1), {"n/0": 3}) == []


def test_a_watch_that_misses_repeats_or_swaps_a_step_is_wrong():
    for told in ([("n/0", 2)], [("n/0", 1), ("n/0", 1), ("n/0", 2)], [("n/0", 2), ("n/0", 1)]):
        assert len(faults(seen([told]), {"n/0": 2})) == 1
