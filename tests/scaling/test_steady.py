from tidegate.elasticity import Metric, ScalingPolicy, Target
from tidegate.scaling.record import Advice, Decision, Record
from tidegate.scaling.seen import Sight
from tidegate.scaling.steady import advised, targeted

POLICY = ScalingPolicy(targets=(Target(metric=Metric.REQUESTS, value=10),), most=100)


def looks(policy, *steps, record=None):
    """(time, current, requests) at each look; what was wanted."""
    record, found = record or Record(), []
    for now, current, requests in steps:
        whole = {} if requests is None else {Metric.REQUESTS: requests}
        record, decision = targeted(policy, Sight(current=current, whole=whole), record, now)
        found.append(decision)
    return found


def wanted(policy, *steps, **more):
    return [each.wanted for each in looks(policy, *steps, **more)]


def test_out_at_once_and_in_after_the_window():
    assert wanted(POLICY, (0, 1, 40), (10, 4, 10), (300, 4, 10), (311, 4, 10)) == [4, 4, 4, 1]


def test_within_the_window_the_most_that_was_right_stays():
    assert wanted(POLICY, (0, 8, 80), (100, 8, 50), (250, 8, 20), (301, 8, 20), (401, 8, 20)) == [8, 8, 8, 8, 5]
    assert looks(POLICY, (0, 4, 40), (10, 4, 10))[1].why == (
        "requests 2.5/s (10/s in all) at a target of 10/s asks for 1, but within the last 300 s 4 replicas were right"
    )


def test_a_window_for_scaling_out_waits_until_more_was_right_for_that_long():
    policy = ScalingPolicy(targets=POLICY.targets, most=100, out_window_seconds=60)
    assert wanted(policy, (0, 1, 10), (30, 1, 40), (60, 1, 30), (89, 1, 40), (120, 1, 40)) == [1, 1, 1, 1, 3]


def test_it_grows_no_faster_than_to_twice_or_four_more():
    assert wanted(POLICY, (0, 1, 900)) == [5]
    assert wanted(POLICY, (0, 10, 900)) == [20]
    made = Record(changes=(Decision(when=95, current=1, wanted=5, why=""),))
    assert wanted(POLICY, (100, 5, 900), record=made) == [5]
    assert wanted(POLICY, (111, 5, 900), record=made) == [10]
    assert looks(POLICY, (0, 1, 900))[0].why.endswith("asks for 90, at most 5 within 15 s")


def test_of_several_metrics_the_one_that_wants_the_most_counts():
    policy = ScalingPolicy(targets=(*POLICY.targets, Target(metric=Metric.IN_FLIGHT, value=2)), most=100)
    sight = Sight(current=3, whole={Metric.REQUESTS: 30.0, Metric.IN_FLIGHT: 12.0})
    assert targeted(policy, sight, Record(), 0.0)[1].wanted == 6


def test_a_metric_that_cannot_be_had_forbids_scaling_in_but_not_out():
    policy = ScalingPolicy(
        targets=(*POLICY.targets, Target(metric=Metric.QUERY, value=2)), most=100, in_window_seconds=0
    )
    fault = {Metric.QUERY: "no Prometheus is set"}
    inward = targeted(policy, Sight(current=4, whole={Metric.REQUESTS: 10.0}, faults=fault), Record(), 0.0)[1]
    assert inward.wanted == 4
    assert inward.why.endswith("but nothing leaves while the query cannot be had: no Prometheus is set")
    outward = targeted(policy, Sight(current=2, whole={Metric.REQUESTS: 40.0}, faults=fault), Record(), 0.0)[1]
    assert outward.wanted == 4


def test_where_no_metric_can_be_had_nothing_happens():
    found = looks(POLICY, (0, 3, None))[0]
    assert (found.wanted, found.why) == (3, "requests is not known")


def test_advice_is_kept_as_runs_and_no_longer_than_a_window_reaches():
    record = Record()
    for now in range(0, 1000, 10):
        record = advised(record, 2 + (now >= 500), float(now), POLICY)
    assert record.advice == (Advice(since=500.0, wanted=3),)
