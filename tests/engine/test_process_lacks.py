import pytest

from tidegate.engine.process_lacks import lacking
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
from tidegate.errors import Severity


def spec(**more):
    return ContainerSpec(name="web", image="none", command=("run",), **more)


def test_what_a_process_can_be_given_is_no_problem():
    given = spec(
        environment={"A": "1"},
        labels={"a": "b"},
        hostname="box",
        networks={"front": Attachment(aliases=("web",))},
        publish=(Publication(port=80),),
        ports=(81,),
        working_dir="x",
        user="1000",
        stop_signal="SIGQUIT",
        restart="always",
        init=False,
        healthcheck=Healthcheck(test=("NONE",)),
    )
    assert lacking(given) == ()


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("mounts", (Mount(target="/x"),), "mounts"),
        ("tmpfs", {"/run": ""}, "tmpfs"),
        ("dns", ("10.0.0.1",), "dns"),
        ("extra_hosts", ("a:1.2.3.4",), "extra_hosts"),
        ("init", True, "init"),
        ("publish", (Publication(port=80, host_port=8080),), "ports"),
        ("network_mode", "none", "network_mode none"),
        ("healthcheck", Healthcheck(test=("CMD", "true")), "tidegate.probe.cmd"),
        ("logging", Logging(driver="syslog"), "logging"),
        ("limits", Limits(memory_bytes=1, cpus=1), "cpus, memory_bytes"),
        ("isolation", Isolation(cap_add=("NET_ADMIN",)), "cap_add"),
    ],
)
def test_what_it_has_to_do_without_is_named(field, value, named):
    (problem,) = lacking(spec(**{field: value}))
    assert (problem.code, problem.severity) == ("T1124", Severity.WARNING)
    assert named in problem.text
