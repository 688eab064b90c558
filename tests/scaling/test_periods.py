from tidegate.elasticity import Bound, Metric, ScalingPolicy
from tidegate.scaling.periods import closed, observed, over, settled
from tidegate.scaling.record import Period, Record, Streak
from tidegate.scaling.seen import Replica, Sight

POLICY = ScalingPolicy(bounds=(Bound(metric=Metric.CPU, high=70, low=30),))


def sight(*values):
    return Sight(
        current=len(values),
        replicas=tuple(
            Replica(id=str(at), ready_since=1.0, figures={Metric.CPU: value}) for at, value in enumerate(values)
        ),
    )


def test_a_period_is_the_mean_of_its_looks_over_replicas():
    record = observed(POLICY, sight(20.0, 40.0), Record(), 1000.0)
    record = observed(POLICY, sight(90.0), record, 1010.0)
    assert record.period == Period(began=1000.0, sums={Metric.CPU: 120.0}, looks={Metric.CPU: 2})
    assert record.period.mean(Metric.CPU) == 60
    assert record.period.mean(Metric.MEMORY) is None


def test_a_period_ends_after_its_time():
    record = observed(POLICY, sight(90.0), Record(), 1000.0)
    assert not over(POLICY, record, 1059.0)
    assert over(POLICY, record, 1060.0)
    after = closed(POLICY, record, 1060.0)
    assert (after.period, after.streaks) == (Period(began=1060.0), {Metric.CPU: Streak(above=1, mean=90.0)})


def test_a_time_in_which_nobody_looked_ends_every_streak():
    record = Record(period=Period(began=1000.0), streaks={Metric.CPU: Streak(above=2, mean=90.0)})
    assert observed(POLICY, sight(90.0), record, 1100.0).streaks == record.streaks
    late = observed(POLICY, sight(90.0), record, 1121.0)
    assert (late.streaks, late.period.began) == ({}, 1121.0)
    assert observed(POLICY, sight(90.0), record, 990.0).period.began == 990.0, "the clock was set back"


def test_replicas_count_once_they_have_been_ready_for_a_period():
    replicas = tuple(Replica(id=str(at), ready_since=at) for at in (0.0, 900.0, 940.0, 941.0))
    counted = settled(POLICY, Sight(current=4, replicas=replicas), 1000.0)
    assert [each.id for each in counted] == ["900.0", "940.0"]
