from __future__ import annotations

from types import SimpleNamespace

import pytest
import websockets
from websockets.asyncio.server import serve

from tests.support.channel import EMPTY, step
from tests.support.counts import add, columns_of
from tests.support.router import endpoint, route, running, service, table_of, until
from tidegate.app.channel import difference
from tidegate.app.report import Reporter
from tidegate.config import HttpConfig
from tidegate.errors import Reason
from tidegate.model import Address, Endpoint, HealthState, Service
from tidegate.router.exchange import CLAIMED, HELD, RESPONDING, Exchange
from tidegate.router.peering import Caller
from tidegate.router.pipe import Pipe
from tidegate.router.worker import Router
from tidegate.routing import Delta, RoutingTable, with_delta


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
    add(live.counters, received=10, sent=1000)
    add(live.counters, 503, sent=5, upstream_us=None)
    (tally,) = reporter.report(router).counted
    assert (tally.kind, tally.key) == ("route", ("shop.test/",))
    columns = columns_of(tally.columns)
    assert columns[:5] == [2, 10, 1005, 1400, 600]
    assert columns[9:15] == [0, 0, 1, 0, 0, 1]
    assert not reporter.report(router).counted


def test_connections_of_other_nodes_are_told_apart_and_their_requests_are_not_counted_here(router):
    core = router.core
    core.connections |= {Caller(router.peers), Pipe(core, None, None)}
    assert states(Reporter(0).report(router)) == {"idle": 0, "active": 0, "tunnel": 0, "peer": 2}


def test_what_an_endpoint_counted_last_is_told_after_it_is_gone(router):
    reporter = Reporter(0)
    (upstream,) = router.book.upstreams.values()
    add(upstream.counters)
    delta = Delta(base=1, version=2, routes={"shop.test/": None}, services={"web": None})
    router.apply(with_delta(EMPTY, Delta(base=0, version=2)), delta)
    (tally,) = reporter.report(router).counted
    assert (tally.kind, tally.key) == ("endpoint", ("web", "v1", "e:80"))


def test_gauges_say_what_is_now_with_the_workers_number(router):
    (upstream,) = router.book.upstreams.values()
    upstream.connections = 3
    upstream.idle.append(None)
    gauges = Reporter(3).report(router).gauges
    worker = ("worker", "3")
    assert named(gauges, "tidegate_router_table_version") == {(worker,): 1}
    upstreams = named(gauges, "tidegate_router_upstream_connections")
    assert upstreams == {(("state", "idle"), worker): 1, (("state", "active"), worker): 2}


def test_histograms_add_up_until_they_are_told(router):
    reporter = Reporter(0)
    for _ in range(2):
        reporter.spread("tidegate_dns_request_size_bytes", (64, 128), [1, 2, 0], 300, proto="udp")
    (told,) = reporter.report(router).spreads
    assert (told.labels, told.counts, told.total) == ((("proto", "udp"),), (2, 4, 0), 600)
    assert not reporter.report(router).spreads


def test_what_is_in_flight_is_told_by_endpoint_and_not_once_it_is_over(router):
    reporter = Reporter(0)
    (upstream,) = router.book.upstreams.values()
    upstream.in_flight = 4
    (columns,) = reporter.report(router).in_flight
    assert (columns.kind, columns.key, columns.values) == ("endpoint", ("web", "v1", "e:80"), (4,))
    upstream.in_flight = 0
    assert not reporter.report(router).in_flight


def states(report):
    """Connections of clients by what they do."""
    told = named(report.gauges, "tidegate_router_downstream_connections")
    return {dict(labels)["state"]: value for labels, value in told.items()}


class Busy:
    """A connection, as much of it as is read."""

    def __init__(self, exchange):
        self.exchange = exchange


def lasting(router):
    return [each for each in Reporter(0).report(router).in_flight if each.kind == "lasting"]


async def test_upgraded_connections_are_told_as_lasting_until_they_end():
    async with serve(lambda connection: connection.wait_closed(), "127.0.0.1", 0) as server:
        origin = SimpleNamespace(address=server.sockets[0].getsockname()[:2])
        async with running(origin) as mesh:
            host, port = mesh.address
            async with (
                websockets.connect("ws://a.test/chat", host=host, port=port, proxy=None),
                websockets.connect("ws://a.test/chat", host=host, port=port, proxy=None),
            ):
                report = Reporter(0).report(mesh.router)
            of = mesh.upstreams[0].endpoint
            key = (of.service, of.version, of.id)
            assert [(each.kind, each.key, each.values) for each in report.in_flight] == [
                ("route", ("a.test/",), (2,)),
                ("endpoint", key, (2,)),
                ("lasting", key, (2,)),
            ]
            assert states(report)["tunnel"] == 2
            await until(lambda: not mesh.router.core.connections)
            over = Reporter(0).report(mesh.router)
            assert not over.in_flight and states(over)["tunnel"] == 0


def test_a_request_lasts_once_it_was_with_its_endpoint_for_long(router):
    (upstream,) = router.book.upstreams.values()
    router.core.clock = lambda: 1000.0

    def carrying(started, state):
        exchange = Exchange(b"GET", b"shop.test", b"/", b"", started)
        exchange.upstream, exchange.state = upstream, state
        router.core.connections = {Busy(exchange)}
        return [(each.key, each.values) for each in lasting(router)]

    told = [(("web", "v1", "e:80"), (1,))]
    assert carrying(969.0, RESPONDING) == carrying(969.0, CLAIMED) == told
    assert carrying(971.0, RESPONDING) == []
    assert carrying(900.0, HELD) == []


def test_failures_are_told_once_with_their_reason(router):
    reporter = Reporter(0)
    (upstream,) = router.book.upstreams.values()
    (live,) = router.book.routes.values()
    router.core.failed(upstream, Reason.CONNECT_FAILED, live)
    router.core.failures["shop.test/", "connect-failed"] = 2
    failures = {(each.kind, each.key, each.values) for each in reporter.report(router).failures}
    assert failures == {
        ("route", ("shop.test/", "connect-failed"), (2,)),
        ("endpoint", ("web", "v1", "e:80", "connect-failed"), (1,)),
    }
    assert not reporter.report(router).failures


def test_retries_that_were_not_granted_are_told_as_growth_even_when_the_route_begins_anew(router):
    reporter = Reporter(0)
    (live,) = router.book.routes.values()
    told = []
    for exhausted in (3, 5, 2):
        live.budget.exhausted = exhausted
        told.append(named(reporter.report(router).counters, "tidegate_router_refused_retries_total"))
    assert told == [{(("route", live.id),): value} for value in (3, 2, 2)]


def test_ejections_are_told(router):
    reporter = Reporter(0)
    router.ejections["web", "v1", "e:80"] = 4
    (told,) = reporter.report(router).ejections
    assert (told.key, told.values) == (("web", "v1", "e:80"), (4,))
    assert not reporter.report(router).ejections


def test_whom_failures_took_out_is_told_with_the_time_that_is_left():
    made = Router(HttpConfig(access_log=""), on_failure=lambda *_: None, on_drained=lambda _: None)
    table = table_of(1, [route()], [service("web", endpoint(("127.0.0.1", 1)), endpoint(("127.0.0.1", 2)))])
    made.apply(table, difference(RoutingTable(), table))
    made.core.clock = made.book._clock = lambda: 100.0
    (live,) = made.book.routes.values()
    first = next(iter(made.book.upstreams.values()))
    for _ in range(5):
        made.core.failed(first, Reason.CONNECT_FAILED, live)
    report = Reporter(0).report(made)
    assert [(each.endpoint, each.seconds) for each in report.ejected] == [("web-1:80", 10.0)]
    assert [(each.key, each.values) for each in report.ejections] == [(("web", "", "web-1:80"), (1,))]


class Exporting:
    def __init__(self):
        self.sent = 0
        self.dropped = {"full": 0}


def test_spans_are_told_as_growth(router):
    spans = Exporting()
    reporter = Reporter(0, spans)
    spans.sent, spans.dropped["full"] = 5, 2
    counters = reporter.report(router).counters
    assert named(counters, "tidegate_tracing_spans_total") == {(): 5}
    assert named(counters, "tidegate_tracing_dropped_spans_total") == {(("reason", "full"),): 2}
    spans.sent = 6
    assert named(reporter.report(router).counters, "tidegate_tracing_spans_total") == {(): 1}


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
