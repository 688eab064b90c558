from prometheus_client.parser import text_string_to_metric_families

from tidegate.control import metrics
from tidegate.control.metrics import CounterDelta, Registry


def samples(registry):
    """(name, labels) -> value of everything rendered."""
    families = text_string_to_metric_families(registry.text().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_counts_add_up_and_gauges_stand():
    registry = Registry({"tidegate_x_total": "how many"})
    registry.count("tidegate_x_total", route="a")
    registry.count("tidegate_x_total", 2, route="a")
    registry.gauge("tidegate_y", 5)
    registry.gauge("tidegate_y", 3)
    assert samples(registry)["tidegate_x_total", (("route", "a"),)] == 3
    assert samples(registry)["tidegate_y", ()] == 3
    assert b"# HELP tidegate_x_total how many" in registry.text()
    assert registry.value("tidegate_x_total", route="a") == 3
    assert registry.value("tidegate_none") is None


def test_observations_fall_into_buckets():
    registry = Registry()
    for seconds in (0.0005, 0.0006, 100.0):
        registry.observe("tidegate_z_seconds", seconds)
    found = samples(registry)
    assert found["tidegate_z_seconds_bucket", (("le", "0.0005"),)] == 1
    assert found["tidegate_z_seconds_bucket", (("le", "0.001"),)] == 2
    assert found["tidegate_z_seconds_bucket", (("le", "60.0"),)] == 2
    assert found["tidegate_z_seconds_bucket", (("le", "+Inf"),)] == 3
    assert found["tidegate_z_seconds_sum", ()] == 100.0011


def test_a_histogram_of_workers_has_its_own_buckets():
    registry = Registry()
    for _worker in range(2):
        registry.spread("tidegate_z_bytes", (64, 128), (1, 2, 3), 900, proto="udp")
    registry.spread("tidegate_z_bytes", (64,), (1, 2), 900, proto="udp")  # of a version with other buckets
    found = samples(registry)
    udp = ("proto", "udp")
    assert [found["tidegate_z_bytes_bucket", (("le", le), udp)] for le in ("64", "128", "+Inf")] == [2, 6, 12]
    assert found["tidegate_z_bytes_sum", (udp,)] == 1800
    assert found["tidegate_control_dropped_samples_total", (("metric", "tidegate_z_bytes"),)] == 1


def test_what_workers_counted_is_added():
    registry = Registry()
    for _worker in range(2):
        registry.merge([CounterDelta(name="tidegate_x_total", amount=4, labels=(("route", "a"),))])
    assert samples(registry)["tidegate_x_total", (("route", "a"),)] == 8


def test_label_sets_are_bounded_and_those_over_the_bound_counted(monkeypatch):
    monkeypatch.setattr(metrics, "MAX_LABEL_SETS", 2)
    registry = Registry()
    for name in ("a", "b", "c", "a"):
        registry.count("tidegate_x_total", route=name)
        registry.observe("tidegate_z_seconds", 1.0, route=name)
    found = samples(registry)
    assert ("tidegate_x_total", (("route", "c"),)) not in found
    assert found["tidegate_x_total", (("route", "a"),)] == 2
    assert found["tidegate_control_dropped_samples_total", (("metric", "tidegate_x_total"),)] == 1
    assert found["tidegate_control_dropped_samples_total", (("metric", "tidegate_z_seconds"),)] == 1


def test_a_gauge_of_what_is_gone_can_be_forgotten():
    registry = Registry()
    registry.gauge("tidegate_y", 1, node="n1")
    registry.forget("tidegate_y", node="n1")
    registry.forget("tidegate_y", node="n2")
    assert samples(registry) == {}
