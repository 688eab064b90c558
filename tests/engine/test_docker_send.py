import json

import pytest

from tidegate.engine import docker_send as send
from tidegate.engine.port import ContainerSpec


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [(1795393073039050313, "1795393073.039050313"), (1_000_000_001, "1.000000001"), (0, "0.000000000")],
)
def test_a_time_is_sent_to_the_nanosecond(time_ns, text):
    assert send.since(time_ns) == text


def test_events_of_health_probes_and_terminals_are_left_at_the_engine():
    filters = json.loads(send.event_filters())
    assert set(filters["type"]) == {"container", "network", "daemon"}
    assert "health_status" in filters["event"]
    assert not [action for action in filters["event"] if action.startswith(("exec", "attach", "top", "resize"))]


def test_a_bare_spec_leaves_to_the_image_what_it_does_not_say():
    body = send.create_body(ContainerSpec(name="a", image="web"))
    assert not {"Cmd", "Entrypoint", "Hostname", "WorkingDir", "User", "StopSignal", "NetworkingConfig"} & set(body)
    assert body["HostConfig"] == {"NetworkMode": "default", "PortBindings": {}}


def test_a_full_spec_is_sent_whole_but_for_the_second_network():
    body = send.create_body(
        ContainerSpec(
            name="a",
            image="web",
            command=("run",),
            entrypoint=("sh",),
            environment={"A": "b=c"},
            labels={"x": "y"},
            hostname="box",
            networks={"front": ("web",), "back": ()},
            publish={80: 8080, 81: 0},
            ports=(90,),
            volumes=("/a:/b",),
            restart="on-failure:3",
            dns=("10.0.0.1",),
            stop_timeout_seconds=2.6,
        )
    )
    assert (body["Cmd"], body["Entrypoint"], body["Env"], body["StopTimeout"]) == (["run"], ["sh"], ["A=b=c"], 3)
    assert body["ExposedPorts"] == {"80/tcp": {}, "81/tcp": {}, "90/tcp": {}}
    assert body["NetworkingConfig"] == {"EndpointsConfig": {"front": {"Aliases": ["web"]}}}
    assert body["HostConfig"] == {
        "NetworkMode": "front",
        "PortBindings": {"80/tcp": [{"HostPort": "8080"}], "81/tcp": [{"HostPort": ""}]},
        "Binds": ["/a:/b"],
        "Dns": ["10.0.0.1"],
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
    }
