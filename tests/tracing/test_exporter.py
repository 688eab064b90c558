from __future__ import annotations

import time

import pytest

from tests.support.collector import Collector, span, values
from tests.support.serve import free_port
from tidegate.config import TracingConfig
from tidegate.tracing import exporter
from tidegate.tracing.exporter import Exporter

DEADLINE = 10.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(exporter, "BATCH_SECONDS", 0.02)


@pytest.fixture
def started():
    """Starts exporters that are closed at the end."""
    all_of_them = []

    def start(url, **more):
        one = Exporter(TracingConfig(otlp=url, **more), [("service.name", "tidegate")], "1")
        one.start()
        all_of_them.append(one)
        return one

    yield start
    for one in all_of_them:
        one.close(DEADLINE)


def until(condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_spans_reach_the_collector_in_one_request_with_the_given_headers(started):
    with Collector() as collector:
        one = Exporter(TracingConfig(otlp=collector.url, headers=("x-key=a=b",)), [("service.name", "t")], "1")
        for number in range(3):
            one.add(span(name=f"n{number}"))
        one.start()
        until(lambda: one.sent == 3)
        one.close(DEADLINE)
        assert [each.name for each in collector.spans] == ["n0", "n1", "n2"]
        assert len(collector.requests) == 1
        assert collector.paths == ["/v1/traces"]
        assert collector.heads[0]["X-Key".lower()] == "a=b"
        assert values(collector.requests[0].resource_spans[0].resource.attributes) == {"service.name": "t"}


def test_a_path_in_the_url_is_kept(started):
    with Collector() as collector:
        one = started(collector.url + "/otlp/here")
        one.add(span())
        until(lambda: one.sent == 1)
        assert collector.paths == ["/otlp/here"]


def test_a_collector_that_is_not_there_yet_gets_what_waited(started):
    port = free_port()
    one = started(f"http://127.0.0.1:{port}")
    for _ in range(5):
        one.add(span())
    until(lambda: one._away)
    with Collector(port=port) as collector:
        until(lambda: one.sent == 5)
        assert len(collector.spans) == 5
    assert not one.dropped["full"]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_a_collector_cannot_take_now_is_sent_again(started, status):
    with Collector(statuses=[status]) as collector:
        one = started(collector.url)
        one.add(span())
        until(lambda: one.sent == 1)
        assert len(collector.spans) == 1
    assert not sum(one.dropped.values())


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_what_a_collector_refuses_is_dropped_and_counted(started, status):
    with Collector(statuses=[status]) as collector:
        one = started(collector.url)
        one.add(span(name="refused"))
        until(lambda: one.dropped["refused"] == 1)
        one.add(span(name="taken"))
        until(lambda: one.sent == 1)
        assert [each.name for each in collector.spans] == ["taken"]


def test_spans_that_a_collector_rejects_in_part_are_counted(started):
    with Collector(refuse=2) as collector:
        one = Exporter(TracingConfig(otlp=collector.url), [], "1")
        for _ in range(5):
            one.add(span())
        one.start()
        until(lambda: one.sent == 3)
        assert one.dropped["refused"] == 2
        one.close(DEADLINE)


def test_more_than_the_bound_is_dropped_and_counted_and_add_never_waits(monkeypatch):
    monkeypatch.setattr(exporter, "MAX_WAITING", 10)
    one = Exporter(TracingConfig(otlp="http://127.0.0.1:1"), [], "1")
    for _ in range(25):
        one.add(span())
    assert one.dropped["full"] == 15


def test_closing_sends_what_waits_and_drops_it_when_the_collector_is_away(started):
    with Collector() as collector:
        one = started(collector.url)
        one.add(span())
        one.close(DEADLINE)
        assert len(collector.spans) == 1
    away = started("http://127.0.0.1:1")
    away.add(span())
    away.close(DEADLINE)
    assert away.dropped["closing"] == 1
