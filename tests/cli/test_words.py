from __future__ import annotations

import pytest

from tests.support.cli import BACKENDS, ENDPOINTS
from tidegate.cli import words


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0s"), (45.9, "45s"), (60, "1m"), (3599, "59m"), (11100, "3h 5m"), (273600, "3d 4h")]
)
def test_a_duration_is_two_units_at_most(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (31_400_000, "31.4 MB"), (2 * 10**12, "2000.0 GB")],
)
def test_a_size_counts_in_thousands(octets, text):
    assert words.size(octets) == text


def test_a_moment_is_utc_to_the_second():
    assert words.moment(1.9) == "1970-01-01T00:00:01Z"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"host": "::1", "port": 80}, "[::1]:80"),
        ({"host": "1.2.3.4", "port": 5}, "1.2.3.4:5"),
        ("a:1", "a:1"),
        (None, ""),
    ],
)
def test_an_address_is_written_as_one_text(value, text):
    assert words.address(value) == text


def test_a_noun_has_its_plural():
    assert [words.count(number, "route") for number in (0, 1, 2)] == ["0 routes", "1 route", "2 routes"]


def test_readiness_names_those_that_get_no_traffic():
    assert words.ready(ENDPOINTS) == "2/3 1 unhealthy"
    assert words.ready([]) == "0/0"


def test_weights_name_services_where_there_are_several():
    assert words.weights(BACKENDS) == "v1 75 v2 25"
    assert words.weights([*BACKENDS, {"service": "db"}]) == "shop/web v1 75 shop/web v2 25 db 100"
    assert words.weights([{"service": "db"}]) == "default 100"


def test_an_endpoint_out_in_some_workers_says_so_beside_its_health():
    assert words.state({"state": "healthy", "ejected": {"workers": 1, "of": 2, "until": 0.0}}) == "healthy, ejected 1/2"
    assert words.state({"state": "healthy", "ejected": None}) == "healthy"
    assert words.state({"state": "starting"}) == "starting"


def test_how_a_service_is_scaled_is_told_in_lines():
    scaled = {
        "wanted": 3,
        "running": 2,
        "own": 1,
        "least": 1,
        "most": 10,
        "rule": ["1 more when CPU is above 70 %"],
        "figures": {"cpu": 83.42},
        "why": "CPU 83.4 %",
        "at": 60,
        "last_change": {"when": 0, "current": 2, "wanted": 3, "why": "CPU 90 %"},
    }
    assert words.figures(scaled) == "cpu 83.42"
    assert words.scaling(scaled) == [
        "scaling: 3 replicas wanted of 1 to 10, 2 running, 1 of them not made by Tidegate",
        "  1 more when CPU is above 70 %",
        "  at 1970-01-01T00:01:00Z: CPU 83.4 %",
        "  last: 1970-01-01T00:00:00Z 2 -> 3: CPU 90 %",
    ]
    assert len(words.scaling(scaled | {"own": 0, "last_change": None})) == 3
    assert words.scaling(scaled | {"at": 0.0, "why": "", "last_change": None})[1:] == [
        "  1 more when CPU is above 70 %"
    ]
