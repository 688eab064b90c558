import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert record.period == Period(
        began=1000.0, sums={Metric.CPU: 120.0}, looks={Metric.CPU: 2}, shares={Metric.CPU: 2.0}
    )
    assert record.period.mean(Metric.CPU) == 60
    assert record.period.mean(Metric.MEMORY) is None


def test_a_period_ends_after_its_time():
    record = observed(POLICY, sight(90.0), Record(), 1000.0)
    assert not over(POLICY, record, 1059.0)
    assert over(POLICY, record, 1060.0)
    after = closed(POLICY, record, 1060.0)
    assert (after.period, after.streaks) == (Period(began=1060.0), {Metric.CPU: Streak(above=1, mean=90.0, most=90.0)})


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


def partly(known, unknown):
    """So many replicas with these figures, and so many of which nothing is known."""
    replicas = sight(*known).replicas + tuple(Replica(id=f"u{at}", ready_since=1.0) for at in range(unknown))
    return Sight(current=len(replicas), replicas=replicas)


def streak(known, unknown, policy=POLICY):
    return closed(policy, observed(policy, partly(known, unknown), Record(), 1000.0), 1060.0).streaks[Metric.CPU]


@pytest.mark.parametrize(
    ("known", "unknown", "above", "below"),
    [
        ([90.0], 0, 1, 0),
        ([90.0], 1, 0, 0),  # 45 % if the other one is idle
        ([90.0, 90.0, 90.0], 1, 0, 0),  # 67.5 %
        ([95.0, 95.0, 95.0], 1, 1, 0),
        ([20.0], 1, 0, 0),  # 45 % if the other one is at the upper bound
        ([10.0, 10.0, 10.0], 1, 0, 1),
        ([10.0], 0, 0, 1),
    ],
)
def test_a_replica_of_which_nothing_is_known_is_idle_above_and_busy_below(known, unknown, above, below):
    found = streak(known, unknown)
    assert (found.above, found.below, found.mean) == (above, below, known[0])


def test_without_an_upper_bound_one_of_which_nothing_is_known_is_at_the_lower_one():
    only_low = ScalingPolicy(bounds=(Bound(metric=Metric.CPU, low=30),))
    assert streak([20.0], 1, only_low).below == 1
    assert streak([20.0], 1, only_low).most == 25


def test_a_replica_that_is_known_at_some_looks_only_counts_for_those():
    record = observed(POLICY, partly([80.0, 80.0], 0), Record(), 1000.0)
    record = observed(POLICY, partly([80.0], 1), record, 1010.0)
    assert record.period.mean(Metric.CPU) == 80
    assert record.period.filled(Metric.CPU, 0.0) == 60
    assert record.period.filled(Metric.CPU, 70.0) == 77.5


def test_a_period_that_an_earlier_version_began_goes_on():
    record = Record(period=Period(began=1000.0, sums={Metric.CPU: 160.0}, looks={Metric.CPU: 2}))
    assert record.period.mean(Metric.CPU) == 80
    assert observed(POLICY, sight(20.0), record, 1010.0).period.mean(Metric.CPU) == 60


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=8),
    st.lists(st.floats(0, 70), min_size=0, max_size=8),
)
def test_what_is_concluded_in_doubt_would_also_be_concluded_in_the_light(known, others):
    """Whatever the unknown replicas have, as long as none of them is beyond the upper bound."""
    doubt, light = streak(known, len(others)), streak([*known, *others], 0)
    assert light.above >= doubt.above
    assert light.below >= doubt.below
