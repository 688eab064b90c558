import pytest

from tests.support.compose import faults, service
from tidegate.stacks.extensions import idle, is_exclusive, speaks_the_original


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("aliyun.global: sometimes", "T1176"),
        ("aliyun.latest_image: '1'", "T1176"),
        ("aliyun.rolling_updates: 'yes'", "T1176"),
        ("aliyun.gpu: all", "T1176"),
        ("tidegate.exclusive: '1'", "T1176"),
        ("com.docker.swarm.constraints: group==db", "T2200"),
        ("com.docker.swarm.affinities: '[\"service\"]'", "T2200"),
        ("tidegate.reschedule: maybe", "T2204"),
    ],
)
def test_a_label_that_cannot_be_followed_is_an_error_at_its_line(text, code):
    assert faults(f"labels:\n  a: b\n  {text}") == [(code, 3)]


def test_our_own_label_goes_before_the_original_one():
    found = service("labels: {aliyun.latest_image: 'true', tidegate.latest_image: 'false'}")
    assert not found.latest_image


@pytest.mark.parametrize(
    "label",
    [
        "aliyun.log_store_app",
        "aliyun.log_ttl_app",
        "aliyun.log.timestamp",
        "aliyun.logs",
        "aliyun.logs.app",
        "aliyun.monitoring.script",
    ],
)
def test_labels_about_somebody_elses_work_are_idle(label):
    assert idle({label: "x", "aliyun.scale": "2", "aliyun.auto_scaling.max_cpu": "70"}) == (label,)


def test_who_speaks_the_original_language():
    assert speaks_the_original({"aliyun.scale": "1"}, (), {})
    assert speaks_the_original({}, ("constraint:a==b",), {})
    assert not speaks_the_original({"tidegate.scale": "1"}, (), {"image": "x"})


def test_an_exclusive_service_is_told_by_its_containers_labels_alone():
    assert service("labels: {tidegate.exclusive: 'True'}").exclusive and is_exclusive({"tidegate.exclusive": "True "})
    assert not service("labels: {a: b}").exclusive and not is_exclusive({"a": "b"})
    assert not is_exclusive({"tidegate.exclusive": "false", "aliyun.exclusive": "true"})
