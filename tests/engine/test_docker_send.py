import json

import pytest

from tidegate.engine import docker_send as send


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [(1795393073039050313, "1795393073.039050313"), (1_000_000_001, "1.000000001"), (0, "0.000000000")],
)
def test_a_time_is_sent_to_the_nanosecond(time_ns, text):
    assert send.since(time_ns) == text


def test_events_of_health_probes_and_terminals_are_left_at_the_engine():
    filters = json.loads(send.event_filters())
    assert set(filters["type"]) == {"container", "network", "daemon", "image", "volume"}
    assert "health_status" in filters["event"]
    assert not [action for action in filters["event"] if action.startswith(("exec", "attach", "top", "resize"))]
