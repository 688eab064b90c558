from __future__ import annotations

from tidegate.placement.decision import Filter


def test_the_quota_is_asked_last_so_that_nodes_which_are_out_anyway_do_not_use_it_up():
    assert list(Filter)[-1] is Filter.QUOTA


def test_what_is_cheap_to_know_is_asked_first():
    assert list(Filter)[:3] == [Filter.READY, Filter.CORDON, Filter.CONSTRAINT]
