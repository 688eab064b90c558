from __future__ import annotations

from tidegate.control.ejections import Ejections, Out
from tidegate.control.gauges import STALE_SECONDS
from tidegate.control.traffic import FORGET_SECONDS

KEY = ("web", "v1", "e:80")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def told(known=frozenset()):
    clock = Clock()
    return clock, Ejections(clock, lambda: 1000.0 + clock.now, lambda _kind, keys: known & set(keys))


def numbers(ejections):
    (family,) = ejections.families()
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def test_who_is_out_is_told_with_the_workers_that_ejected_it_and_the_last_end():
    _, ejections = told()
    ejections.take(0, 1, [("e:80", 8.0), ("f:80", 3.0)])
    ejections.take(1, 2, [("e:80", 20.0)])
    assert ejections.out() == {
        "e:80": Out(workers=2, of=2, until=1020.0),
        "f:80": Out(workers=1, of=2, until=1003.0),
    }


def test_a_report_replaces_the_one_before_it():
    _, ejections = told()
    ejections.take(0, 1, [("e:80", 8.0)])
    ejections.take(0, 1, [])
    assert ejections.out() == {}


def test_what_a_silent_worker_said_is_forgotten():
    clock, ejections = told()
    ejections.take(0, 1, [("e:80", 800.0)])
    clock.now = STALE_SECONDS + 1
    ejections.take(1, 2, [])
    assert ejections.out() == {}


def test_ejections_are_summed_over_workers_by_service_version_and_endpoint():
    _, ejections = told()
    ejections.take(0, 1, [], [(KEY, 2)])
    ejections.take(1, 2, [], [(KEY, 1), (("db", "", "d:5432"), 1)])
    assert numbers(ejections) == {KEY: 3.0, ("db", "", "d:5432"): 1.0}


def test_an_endpoint_that_left_the_table_keeps_its_number_for_a_while_only():
    clock, ejections = told(known={KEY})
    gone = ("web", "v1", "gone:80")
    ejections.take(0, 1, [], [(KEY, 2), (gone, 1)])
    clock.now = FORGET_SECONDS - 1
    assert set(numbers(ejections)) == {KEY, gone}
    clock.now = FORGET_SECONDS + 1
    assert numbers(ejections) == {KEY: 2.0}
