from __future__ import annotations

import pytest

from tidegate.release.gate_text import gate_of, gates_of, line_of, text_of
from tidegate.release.gates import (
    DEFAULT_GATES,
    HookGate,
    LatencyGate,
    QueryGate,
    RefusalGate,
    RestartGate,
    SuccessGate,
)

QUERY = 'sum(rate(errors_total{version="$candidate"}[1m])) / 2'


@pytest.mark.parametrize(
    ("line", "gate"),
    [
        ("success", SuccessGate()),
        ("success 99.5%", SuccessGate(floor=0.995)),
        ("success 0.995", SuccessGate(floor=0.995)),
        ("success floor=90% margin=2% samples=200", SuccessGate(floor=0.9, margin=0.02, samples=200)),
        ("refusals 2%", RefusalGate(margin=0.02)),
        (
            "latency ratio=2 slower=100ms mean=3 mean-slower=1s limit=0.3",
            LatencyGate(
                ratio=2.0, slower_seconds=0.1, mean_ratio=3.0, mean_slower_seconds=1.0, limit_seconds=0.3, samples=50
            ),
        ),
        ("restarts 1", RestartGate(allowed=1)),
        ("  latency off ", None),
        ("query errors: off", None),
        (f"query errors: {QUERY} < 0.05", QueryGate(label="errors", query=QUERY, operator="<", limit=0.05)),
        ("query up:up>=1e-3", QueryGate(label="up", query="up", operator=">=", limit=0.001)),
        ("query b: up < bool 5 == 1", QueryGate(label="b", query="up < bool 5", operator="==", limit=1.0)),
        (
            "hook load-test: https://ci.test:8443/gate?x=1",
            HookGate(label="load-test", url="https://ci.test:8443/gate?x=1"),
        ),
    ],
)
def test_a_line_gives_its_gate(line, gate):
    assert gate_of(line) == gate


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "begins with one of success"),
        ("sucess 99%", "begins with one of success"),
        ("success 101%", "not a share"),
        ("success nan", "not a number"),
        ("success floor=1 floor=1", "said twice"),
        ("success p99=1", "knows floor, margin, samples"),
        ("success samples=0", "say nothing"),
        ("latency ratio=0.5", "not a factor"),
        ("latency slower=5m", "not a time"),
        ("restarts -1", "not a whole number"),
        ("query up < 1", "write query NAME: EXPRESSION < NUMBER"),
        ("query errors: up", "ends with its condition"),
        ("query errors: up < inf", "not a number"),
        ("query errors: up < 5m", "not a number"),
        ("query errors: < 5", "ends with its condition"),
        (f"query errors: {'a' * 5000} < 5", "at most 4096"),
        ("hook https://ci.test/", "http://"),
        ("hook load: ftp://ci.test/", "http://"),
        ("hook load: http://", "http://"),
        ("hook load: http://a b/", "http://"),
    ],
)
def test_what_is_no_gate_is_refused_with_a_reason(line, said):
    with pytest.raises(ValueError, match=said):
        gate_of(line)


@pytest.mark.parametrize(
    ("name", "bound", "gate"),
    [
        ("success", "99.5%", SuccessGate(floor=0.995)),
        ("latency", "limit=300ms", LatencyGate(limit_seconds=0.3)),
        ("refusals", "off", None),
        ("query.errors", "up == 1", QueryGate(label="errors", query="up", operator="==", limit=1.0)),
        ("hook.load.test", "http://a/b:c", HookGate(label="load.test", url="http://a/b:c")),
    ],
)
def test_a_label_names_the_gate_and_gives_its_bound(name, bound, gate):
    assert gate_of(line_of(name, bound)) == gate


def test_without_a_line_the_defaults_apply():
    assert gates_of(()) == DEFAULT_GATES


def test_lines_replace_the_default_of_their_name_switch_it_off_or_add():
    names = [each.name for each in gates_of(["success 95%", "latency off", "query q: up < 1", "hook h: http://a/"])]
    assert names == ["restarts", "success", "refusals", "query q", "hook h"]
    assert SuccessGate(floor=0.95) in gates_of(["success 95%"])


def test_all_faults_are_told_at_once():
    with pytest.raises(ValueError, match=r"'nonsense': .*; 'restarts x': "):
        gates_of(["nonsense", "success", "restarts x"])


@pytest.mark.parametrize(
    "gate",
    [
        *DEFAULT_GATES,
        SuccessGate(floor=0.995, margin=0.001, samples=1000),
        LatencyGate(ratio=1.1, slower_seconds=0.0025, limit_seconds=30.0),
        RestartGate(allowed=3),
        QueryGate(label="e", query=QUERY, operator="!=", limit=-1.5),
        HookGate(label="h", url="http://a/"),
    ],
    ids=str,
)
def test_a_gate_written_down_reads_as_itself(gate):
    assert gate_of(text_of(gate)) == gate
