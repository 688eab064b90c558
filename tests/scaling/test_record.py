from msgspec.structs import replace

from tidegate.elasticity import Metric
from tidegate.scaling.record import KEPT_CHANGES, Advice, Decision, Period, Record, Streak, decided


def decision(current, wanted, when=1.0):
    return Decision(when=when, current=current, wanted=wanted, why="said")


def test_a_decision_that_changes_nothing_is_the_last_one_and_no_change():
    record = decided(Record(), decision(2, 2))
    assert (record.decision, record.changes) == (decision(2, 2), ())


def test_changes_are_kept_the_latest_last():
    record = Record()
    for when in range(KEPT_CHANGES + 5):
        record = decided(record, decision(when, when + 1, float(when)))
    assert len(record.changes) == KEPT_CHANGES
    assert record.changes[-1] == record.decision


def test_what_every_look_changes_need_not_last():
    record = Record(period=Period(began=1.0), advice=(Advice(since=1.0, wanted=2),))
    later = replace(record, seen_at=9.0, busy_at=9.0, period=Period(began=1.0, sums={Metric.CPU: 1.0}))
    assert later.lasting() == record.lasting()
    assert replace(record, streaks={Metric.CPU: Streak(above=1)}).lasting() != record.lasting()
    assert replace(record, advice=()).lasting() != record.lasting()
