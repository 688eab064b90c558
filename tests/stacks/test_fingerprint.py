import msgspec
import pytest

from tidegate.engine.spec import (
    Attachment,
    ContainerSpec,
    Healthcheck,
    Isolation,
    Limits,
    Logging,
    Mount,
    Publication,
)
from tidegate.stacks.fingerprint import fingerprint, is_beside

BASE = ContainerSpec(
    name="a", image="web:1", environment={"A": "1", "B": "2"}, networks={"n": Attachment(), "m": Attachment()}
)


def changed(**fields):
    return msgspec.structs.replace(BASE, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"image": "web:2"},
        {"command": ("x",)},
        {"environment": {"A": "1", "B": "3"}},
        {"environment": {"A": "1"}},
        {"labels": {"aliyun.routing.port_80": "a.test"}},
        {"labels": {"aliyun.auto_scaling.max_cpu": "70"}},  # whoever scales reads it on the container
        {"labels": {"tidegate.exclusive": "true"}},  # a node that is cut off reads it on the container
        {"networks": {"m": Attachment(), "n": Attachment()}},
        {"networks": {"n": Attachment()}},
        {"networks": {"n": Attachment(aliases=("x",)), "m": Attachment()}},
        {"publish": (Publication(port=80),)},
        {"mounts": (Mount(target="/x"),)},
        {"healthcheck": Healthcheck(retries=3)},
        {"limits": Limits(cpus=1)},
        {"isolation": Isolation(read_only=True)},
        {"logging": Logging(driver="none")},
        {"init": False},
        {"stop_timeout_seconds": 11.0},
    ],
)
def test_whatever_makes_a_container_another_one_changes_it(fields):
    assert fingerprint(changed(**fields)) != fingerprint(BASE)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "b"},
        {"environment": {"B": "2", "A": "1"}},
        {
            "labels": {
                "aliyun.scale": "2",
                "tidegate.scale": "3",
                "aliyun.depends": "db",
                "tidegate.account": "team-b",
            }
        },
        {"labels": {"com.docker.compose.container-number": "3", "io.tidegate.config": "x"}},
        {
            "labels": {
                "tidegate.reschedule": "off",
                "tidegate.rolling_updates": "true",
                "com.docker.swarm.constraints": "[]",
            }
        },
        {"limits": Limits(), "healthcheck": Healthcheck(), "isolation": Isolation(), "logging": Logging()},
    ],
)
def test_nothing_else_does(fields):
    assert fingerprint(changed(**fields)) == fingerprint(BASE)


def test_it_survives_the_store():
    again = msgspec.json.decode(msgspec.json.encode(changed(limits=Limits(cpus=1.5))), type=ContainerSpec)
    assert fingerprint(again) == fingerprint(changed(limits=Limits(cpus=1.5)))


def test_it_is_the_same_in_every_version_of_tidegate():
    """Another digest would make every container of every stack anew after an upgrade."""
    assert fingerprint(ContainerSpec(name="a", image="web:1", environment={"A": "1"})) == "50465bad32ef49a7"


def test_labels_beside_the_container_are_those_that_say_how_many_and_in_what_order():
    assert is_beside("aliyun.scale")
    assert not is_beside("aliyun.routing.port_80")
