from __future__ import annotations

import pytest

from tests.support.channel import EMPTY, step
from tidegate.app.report import Reporter
from tidegate.config import HttpConfig
from tidegate.model import Address, Endpoint, HealthState, Service
from tidegate.router.worker import Router
from tidegate.routing import Delta, with_delta


@pytest.fixture
def router():
    """A router with one route to one healthy endpoint; it serves nothing."""
    one = Router(HttpConfig(access_log=""), on_failure=lambda *_: None, on_drained=lambda _: None)
    _, delta = step(EMPTY, shop=100)
    address = Address(host="127.0.0.1", port=1)
    endpoint = Endpoint(
        id="e:80",
        instance="e",
        name="e",
        service="web",
        port=80,
        address=address,
        state=HealthState.HEALTHY,
        version="v1",
    )
    service = Service(key="web", name="web", endpoints=(endpoint,))
    delta = Delta(base=0, version=1, routes=delta.routes, services={"web": service})
    one.apply(with_delta(EMPTY, delta), delta)
    return one


def named(samples, name):
    return {sample.labels: sample.value for sample in samples if sample.name == name}


def test_a_report_has_what_grew_since_the_last_one(router):
    reporter = Reporter(3)
    reporter.report(router)
    live = router.book.routes["shop.test/"]
    live.counters.add(200, 700, 10, 1000)
    live.counters.add(503, 700, 0, 5)
    (columns,) = reporter.report(router).traffic
    assert (columns.kind, columns.key) == ("route", ("shop.test/",))
    assert columns.values[:4] == (2, 10, 1005, 1400)
    assert columns.values[4:10] == (0, 0, 1, 0, 0, 1)
    assert sum(columns.values[10:]) == 2
    assert not reporter.report(router).traffic


def test_what_an_endpoint_counted_last_is_told_after_it_is_gone(router):
    reporter = Reporter(0)
    (upstream,) = router.book.upstreams.values()
    upstream.counters.add(200, 700, 0, 0)
    delta = Delta(base=1, version=2, routes={"shop.test/": None}, services={"web": None})
    router.apply(with_delta(EMPTY, Delta(base=0, version=2)), delta)
    (columns,) = reporter.report(router).traffic
    assert (columns.kind, columns.key) == ("endpoint", ("web", "v1", "e:80"))


def test_gauges_say_what_is_now_with_the_workers_number(router):
    reporter = Reporter(3)
    (upstream,) = router.book.upstreams.values()
    upstream.in_flight = 4
    gauges = reporter.report(router).gauges
    worker = ("worker", "3")
    assert named(gauges, "tidegate_router_in_flight") == {(("service", "web"), ("version", "v1"), worker): 4}
    assert named(gauges, "tidegate_router_table_version") == {(worker,): 1}


def test_a_service_that_came_to_rest_is_told_once_and_no_more(router):
    reporter = Reporter(0)
    (upstream,) = router.book.upstreams.values()
    upstream.in_flight = 1
    reporter.report(router)
    upstream.in_flight = 0
    labels = (("service", "web"), ("version", "v1"), ("worker", "0"))
    assert named(reporter.report(router).gauges, "tidegate_router_in_flight") == {labels: 0}
    assert not named(reporter.report(router).gauges, "tidegate_router_in_flight")


def test_what_other_parts_count_is_added_up_until_the_next_report(router):
    reporter = Reporter(0)
    reporter.count("tidegate_dns_queries_total", qtype="A")
    reporter.count("tidegate_dns_queries_total", 2, qtype="A")
    reporter.observe("tidegate_dns_forward_seconds", 0.25)
    counters = reporter.report(router).counters
    assert named(counters, "tidegate_dns_queries_total") == {(("qtype", "A"),): 3}
    assert named(counters, "tidegate_dns_forward_seconds_sum") == {(): 0.25}
    assert named(counters, "tidegate_dns_forward_seconds_count") == {(): 1}
    assert not named(reporter.report(router).counters, "tidegate_dns_queries_total")
