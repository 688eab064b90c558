import pytest

from tidegate.elasticity import Metric, Target
from tidegate.scaling.seen import Replica, Sight
from tidegate.scaling.targets import propose

NOW = 1_000_000.0
CPU = Target(metric=Metric.CPU, value=50)


def ready(*values):
    """Replicas with these figures; None: it has none."""
    return tuple(
        Replica(
            id=f"r{at}",
            started_at=NOW - 900,
            ready_since=NOW - 800,
            measured_since=NOW - 10,
            figures={} if value is None else {Metric.CPU: value},
        )
        for at, value in enumerate(values)
    )


def starting(number):
    return tuple(Replica(id=f"s{at}", started_at=NOW - 5) for at in range(number))


def wanted(replicas, target=CPU, **more):
    return propose(target, Sight(current=len(replicas), replicas=tuple(replicas), **more), NOW).wanted


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([100, 100], 4),
        ([50, 50, 50], 3),
        ([54, 54, 54], 3),  # within a tenth
        ([46, 46, 46], 3),
        ([56, 56, 56], 4),
        ([10, 10, 10, 10], 1),
        ([90, 10], 2),
        ([0, 0], 0),
        ([25, 25, 25], 2),
    ],
)
def test_as_many_as_bring_the_mean_to_its_target(values, expected):
    assert wanted(ready(*values)) == expected


def test_a_missing_figure_counts_as_idle_where_it_would_be_scaled_out():
    assert wanted(ready(100, 100, None, None)) == 4, "2 x 100 % over four are 50 %"
    assert wanted(ready(200, 200, None)) == 8


def test_a_missing_figure_counts_as_at_its_target_where_it_would_be_scaled_in():
    assert wanted(ready(10, 10, None, None)) == 3, "60 % of the target over four"
    assert wanted(ready(40, None, None, None)) == 4, "near enough"


def test_who_is_not_ready_counts_as_idle_where_it_would_be_scaled_out():
    assert wanted([*ready(100, 100), *starting(2)]) == 4
    assert wanted([*ready(100, 100), *starting(6)]) == 8, "its direction is not turned"


def test_who_is_not_ready_does_not_count_where_it_would_be_scaled_in():
    assert wanted([*ready(10, 10), *starting(4)]) == 1


def test_a_replica_counts_from_its_first_full_sample_since_it_is_ready():
    fresh = Replica(
        id="f", started_at=NOW - 40, ready_since=NOW - 20, measured_since=NOW - 30, figures={Metric.CPU: 900.0}
    )
    assert wanted([*ready(100), fresh]) == 2, "its start's own work is left out"
    assert (
        wanted(
            [
                *ready(100),
                Replica(
                    id="g",
                    started_at=NOW - 40,
                    ready_since=NOW - 20,
                    measured_since=NOW - 15,
                    figures={Metric.CPU: 100.0},
                ),
            ]
        )
        == 4
    )
    old = Replica(
        id="o", started_at=NOW - 301, ready_since=NOW - 20, measured_since=NOW - 30, figures={Metric.CPU: 100.0}
    )
    assert wanted([*ready(100), old]) == 4


def test_without_any_figure_there_is_no_proposal():
    found = propose(CPU, Sight(current=2, replicas=ready(None, None)), NOW)
    assert (found.wanted, found.why) == (None, "CPU of no ready replica is known")


def test_requests_are_shared_by_the_replicas():
    target = Target(metric=Metric.REQUESTS, value=10)
    assert wanted(ready(1, 1), target, whole={Metric.REQUESTS: 45.0}) == 5
    assert wanted(ready(1, 1), target, whole={Metric.REQUESTS: 21.0}) == 2
    assert wanted(ready(1, 1), target, whole={Metric.REQUESTS: 0.0}) == 0
    assert wanted(ready(1, 1), target) is None


def test_a_query_is_shared_by_the_replicas():
    target = Target(metric=Metric.QUERY, value=100, query="sum(queue)")
    assert wanted(ready(1), target, whole={Metric.QUERY: 350.0}) == 4
    found = propose(target, Sight(current=1, faults={Metric.QUERY: "no Prometheus is set"}), NOW)
    assert (found.wanted, found.why) == (None, "the query cannot be had: no Prometheus is set")
    assert wanted(ready(1), target, whole={Metric.QUERY: float("nan")}) is None


def test_a_latency_is_compared_as_it_is():
    target = Target(metric=Metric.P95, value=0.2)
    assert wanted(ready(1, 1), target, whole={Metric.P95: 0.5}) == 5
    assert wanted(ready(1, 1), target, whole={Metric.P95: 0.05}) == 1
    assert wanted(ready(1, 1), target, whole={Metric.P95: 0.19}) == 2
    assert wanted(starting(2), target, whole={Metric.P95: 0.5}) is None


def test_it_says_why_with_numbers():
    found = propose(CPU, Sight(current=2, replicas=ready(100, 80)), NOW)
    assert found.why == "CPU 90 % at a target of 50 % asks for 4"
    shared = propose(
        Target(metric=Metric.REQUESTS, value=10),
        Sight(current=2, whole={Metric.REQUESTS: 45.0}, replicas=ready(1, 1)),
        NOW,
    )
    assert shared.why == "requests 22.5/s (45/s in all) at a target of 10/s asks for 5"


REQUESTS = Target(metric=Metric.REQUESTS, value=10)


@pytest.mark.parametrize(("carried", "expected"), [(60.0, 6), (40.0, 4), (20.0, None)])
def test_traffic_that_is_not_known_of_all_nodes_is_enough_to_grow_and_not_to_shrink(carried, expected):
    some = {"whole": {Metric.REQUESTS: carried}, "partial": "b cannot be asked"}
    assert wanted(ready(0, 0, 0, 0), REQUESTS, **some) == expected


def test_what_prometheus_says_is_not_doubted_for_a_node_that_cannot_be_asked():
    target = Target(metric=Metric.QUERY, value=10, query="q")
    assert wanted(ready(0, 0, 0, 0), target, whole={Metric.QUERY: 20.0}, partial="b cannot be asked") == 2
