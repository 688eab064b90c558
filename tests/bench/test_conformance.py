"""The table of the catalogue's outcomes, and how octets that we forwarded are counted."""

import pytest

from bench import conformance
from bench.conformance import Judged, table
from tests.cases import requests, responses

GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"


@pytest.fixture
def judged():
    return Judged(
        date="2026-01-02T03:04:05+00:00",
        versions={"nginx": "1.22.1", "tidegate": "0.1.0"},
        absent={"envoy": "no network"},
        requests={
            "nginx": {"a": "", "b": "smuggled: []", "c": "the connection stays open"},
            "tidegate": {"a": "", "b": "", "c": ""},
        },
        responses={"nginx": {"d": "the next client got b''"}, "tidegate": {"d": ""}},
        backends={"nginx": {"a": "", "c": "1 requests forwarded, [200, 200] answered, 2 passed on"}},
    )


def test_the_table_counts_what_was_right_and_what_was_unsafe(judged):
    lines = table(judged).splitlines()
    assert lines[2:] == [
        "| **tidegate** 0.1.0 | 3 of 3 | 0 | 1 of 1 | 0 | h11: all |",
        "| nginx 1.22.1 | 1 of 3 | 1 | 0 of 1 | 1 | 1 of 2 |",
        "| envoy | not available: no network | | | | |",
    ]


def test_it_stands_between_its_own_markers(judged, tmp_path, monkeypatch):
    monkeypatch.setattr(conformance, "HERE", tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{conformance.BEGIN}\nold\n{conformance.END}\nafter\n")
    conformance.publish(judged)
    assert readme.read_text().startswith("before\n")
    assert readme.read_text().endswith(f"{conformance.END}\nafter\n")
    assert "old" not in readme.read_text()
    assert table(judged) in readme.read_text()


@pytest.mark.parametrize(("octets", "counted"), [(GET, (1, False)), (GET * 2, (2, False)), (GET + b"GET", (1, True))])
def test_requests_in_octets_are_counted(octets, counted):
    assert conformance._strictly(octets) == counted


def test_what_is_unsafe_is_told_by_how_the_judges_begin():
    recorder = requests.Recorder()
    recorder.ambiguous.append("bare LF")
    assert requests._unsafe({"requests": 1}, recorder).startswith(requests.UNSAFE)
    assert responses._poisoned(b"HTTP/1.1 200 OK\r\nX-Evil: 1\r\n\r\n", True).startswith(responses.UNSAFE)
