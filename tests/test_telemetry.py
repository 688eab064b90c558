from __future__ import annotations

from tidegate.telemetry import NullMetrics, logger


def test_a_logger_is_named_by_its_component():
    assert logger("dns").name == "tidegate.dns"


def test_the_null_registry_takes_everything_and_keeps_nothing():
    metrics = NullMetrics()
    metrics.count("tidegate_dns_responses_total", rcode="NOERROR")
    metrics.gauge("tidegate_dns_streams", 3)
    metrics.observe("tidegate_control_build_seconds", 0.1)
    assert not getattr(metrics, "__dict__", {})
