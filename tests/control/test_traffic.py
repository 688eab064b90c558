from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from tests.support.counts import columns_of, counted
from tidegate.control.gauges import STALE_SECONDS
from tidegate.control.metrics import Registry
from tidegate.control.traffic import COLUMNS, FORGET_SECONDS, Traffic

ROUTE = {"route": "a.test/"}
SERVICE = {"service": "web", "version": "v1"}
ENDPOINT = SERVICE | {"endpoint": "e:80"}
KEY = ("web", "v1", "e:80")


def samples(traffic, accept=""):
    """(name, labels) -> value of everything rendered, read by the parser of prometheus_client."""
    registry = Registry()
    registry.also_lines(traffic.lines)
    parts, kind = registry.exposed(accept)
    body = b"".join(parts)
    assert ("openmetrics" in kind) is ("openmetrics" in accept)
    read = openmetrics if "openmetrics" in kind else prometheus
    found = {}
    for family in read(body.decode()):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def value(traffic, name, labels, accept="", **more):
    return samples(traffic, accept).get((f"tidegate_router_{name}", tuple(sorted({**labels, **more}.items()))))


@pytest.fixture
def traffic():
    return Traffic(lambda: 0.0)


def test_columns_are_what_the_workers_send(traffic):
    slowest = {"status": 503, "duration_us": 70_000_000, "upstream_us": 70_000_000}
    assert len(counted(slowest)) == 8 * COLUMNS
    traffic.add("endpoint", KEY, counted(slowest))
    traffic.add("endpoint", KEY, counted())
    both = [sum(pair) for pair in zip(columns_of(counted(slowest)), columns_of(counted()), strict=True)]
    assert list(traffic.columns("endpoint", KEY)) == list(traffic.columns("service", KEY[:2])) == both


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text;version=1.0.0"])
def test_what_several_workers_counted_is_summed_and_rendered(traffic, accept):
    one = {"status": 200, "duration_us": 700, "upstream_us": 400, "sent": 1000}
    other = {"status": 503, "duration_us": 700, "upstream_us": None, "sent": 5}
    traffic.add("route", ("a.test/",), counted(one, other, held=1, held_us=2_500_000, retries=3))
    traffic.add("route", ("a.test/",), counted({"duration_us": 70_000_000, "sent": 1, "received": 9}))
    assert value(traffic, "route_requests_total", ROUTE, accept, code="2xx") == 2
    assert value(traffic, "route_requests_total", ROUTE, accept, code="5xx") == 1
    assert value(traffic, "route_sent_bytes_total", ROUTE, accept) == 1006
    assert value(traffic, "route_received_bytes_total", ROUTE, accept) == 9
    assert value(traffic, "route_request_duration_seconds_bucket", ROUTE, accept, le="0.001") == 2
    assert value(traffic, "route_request_duration_seconds_bucket", ROUTE, accept, le="+Inf") == 3
    assert value(traffic, "route_request_duration_seconds_sum", ROUTE, accept) == pytest.approx(70.0014)
    assert value(traffic, "route_upstream_response_seconds_count", ROUTE, accept) == 2
    assert value(traffic, "route_upstream_response_seconds_bucket", ROUTE, accept, le="0.0005") == 1
    assert value(traffic, "route_retries_total", ROUTE, accept) == 3
    assert value(traffic, "route_held_requests_total", ROUTE, accept) == 1
    assert value(traffic, "route_held_seconds_total", ROUTE, accept) == 2.5


def test_a_service_is_the_sum_of_its_endpoints_and_outlives_them():
    now = [0.0]
    traffic = Traffic(lambda: now[0], lambda kind, keys: set(keys) if kind == "service" else set())
    traffic.add("endpoint", KEY, counted({}, {}, opened=2))
    traffic.add("endpoint", ("web", "v1", "f:80"), counted())
    assert value(traffic, "service_requests_total", SERVICE, code="2xx") == 3
    assert value(traffic, "service_opened_connections_total", SERVICE) == 2
    now[0] = FORGET_SECONDS + 100
    traffic.add("route", ("a.test/",), counted())
    assert value(traffic, "endpoint_requests_total", ENDPOINT, code="2xx") is None
    assert value(traffic, "service_requests_total", SERVICE, code="2xx") == 3


def test_endpoints_of_one_version_are_known_apart(traffic):
    traffic.add("endpoint", ("web", "v1", "a:80"), counted())
    traffic.add("endpoint", ("web", "v1", "b:80"), counted({}, {}))
    traffic.add("endpoint", ("web", "v2", "c:80"), counted())
    found = traffic.endpoints("web", "v1")
    assert {id_: columns[0] for id_, columns in found.items()} == {"a:80": 1, "b:80": 2}


def test_what_is_gone_is_forgotten_after_a_while_and_what_rests_is_not():
    now = [0.0]
    traffic = Traffic(lambda: now[0], lambda kind, keys: {key for key in keys if key[-1] == "rests:80"})
    for name in ("gone:80", "rests:80"):
        traffic.add("endpoint", ("web", "v1", name), counted())
        traffic.fail("endpoint", ("web", "v1", name), "connect-failed", 1)
    now[0] = FORGET_SECONDS + 100
    traffic.add("endpoint", ("web", "v1", "here:80"), counted())
    assert traffic.columns("endpoint", ("web", "v1", "gone:80")) is None
    names = {dict(labels).get("endpoint") for _, labels in samples(traffic)}
    assert names - {None} == {"rests:80", "here:80"}


def test_failures_are_counted_by_reason_for_the_endpoint_and_its_service(traffic):
    traffic.fail("endpoint", KEY, "connect-failed", 2)
    traffic.fail("endpoint", ("web", "v1", "f:80"), "connect-failed", 1)
    traffic.fail("route", ("",), "no-route", 4)
    assert value(traffic, "endpoint_failures_total", ENDPOINT, reason="connect-failed") == 2
    assert value(traffic, "service_failures_total", SERVICE, reason="connect-failed") == 3
    assert value(traffic, "route_failures_total", {"route": ""}, reason="no-route") == 4


def test_what_is_in_flight_is_summed_over_workers_and_0_where_all_is_at_rest(traffic):
    traffic.add("endpoint", KEY, counted())
    assert value(traffic, "endpoint_in_flight", ENDPOINT) == 0
    traffic.fly(0, 100, [("endpoint", KEY, 2), ("route", ("a.test/",), 2)])
    traffic.fly(1, 101, [("endpoint", KEY, 3)])
    assert value(traffic, "endpoint_in_flight", ENDPOINT) == 5
    assert value(traffic, "service_in_flight", SERVICE) == 5
    assert value(traffic, "route_in_flight", ROUTE) == 2
    traffic.fly(0, 100, [])
    assert value(traffic, "endpoint_in_flight", ENDPOINT) == 3


def test_what_a_worker_that_died_had_in_flight_is_not_told_for_ever():
    now = [0.0]
    traffic = Traffic(lambda: now[0])
    traffic.fly(0, 100, [("endpoint", KEY, 2)])
    now[0] = STALE_SECONDS + 1
    assert not traffic.in_flight()


def test_sums_are_of_the_mean_time_of_the_workers_last_reports():
    now = [10.0]
    traffic = Traffic(lambda: now[0])
    assert traffic.measured_at() == 10.0
    traffic.fly(0, 100, [])
    now[0] = 11.0
    traffic.fly(1, 101, [])
    now[0] = 11.9
    assert traffic.measured_at() == 10.5


def test_columns_of_another_shape_are_left_out(traffic):
    traffic.add("route", ("a.test/",), bytes(8 * COLUMNS + 8))
    assert traffic.columns("route", ("a.test/",)) is None
