from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.router import upstreams
from tidegate.policy import Ejection
from tidegate.router.ejection import ANYBODY, SAFE, Ejector

POLICY = Ejection(failures=3, seconds=10.0, max_percent=50)


def fail(ejector, upstream, siblings, times, now=0.0, policy=POLICY):
    return [ejector.failed(upstream, policy, siblings, now) for _ in range(times)]


def test_so_many_failures_in_a_row_take_an_endpoint_out():
    some, ejector = upstreams(4), Ejector()
    assert fail(ejector, some[0], some, 3) == [False, False, True]
    assert [one.ejected for one in some] == [True, False, False, False]


def test_a_good_answer_in_between_begins_anew():
    some, ejector = upstreams(4), Ejector()
    fail(ejector, some[0], some, 2)
    assert not ejector.answered(some[0], 0.0)
    assert fail(ejector, some[0], some, 2) == [False, False]


def test_zero_failures_is_never():
    some, ejector = upstreams(4), Ejector()
    assert not any(fail(ejector, some[0], some, 100, policy=Ejection(failures=0)))


def test_the_last_one_and_more_than_the_share_stay():
    some, ejector = upstreams(4), Ejector()
    for one in some:
        fail(ejector, one, some, 10)
    assert sum(one.ejected for one in some) == 2
    (alone,) = upstreams(1)
    assert not any(fail(ejector, alone, [alone], 10, policy=Ejection(failures=1, max_percent=100)))


def test_after_its_time_it_gets_one_request_and_comes_back_by_a_good_answer():
    some, ejector = upstreams(2), Ejector()
    fail(ejector, some[0], some, 3)
    assert ejector.due(9.9) == []
    assert ejector.due(10.0) == [some[0]]
    assert some[0].trial
    assert some[0].ejected
    assert ejector.answered(some[0], 10.5)
    assert not some[0].ejected


def test_a_failed_trial_doubles_the_time_up_to_ten_times():
    some, ejector = upstreams(2), Ejector()
    fail(ejector, some[0], some, 3)
    now, waited = 0.0, []
    for _ in range(6):
        began = now
        while not ejector.due(now):
            now += 1.0
        waited.append(now - began)
        assert fail(ejector, some[0], some, 1, now) == [True]
    assert waited == [10.0, 20.0, 40.0, 80.0, 100.0, 100.0]


def test_a_trial_without_an_outcome_is_offered_again():
    some, ejector = upstreams(2), Ejector()
    fail(ejector, some[0], some, 3)
    assert ejector.due(10.0) == [some[0]]
    some[0].trial = 0
    assert ejector.due(15.0) == []
    assert ejector.due(20.0) == [some[0]]


def test_a_trial_that_no_safe_request_takes_is_for_anybody_after_ten_times_the_ejection():
    some, ejector = upstreams(2), Ejector()
    fail(ejector, some[0], some, 3)
    offers = []
    for now in range(10, 130, 10):
        assert ejector.due(float(now)) == [some[0]]
        offers.append(some[0].trial)
    assert offers == [SAFE] * 10 + [ANYBODY] * 2


def test_patience_begins_anew_with_a_safe_request_that_took_the_trial_and_left():
    some, ejector = upstreams(2), Ejector()
    fail(ejector, some[0], some, 3)
    for now in range(10, 100, 10):
        ejector.due(float(now))
    some[0].trial = 0
    ejector.due(100.0)
    ejector.due(110.0)
    assert some[0].trial == SAFE


def test_who_is_out_is_listed_with_the_time_that_is_left():
    some, ejector = upstreams(4), Ejector()
    assert ejector.out(0.0) == []
    fail(ejector, some[0], some, 3, 0.0)
    fail(ejector, some[1], some, 3, 4.0)
    assert ejector.out(6.0) == [(some[0], 4.0), (some[1], 8.0)]
    ejector.due(11.0)
    assert ejector.out(11.0) == [(some[0], 0.0), (some[1], 3.0)]
    ejector.answered(some[0], 11.5)
    some[1].draining = True
    assert ejector.out(12.0) == []


def test_what_was_sent_before_neither_lengthens_nor_ends_an_ejection():
    some, ejector = upstreams(2), Ejector()
    fail(ejector, some[0], some, 3)
    assert fail(ejector, some[0], some, 5) == [False] * 5
    assert not ejector.answered(some[0], 1.0)
    assert ejector.due(10.0) == [some[0]]


def test_who_stays_in_service_for_as_long_as_it_was_out_is_forgiven():
    some, ejector = upstreams(2), Ejector()
    for at in (0.0, 10.5):
        fail(ejector, some[0], some, 3, at)
        ejector.due(at + 30.0)
        ejector.answered(some[0], at + 30.0)
    ejector.due(70.0)
    fail(ejector, some[0], some, 3, 70.0)
    assert ejector.due(80.0) == [some[0]]


def test_who_left_the_table_is_forgotten():
    some, ejector = upstreams(2), Ejector()
    fail(ejector, some[0], some, 3)
    some[0].draining = True
    assert ejector.due(10.0) == []
    assert ejector.due(1000.0) == []


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 8),
    st.integers(0, 100),
    st.lists(st.tuples(st.integers(0, 7), st.booleans(), st.floats(0.0, 5.0)), max_size=80),
)
def test_whatever_happens_somebody_stays_and_no_more_than_the_share_is_out(number, percent, happened):
    some, ejector, now = upstreams(number), Ejector(), 0.0
    policy = Ejection(failures=2, seconds=3.0, max_percent=percent)
    for which, good, seconds in happened:
        one = some[which % number]
        now += seconds
        ejector.due(now)
        if good:
            ejector.answered(one, now)
        else:
            ejector.failed(one, policy, some, now)
        out = sum(one.ejected for one in some)
        assert out * 100 <= percent * number
        assert out < number
