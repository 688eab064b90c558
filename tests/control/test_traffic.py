from tidegate.control.metrics import Registry
from tidegate.control.traffic import COLUMNS, FORGET_SECONDS, Traffic
from tidegate.router.counters import BUCKETS_US, Counters


def counted(*exchanges):
    counters = Counters()
    for status, duration_us, received, sent in exchanges:
        counters.add(status, duration_us, received, sent)
    return counters.take()


def text(traffic):
    registry = Registry()
    registry.also(traffic.families)
    return registry.text().decode()


def test_columns_are_what_the_workers_send():
    assert len(counted((200, 1, 2, 3))) == COLUMNS
    assert len(BUCKETS_US) == COLUMNS - 4 - 6 - 1


def test_what_several_workers_counted_is_summed_and_rendered():
    traffic = Traffic(lambda: 0.0)
    traffic.add("route", ("a.test/",), counted((200, 700, 10, 1000), (503, 700, 0, 5)))
    traffic.add("route", ("a.test/",), counted((200, 70_000_000, 0, 1)))
    shown = text(traffic)
    assert 'tidegate_router_route_requests_total{code="2xx",route="a.test/"} 2.0' in shown
    assert 'tidegate_router_route_requests_total{code="5xx",route="a.test/"} 1.0' in shown
    assert 'tidegate_router_route_sent_bytes_total{route="a.test/"} 1006.0' in shown
    assert 'tidegate_router_route_request_duration_seconds_bucket{le="0.001",route="a.test/"} 2.0' in shown
    assert 'tidegate_router_route_request_duration_seconds_bucket{le="+Inf",route="a.test/"} 3.0' in shown
    assert 'tidegate_router_route_request_duration_seconds_count{route="a.test/"} 3.0' in shown


def test_an_endpoint_without_traffic_is_forgotten_after_a_while():
    now = [0.0]
    traffic = Traffic(lambda: now[0])
    traffic.add("endpoint", ("web", "v1", "gone:80"), counted((200, 1, 0, 0)))
    now[0] = FORGET_SECONDS + 100
    traffic.add("endpoint", ("web", "v1", "here:80"), counted((200, 1, 0, 0)))
    assert traffic.columns("endpoint", ("web", "v1", "gone:80")) is None
    assert "here:80" in text(traffic)


def test_columns_of_another_shape_are_left_out():
    traffic = Traffic(lambda: 0.0)
    traffic.add("route", ("a.test/",), [1, 2, 3])
    assert traffic.columns("route", ("a.test/",)) is None
