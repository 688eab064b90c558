from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidegate.control.weave import Weave


def weave(*sources, patience=1.0):
    made = Weave(patience)
    for source in sources:
        made.open(source)
    return made


def test_the_earliest_row_waits_until_every_other_source_has_shown_one():
    made = weave("a", "b")
    made.put("a", 2.0, "two")
    assert (made.take(0.0), made.until) == ([], 1.0)
    made.put("b", 1.0, "one")
    assert made.take(0.5) == [("b", "one")], "b may have more before two"
    made.close("b")
    assert (made.take(0.5), made.until) == ([("a", "two")], None)


def test_a_source_that_shows_nothing_is_waited_for_once_until_it_shows_something():
    made = weave("a", "b")
    made.put("a", 1.0, "one")
    made.put("a", 2.0, "two")
    assert made.take(0.0) == []
    assert made.take(1.0) == [("a", "one"), ("a", "two")]
    made.put("a", 3.0, "three")
    assert made.take(1.0) == [("a", "three")], "b is quiet, and a the only other one"
    made.put("b", 4.0, "four")
    assert made.take(1.0) == []
    assert made.take(2.0) == [("b", "four")]


def test_rows_of_one_time_go_as_they_came_and_a_source_may_open_again():
    made = weave("a", "b")
    made.put("b", 1.0, "first")
    made.put("a", 1.0, "second")
    made.close("a")
    made.close("b")
    assert made.take(0.0) == [("b", "first"), ("a", "second")]
    made.open("a")
    made.put("a", 0.5, "late")
    made.close("a")
    assert made.take(0.0) == [("a", "late")]


@given(st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=4), st.randoms())
def test_what_all_have_given_comes_in_the_order_of_time_and_none_is_lost(times, rng):
    made = weave(*map(str, range(len(times))))
    rows = [(str(source), at) for source, each in enumerate(times) for at in sorted(each)]
    left = {str(source): sorted(each) for source, each in enumerate(times)}
    found = []
    while any(left.values()):
        source = rng.choice([source for source, each in left.items() if each])
        at = left[source].pop(0)
        made.put(source, at, (source, at))
        found += made.take(0.0)
    for source in left:
        made.close(source)
    found += made.take(0.0)
    told = [row for _, row in found]
    assert [at for _, at in told] == sorted(at for _, at in rows)
    assert sorted(told) == sorted(rows)
