import pytest

from tidegate.elasticity import Bound, Metric, ScalingPolicy, Target
from tidegate.scaling.words import figure, figures, replicas, rule


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        (Metric.CPU, 83.44, "CPU 83.4 %"),
        (Metric.CPU, 100, "CPU 100 %"),
        (Metric.MEMORY, 4, "memory 4 %"),
        (Metric.RECEIVED, 512, "received 512 B/s"),
        (Metric.SENT, 3 << 19, "sent 1.5 MiB/s"),
        (Metric.REQUESTS, 12.34, "requests 12.3/s"),
        (Metric.IN_FLIGHT, 3, "in flight 3"),
        (Metric.P95, 0.25, "p95 0.250 s"),
        (Metric.QUERY, 1234.56, "the query 1234.6"),
    ],
)
def test_a_figure_has_its_unit(metric, value, text):
    assert figure(metric, value) == text


def test_every_metric_has_a_name():
    assert all(figure(each, 1.0) for each in Metric)


def test_figures_are_called_as_in_labels():
    assert figures({Metric.RECEIVED: 1.23456789}) == {"internetInRate": 1.2346}


def test_one_is_not_several():
    assert (replicas(1), replicas(2), replicas(0)) == ("1 replica", "2 replicas", "0 replicas")


def test_a_rule_is_told_a_line_for_each_bound_or_target():
    bounds = ScalingPolicy(bounds=(Bound(metric=Metric.CPU, high=70, low=30),), step=2)
    assert rule(bounds) == (
        "2 more when CPU is above 70 % for 3 periods of 60 s",
        "2 fewer when CPU is below 30 % for 3 periods of 60 s",
    )
    targets = (
        Target(metric=Metric.REQUESTS, value=50),
        Target(metric=Metric.P95, value=0.2),
        Target(metric=Metric.QUERY, value=5, query="sum(q)"),
    )
    assert rule(ScalingPolicy(targets=targets)) == (
        "as many as bring requests to 50/s for each replica",
        "as many as bring p95 to 0.200 s",
        "as many as bring the query to 5 for each replica, sum(q)",
    )
