from __future__ import annotations

import json

import pytest

from tests.support.router import route
from tidegate.model import TrafficMode
from tidegate.policy import ClientCertificates, Timeouts, TlsPolicy
from tidegate.router.live import CLOSED, HOLD, MAINTENANCE, NORMAL, ONLY_KNOWN, ONLY_SECURE, LiveRoute


@pytest.mark.parametrize(
    ("mode", "number"),
    [
        (TrafficMode.NORMAL, NORMAL),
        (TrafficMode.HOLD, HOLD),
        (TrafficMode.MAINTENANCE, MAINTENANCE),
        (TrafficMode.CLOSED, CLOSED),
    ],
)
def test_modes_become_numbers(mode, number):
    assert LiveRoute(route(mode=mode)).mode == number


@pytest.mark.parametrize(
    ("said", "mode", "waits"),
    [
        (10.0, TrafficMode.NORMAL, 10.0),  # the default
        (10.0, TrafficMode.HOLD, 30.0),
        (3.0, TrafficMode.HOLD, 3.0),
        (60.0, TrafficMode.HOLD, 60.0),
    ],
)
def test_requests_wait_longer_where_that_was_ordered_and_the_route_says_nothing_else(said, mode, waits):
    live = LiveRoute(route(timeouts=Timeouts(hold=said)))
    live.update(route(timeouts=Timeouts(hold=said), mode=mode))
    assert live.hold_seconds == waits


def test_an_update_keeps_who_waits_and_what_was_counted():
    live = LiveRoute(route())
    live.waiting.append("held")
    live.counters.add(200, 2, 3, 1, 0, 0, -1)
    live.update(route(path="/api", timeouts=Timeouts(hold=3.0), message="later"))
    assert (list(live.waiting), live.counters.requests) == (["held"], 1)
    assert (live.prefixed, live.hold_seconds, live.message) == (True, 3.0, b"later")


@pytest.mark.parametrize("path", ["/", '/a"b\\c', "/ü", "/a\nb"])
def test_its_part_of_the_access_log_is_json_whatever_its_name(path):
    live = LiveRoute(route(path=path))
    assert json.loads(b'{"x":"' + live.log_part + b'"}')["route"] == "a.test" + path


def test_what_a_route_demands_of_its_clients_becomes_a_number():
    known = TlsPolicy(clients=ClientCertificates(authority="staff"))
    guards = [LiveRoute(route(tls=tls)).guard for tls in (TlsPolicy(), TlsPolicy(only=True), known)]
    assert guards == [0, ONLY_SECURE, ONLY_KNOWN]


def test_hsts_is_written_once_per_route():
    assert LiveRoute(route()).hsts is None
    assert LiveRoute(route(tls=TlsPolicy(hsts_seconds=60))).hsts == b"Strict-Transport-Security: max-age=60\r\n"
