import pytest

from tests.support.compose import faults, service
from tidegate.stacks.service import Update


@pytest.mark.parametrize(
    ("text", "update"),
    [
        ("{}", Update(rolling=True)),
        (
            "{parallelism: 2, delay: 10s, order: start-first}",
            Update(rolling=True, parallelism=2, delay_seconds=10, start_first=True),
        ),
        (
            "{order: stop-first, failure_action: rollback, monitor: 30s, max_failure_ratio: 0.3}",
            Update(rolling=True, start_first=False, rollback=True, monitor_seconds=30, failure_ratio=0.3),
        ),
        ("{failure_action: pause, parallelism: 0}", Update(rolling=True, parallelism=0, rollback=False)),
    ],
)
def test_how_a_new_revision_comes_is_read(text, update):
    assert service(f"deploy: {{update_config: {text}}}").update == update


def test_what_deploy_says_goes_before_the_label():
    text = "labels: {aliyun.rolling_updates: true, aliyun.rolling_updates.parallelism: 3}\ndeploy: {update_config: {parallelism: 2}}"
    assert service(text).update == Update(rolling=True, parallelism=2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{mode: replicated-job}", "T1131"),
        ("{labels: {a: b}}", "T1131"),
        ("{endpoint_mode: vip}", "T1131"),
        ("{rollback_config: {}}", "T1131"),
        ("{colour: red}", "T1131"),
        ("{restart_policy: {condition: any, window: 10s}}", "T1131"),
        ("{restart_policy: {condition: sometimes}}", "T1132"),
        ("{update_config: {order: sideways}}", "T1132"),
        ("{update_config: {failure_action: continue}}", "T1131"),
        ("{placement: {constraints: [node.colour == red]}}", "T2201"),
        ("{placement: {preferences: [{spread: group}]}}", "T2205"),
        ("{placement: {preferences: [{pack: x}]}}", "T1131"),
        ("{placement: {max_replicas_per_node: x}}", "T1132"),
        ("{replicas: many}", "T1139"),
        ("[]", "T1132"),
    ],
)
def test_what_cannot_be_followed_is_told(text, code):
    assert faults(f"deploy: {text}") == [(code, 1)]
