from __future__ import annotations

import json

from tests.support.counts import counted
from tests.support.router import endpoint, route, service, table_of
from tests.support.seen import instance, inventory
from tidegate.building import build
from tidegate.control.ejections import Out
from tidegate.control.traffic import Traffic
from tidegate.control.usage import usage
from tidegate.model import HealthState, Overrides, Preview, TrafficMode
from tidegate.policy import FieldMatch, Match

KINDS = ("route", "service", "endpoint")


def table():
    one = endpoint(("127.0.0.1", 1), version="v1", weight=3)
    two = endpoint(("127.0.0.1", 2), version="v1", state=HealthState.UNHEALTHY)
    return table_of(1, [route(mode=TrafficMode.HOLD, backends={"web": 70})], [service("web", one, two)])


def rows(found):
    return {(row["kind"], row.get("route") or row.get("endpoint") or row["version"]): row for row in found["rows"]}


def test_what_carried_something_is_told_with_its_sums_and_what_the_table_says():
    traffic = Traffic(lambda: 5.0)
    traffic.add("endpoint", ("web", "v1", "web-1:80"), counted({}, {"status": 503}, opened=1))
    traffic.fly(0, 1, [("endpoint", ("web", "v1", "web-1:80"), 2), ("route", ("a.test/",), 2)])
    found = usage(traffic, table(), KINDS, resting=False)
    assert json.dumps(found)
    assert found["at"] == 5.0
    shown = rows(found)
    assert set(shown) == {("route", "a.test/"), ("service", "v1"), ("endpoint", "web-1:80")}
    row = shown["endpoint", "web-1:80"]
    assert (row["requests"], row["statuses"], row["opened"]) == (2, {"2xx": 1, "5xx": 1}, 1)
    assert (row["in_flight"], row["state"], row["weight"]) == (2, "healthy", 3)
    assert sum(row["duration_buckets"]) == 2
    assert len(row["duration_buckets"]) == len(found["bounds_seconds"]) + 1
    assert (shown["service", "v1"]["state"], shown["service", "v1"]["weight"]) == ("1/2", 70)
    assert (shown["route", "a.test/"]["state"], shown["route", "a.test/"]["requests"]) == ("hold", 0)


def test_the_weight_of_a_version_is_not_that_of_its_preview():
    old = instance("c1", version="v1", routes=["b.test/", "a.test/"])
    new = instance("c2", version="v2", routes=["b.test/", "a.test/"])
    matches = tuple(Match(headers=(FieldMatch(name=f"x-{name}"),)) for name in "abcdefgh")
    overrides = Overrides(weights={"web": {"v1": 7, "v2": 3}}, previews={"web": Preview(backend="v2", matches=matches)})
    made = build(None, {"docker": inventory(old, new)}, {}, overrides).table
    assert {
        row["version"]: row["weight"] for row in usage(Traffic(lambda: 0.0), made, ("service",), resting=True)["rows"]
    } == {"v1": 7, "v2": 3}


def test_what_rests_is_told_when_asked_for():
    shown = rows(usage(Traffic(lambda: 0.0), table(), ("endpoint",), resting=True))
    assert set(shown) == {("endpoint", "web-1:80"), ("endpoint", "web-2:80")}
    assert shown["endpoint", "web-2:80"]["state"] == "unhealthy"
    assert shown["endpoint", "web-2:80"]["duration_buckets"] == []


def test_what_is_gone_from_the_table_says_so():
    traffic = Traffic(lambda: 0.0)
    traffic.add("endpoint", ("web", "v0", "old:80"), counted())
    (row,) = usage(traffic, table(), ("endpoint",), resting=False)["rows"]
    assert (row["state"], row["weight"]) == ("gone", None)


def test_an_endpoint_says_how_many_workers_have_ejected_it():
    out = {"web-1:80": Out(workers=1, of=2, until=0.0)}
    shown = rows(usage(Traffic(lambda: 0.0), table(), ("endpoint",), resting=True, out=out))
    assert {name: row["ejected"] for (_, name), row in shown.items()} == {"web-1:80": "1/2", "web-2:80": ""}
