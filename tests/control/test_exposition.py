from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from tidegate.control.exposition import counter, gauge, histogram, labels
from tidegate.control.metrics import BUCKETS

FORMATS = [(prometheus, False), (openmetrics, True)]


def read(lines, parse, *, end):
    return list(parse((b"".join(lines) + (b"# EOF\n" if end else b"")).decode()))


@pytest.mark.parametrize(("parse", "end"), FORMATS)
def test_a_counter_and_a_gauge_are_read_back(parse, end):
    lines = [
        *counter("tidegate_x", "How many.", [('a="1"', 3), ('a="2"', 0.5)], openmetrics=end),
        *gauge("tidegate_y", "How much.", [('a="1"', 7)]),
    ]
    one, two = read(lines, parse, end=end)
    assert (one.name, one.type, one.documentation) == ("tidegate_x", "counter", "How many.")
    assert [(each.name, each.labels, each.value) for each in one.samples] == [
        ("tidegate_x_total", {"a": "1"}, 3.0),
        ("tidegate_x_total", {"a": "2"}, 0.5),
    ]
    assert (two.type, two.samples[0].value) == ("gauge", 7.0)


@pytest.mark.parametrize(("parse", "end"), FORMATS)
def test_a_histogram_is_cumulated_and_has_its_sum_and_count(parse, end):
    counts = [1, *[0] * (len(BUCKETS) - 1), 2]
    (family,) = read(histogram("tidegate_z_seconds", "How long.", [('a="1"', counts, 1.5)]), parse, end=end)
    found = {each.labels.get("le", each.name): each.value for each in family.samples}
    assert found["0.0005"] == found["60.0"] == 1
    assert found["+Inf"] == found["tidegate_z_seconds_count"] == 3
    assert found["tidegate_z_seconds_sum"] == 1.5


@given(st.lists(st.text(max_size=20), min_size=2, max_size=2))
def test_whatever_a_label_holds_is_read_back(values):
    line = gauge("tidegate_y", "How much.", [(labels(("a", "b"), values), 1)])
    (family,) = read(line, openmetrics, end=True)
    assert list(family.samples[0].labels.values()) == values


def test_many_series_come_in_parts():
    series = [(f'a="{number}"', [0] * (len(BUCKETS) + 1), 0.0) for number in range(1200)]
    assert len(list(histogram("tidegate_z_seconds", "How long.", series))) == 4
