import pytest

from tidegate.discovery.elastic import MISPRINTED, missing_low, read_scaling, scaling_names, word_of
from tidegate.discovery.labels import check_labels, read_labels
from tidegate.elasticity import Bound, Metric, ScalingPolicy, Target
from tidegate.errors import Severity


def said(labels):
    return read_labels(labels, (), "label ")


def codes(labels):
    return [each.code for each in said(labels).problems]


def policy(**words):
    return read_scaling(words).policy


def test_bounds_of_the_original_system():
    found = policy(max_cpu="70", min_cpu="30", step="2", min_instances="2", max_instances="20")
    bounds = (Bound(metric=Metric.CPU, high=70, low=30),)
    assert found == ScalingPolicy(bounds=bounds, step=2, least=2, most=20)


def test_what_is_not_said_is_what_the_original_system_did():
    found = policy(max_memory="80", min_memory="40")
    assert (found.least, found.most, found.step, found.period_seconds, found.periods) == (1, 10, 1, 60, 3)


def test_rates_are_bytes_with_or_without_a_unit():
    found = policy(max_internetInRate="1MiB", min_internetInRate="1000")
    assert found.bounds == (Bound(metric=Metric.RECEIVED, high=1 << 20, low=1000),)


@pytest.mark.parametrize(("high", "low"), [(70, 30), (50, 10), (95, 50), (100, 50), (40, 10), (20, 10), (12, 6)])
def test_a_lower_bound_that_nobody_said_lies_40_below_within_10_and_50(high, low):
    assert missing_low(Metric.CPU, high) == low


def test_a_lower_bound_that_nobody_said_is_told():
    wanted = read_scaling({"max_cpu": "70", "step": "2"})
    assert wanted.policy.bounds == (Bound(metric=Metric.CPU, high=70, low=30, assumed=True),)
    assert [(code, word) for code, word, _ in wanted.warnings] == [("T2403", "max_cpu")]
    assert "30" in wanted.warnings[0][2].text


def test_scaling_in_can_be_switched_off():
    wanted = read_scaling({"max_cpu": "70", "scale_in": "off"})
    assert (wanted.policy.bounds[0].low, wanted.policy.scale_in, wanted.warnings) == (None, False, ())


def test_targets():
    found = policy(
        target_cpu="60", target_requests="12.5", target_p95="0.25", target_query="sum(q)", target_query_value="100"
    )
    assert found.targets == (
        Target(metric=Metric.CPU, value=60),
        Target(metric=Metric.REQUESTS, value=12.5),
        Target(metric=Metric.P95, value=0.25),
        Target(metric=Metric.QUERY, value=100, query="sum(q)"),
    )
    assert (found.in_window_seconds, found.out_window_seconds, found.bounds) == (300, 0, ())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"max_cpu": "70", "min_cpu": "50"}, ["T2402"]),
        ({"min_cpu": "20"}, ["T2404"]),
        ({"min_instances": "2"}, ["T2404"]),
        ({"max_cpu": "70", "min_cpu": "30", "target_cpu": "60"}, ["T2404", "T2404"]),
        ({"target_cpu": "60", "period": "10"}, ["T2404"]),
        ({"max_cpu": "70", "min_cpu": "30", "max_memory": "80", "min_memory": "30"}, ["T2405"]),
        ({"max_cpu": "70", "min_cpu": "40"}, []),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(words, expected):
    wanted = read_scaling(words)
    assert [code for code, _, _ in wanted.warnings] == expected
    assert not wanted.errors


@pytest.mark.parametrize(
    ("words", "code", "at"),
    [
        ({"max_cpu": "high"}, "T2400", "max_cpu"),
        ({"max_cpu": "70", "step": "0"}, "T2400", "step"),
        ({"max_cpu": "70", "period": "0.5"}, "T2400", "period"),
        ({"max_cpu": "70", "scale_in": "never"}, "T2400", "scale_in"),
        ({"max_cpu": "30", "min_cpu": "70"}, "T2401", "min_cpu"),
        ({"max_cpu": "0"}, "T2401", "max_cpu"),
        ({"max_cpu": "70", "min_instances": "5", "max_instances": "3"}, "T2401", "max_instances"),
        ({"max_cpu": "70", "min_instances": "11"}, "T2401", "min_instances"),
        ({"target_query": "sum(q)"}, "T2401", "target_query"),
        ({"target_query_value": "3"}, "T2401", "target_query_value"),
    ],
)
def test_one_wrong_word_makes_all_of_it_wrong(words, code, at):
    wanted = read_scaling(words)
    assert [(found, word) for found, word, _ in wanted.errors] == [(code, at)]
    assert wanted.policy is None
    assert wanted.errors[0][2].mend


def test_the_original_language_has_no_targets():
    assert word_of("tidegate.auto_scaling.target_cpu") == "target_cpu"
    assert word_of("aliyun.auto_scaling.target_cpu") == ""
    assert codes({"aliyun.auto_scaling.target_cpu": "60"}) == ["T1203"]
    assert set(scaling_names("aliyun")) < set(scaling_names("tidegate"))


def test_a_container_with_a_wrong_bound_serves_and_is_not_scaled():
    found = said({"tidegate.routing.port_80": "a.test", "aliyun.auto_scaling.max_cpu": "x"})
    assert (found.quarantined, found.scaling, len(found.claims)) == (False, None, 1)
    assert [(each.code, each.severity) for each in found.problems] == [("T2400", Severity.ERROR)]


def test_where_both_prefixes_speak_ours_holds():
    found = said(
        {
            "tidegate.auto_scaling.max_cpu": "80",
            "aliyun.auto_scaling.max_cpu": "70",
            "aliyun.auto_scaling.min_cpu": "20",
        }
    )
    assert found.scaling.bounds == (Bound(metric=Metric.CPU, high=80, low=20),)


@pytest.mark.parametrize("label", MISPRINTED)
def test_the_misprint_of_the_original_documentation_is_read_and_told(label):
    other = ("max" if ".min_" in label else "min") + label.rpartition("scaling.")[2][3:]
    found = said(
        {
            label: "500" if ".min_" in label else "5000",
            f"aliyun.auto_scaling.{other}": "500" if other[:3] == "min" else "5000",
        }
    )
    assert [each.code for each in found.problems] == ["T2406"]
    assert (found.scaling.bounds[0].low, found.scaling.bounds[0].high) == (500, 5000)


def test_a_file_is_checked_as_it_is_written():
    assert check_labels({"aliyun.auto_scaling.max_cpu": 70, "aliyun.auto_scaling.min_cpu": 30}) == ()
