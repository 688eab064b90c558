from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.cli import DEADLINE
from tidegate.cli.demo_traffic import HOSTS, MIXTURE, Counts, Meter, Traffic


class Router(BaseHTTPRequestHandler):
    """Answers as the example behind the router does; web.localhost is broken."""

    protocol_version = "HTTP/1.1"
    enough: threading.Event
    seen: list

    def do_GET(self):
        host = self.headers["Host"]
        self.seen.append(host)
        self.send_response(503 if host == "web.localhost" else 200)
        self.send_header("X-Demo-Service", host.partition(".")[0])
        self.send_header("Content-Length", "0")
        self.end_headers()
        if set(self.seen) == set(HOSTS) and len(self.seen) >= 2 * len(MIXTURE):
            self.enough.set()

    def log_message(self, *_):
        pass


@pytest.fixture
def router():
    handler = type("Handler", (Router,), {"enough": threading.Event(), "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server, handler
    server.shutdown()
    server.server_close()
    thread.join(DEADLINE)


def test_traffic_visits_every_host_and_counts_who_answered(router):
    server, handler = router
    counts = Counts()
    traffic = Traffic(server.server_address[1], counts)
    traffic.start()
    assert handler.enough.wait(DEADLINE)
    traffic.stop()
    requests, errors = counts.read()
    assert set(handler.seen) == set(HOSTS)
    assert requests["hello.localhost", "hello"] >= 1
    assert errors["web.localhost", "web"] == requests["web.localhost", "web"]
    assert errors["hello.localhost", "hello"] == 0


def test_an_answer_is_good_when_its_status_is_200(router):
    traffic = Traffic(router[0].server_address[1], Counts())
    assert traffic.answers("hello.localhost")
    assert not traffic.answers("web.localhost")
    traffic.stop()


def test_nobody_there_is_no_answer_and_no_exception():
    assert not Traffic(1, Counts()).answers("hello.localhost")


def test_a_meter_reads_rates_and_shares_since_the_last_reading():
    counts, clock = Counts(), [0.0]
    meter = Meter(counts, lambda: clock[0])
    for by, number in (("hello v1", 3), ("hello v2", 1)):
        for _ in range(number):
            counts.add("hello.localhost", by, failed=by == "hello v2")
    clock[0] = 2.0
    first = meter.read()
    assert [(row.answered_by, row.per_second, row.share_percent, row.errors) for row in first] == [
        ("hello v1", 1.5, 75.0, 0),
        ("hello v2", 0.5, 25.0, 1),
    ]
    counts.add("hello.localhost", "hello v2", failed=False)
    clock[0] = 3.0
    assert [(row.per_second, row.share_percent, row.requests) for row in meter.read()] == [
        (0.0, 0.0, 3),
        (1.0, 100.0, 2),
    ]
