import pytest

from tidegate.elasticity import Bound, Metric, ScalingPolicy
from tidegate.scaling.decide import decide, look_seconds
from tidegate.scaling.record import Record
from tidegate.scaling.seen import Replica, Sight

CPU = Bound(metric=Metric.CPU, high=70, low=30)


def sight(current, now, **figures):
    said = {Metric(name): value for name, value in figures.items() if value is not None}
    replicas = tuple(
        Replica(id=str(at), started_at=1.0, ready_since=1.0, measured_since=now - 10, figures=said)
        for at in range(current)
    )
    return Sight(current=current, replicas=replicas, whole={Metric.REQUESTS: 1.0})


def driven(policy, current, means, record=None):
    """One period for each of `means`, a dict of figures or a CPU percentage; the decision at the end of each."""
    record, now, ends = record or Record(), 1_000_000.0, []
    record, _ = decide(policy, sight(current, now, **_figures(means[0])), record, now)
    for mean in means:
        end = record.period.began + policy.period_seconds
        while now < end:
            now += look_seconds(policy)
            record, decision = decide(policy, sight(current, now, **_figures(mean)), record, now)
        ends.append(decision)
        current = decision.wanted
    return ends


def _figures(mean):
    return mean if isinstance(mean, dict) else {"cpu": mean}


def wanted(policy, current, means):
    return [each.wanted for each in driven(policy, current, means)]


def test_three_periods_in_a_row_above_add_a_step():
    policy = ScalingPolicy(bounds=(CPU,), step=2)
    assert wanted(policy, 1, [90, 90, 90, 90]) == [1, 1, 3, 3]


def test_after_an_action_the_count_begins_anew():
    policy = ScalingPolicy(bounds=(CPU,))
    assert wanted(policy, 1, [90] * 7) == [1, 1, 2, 2, 2, 3, 3]


def test_one_period_within_bounds_ends_the_streak():
    policy = ScalingPolicy(bounds=(CPU,))
    assert wanted(policy, 1, [90, 90, 50, 90, 90, 90]) == [1, 1, 1, 1, 1, 2]


def test_exactly_at_a_bound_is_not_beyond_it():
    policy = ScalingPolicy(bounds=(CPU,))
    assert wanted(policy, 2, [70] * 4) == [2] * 4
    assert wanted(policy, 2, [30] * 4) == [2] * 4


def test_three_periods_in_a_row_below_take_a_step_away():
    policy = ScalingPolicy(bounds=(CPU,), step=2)
    assert wanted(policy, 8, [10, 10, 10]) == [8, 8, 6]


def test_no_period_without_figures_counts():
    policy = ScalingPolicy(bounds=(CPU,))
    ends = driven(policy, 2, [90, 90, None, 90, 90, 90])
    assert [each.wanted for each in ends] == [2, 2, 2, 2, 2, 3]
    assert ends[2].why == "no figures in a period of 60 s"


def test_it_says_why_with_numbers():
    ends = driven(ScalingPolicy(bounds=(CPU,)), 1, [90, 90, 90])
    assert ends[0].why == "CPU 90 % above 70 % in 1 of 3 periods"
    assert ends[2].why == "CPU 90 %, 3 periods of 60 s in a row above 70 %"
    assert ends[2].figures == {"cpu": 90.0}
    assert driven(ScalingPolicy(bounds=(CPU,)), 1, [50])[0].why == "CPU 50 % between 30 % and 70 %"


def test_at_the_most_it_says_that_no_more_may_come():
    ends = driven(ScalingPolicy(bounds=(CPU,), most=2), 2, [90] * 3)
    assert (ends[2].wanted, ends[2].why) == (2, "CPU 90 %, 3 periods of 60 s in a row above 70 %; max_instances is 2")


def test_at_the_least_nothing_leaves():
    ends = driven(ScalingPolicy(bounds=(CPU,), least=2), 2, [1] * 3)
    assert (ends[2].wanted, ends[2].why.endswith("; not fewer than min_instances 2")) == (2, True)


def test_nothing_leaves_where_those_that_stay_would_have_too_much():
    close = ScalingPolicy(bounds=(Bound(metric=Metric.CPU, high=70, low=45),))
    ends = driven(close, 2, [40] * 4)
    assert [each.wanted for each in ends] == [2] * 4
    assert ends[2].why.endswith("but 1 replica would have CPU 80 %, over 90% of the 70 % at which one is added")


def test_as_many_leave_as_leave_room():
    policy = ScalingPolicy(bounds=(CPU,), step=5)
    assert wanted(policy, 6, [25] * 3) == [6, 6, 3], "6 x 25 % are 50 % for three, 75 % for two"


def test_one_metric_is_enough_to_scale_out_and_all_must_agree_to_scale_in():
    policy = ScalingPolicy(bounds=(CPU, Bound(metric=Metric.MEMORY, high=80, low=40)))
    assert wanted(policy, 2, [{"cpu": 10, "memory": 90}] * 3) == [2, 2, 3]
    assert wanted(policy, 2, [{"cpu": 10, "memory": 60}] * 3) == [2, 2, 2]
    assert wanted(policy, 2, [{"cpu": 10, "memory": 30}] * 3) == [2, 2, 1]


def test_nothing_leaves_while_a_metric_is_not_known():
    policy = ScalingPolicy(bounds=(CPU, Bound(metric=Metric.MEMORY, high=80)))
    ends = driven(policy, 2, [{"cpu": 10}] * 3)
    assert (ends[2].wanted, ends[2].why) == (2, "nothing leaves: memory is not known")


def test_rates_are_bounded_like_percentages():
    policy = ScalingPolicy(bounds=(Bound(metric=Metric.RECEIVED, high=1 << 20, low=1 << 18),))
    ends = driven(policy, 1, [{"internetInRate": 3 << 20}] * 3)
    assert (ends[2].wanted, ends[2].why) == (2, "received 3 MiB/s, 3 periods of 60 s in a row above 1 MiB/s")


@pytest.mark.parametrize("periods", [1, 2, 5])
def test_how_many_periods_it_takes_can_be_set(periods):
    policy = ScalingPolicy(bounds=(CPU,), periods=periods, period_seconds=6)
    assert wanted(policy, 1, [90] * periods) == [1] * (periods - 1) + [2]


def test_new_replicas_do_not_count_for_a_period():
    policy = ScalingPolicy(bounds=(CPU,))
    now = 1_000_000.0
    old = Replica(id="a", ready_since=1.0, figures={Metric.CPU: 50.0})
    new = Replica(id="b", ready_since=now - 30, figures={Metric.CPU: 100.0})
    decision = decide(policy, Sight(current=2, replicas=(old, new)), Record(), now)[1]
    assert decision.figures == {"cpu": 50.0}
    alone = decide(policy, Sight(current=1, replicas=(new,)), Record(), now)[1]
    assert alone.why.startswith("no replica has been ready for 60 s yet")


def test_nothing_is_added_while_what_is_on_its_way_would_be_enough():
    policy = ScalingPolicy(bounds=(CPU,))
    record, now, said = Record(), 1_000_000.0, ""
    for _ in range(40):
        seen = sight(2, now, cpu=100.0)
        starting = Replica(id="starting", started_at=now - 5)
        few = Sight(current=4, replicas=(*seen.replicas, starting), whole=seen.whole)
        record, decision = decide(policy, few, record, now)
        assert decision.wanted == 4
        said += decision.why
        now += 10
    assert "above 70 %; but 2 replicas of 4 not ready, and with all CPU 50 %" in said
    more = Sight(current=3, replicas=seen.replicas, whole=seen.whole)
    assert wanted_after(policy, more, record, now) == 3, "67 % are within the bounds"
    assert wanted_after(policy, Sight(current=2, replicas=seen.replicas), record, now) == 3


def wanted_after(policy, seen, record, now):
    """At the end of the period that is open."""
    return decide(policy, seen, record, record.period.began + policy.period_seconds)[1].wanted
