import pytest

from tests.engine.test_docker_copy import end, seen, volume
from tidegate.engine.docker_differences import differences, fixed_ports, refusals
from tidegate.engine.port import Duplicate
from tidegate.errors import Severity

BESIDE = Duplicate(name="b")
INSTEAD = Duplicate(name="b", stop_first=True)


def texts(container, image=None, change=BESIDE):
    return [problem.text for problem in differences(container, {} if image is None else image, change)]


def test_a_container_with_nothing_of_its_own_differs_in_nothing():
    assert texts(seen()) == []
    assert refusals(seen(), BESIDE) == ()


def bound(**ports):
    return seen(host={"PortBindings": ports and {f"{key[1:]}/tcp": value for key, value in ports.items()}})


@pytest.mark.parametrize(
    ("bindings", "fixed"),
    [
        ([{"HostIp": "", "HostPort": "8080"}], ("8080/tcp",)),
        ([{"HostIp": "127.0.0.1", "HostPort": "8080"}, {"HostPort": "81"}], ("127.0.0.1:8080/tcp", "81/tcp")),
        ([{"HostIp": "", "HostPort": ""}], ()),
        ([{"HostPort": "0"}], ()),
        ([{"HostPort": "8000-8010"}], ()),
        (None, ()),
    ],
)
def test_only_a_host_port_that_is_said_is_fixed(bindings, fixed):
    assert fixed_ports(bound(p80=bindings)) == fixed


def test_a_fixed_host_port_is_refused_beside_the_original_and_taken_over_in_its_place():
    container = bound(p80=[{"HostPort": "8080"}], p81=[{"HostPort": "8081"}])
    (problem,) = refusals(container, BESIDE)
    assert problem.code == "T1152"
    assert "8080/tcp, 8081/tcp" in problem.text
    assert "--replace" in problem.mend
    assert refusals(container, INSTEAD) == ()


@pytest.mark.parametrize("mode", ["host", "container:abc"])
def test_a_shared_stack_is_refused_beside_the_original(mode):
    (problem,) = refusals(seen(host={"NetworkMode": mode}), BESIDE)
    assert problem.code == "T1153"
    assert mode in problem.text
    assert refusals(seen(host={"NetworkMode": mode}), INSTEAD) == ()


@pytest.mark.parametrize("label", ["com.docker.swarm.service.id", "io.kubernetes.pod.uid"])
@pytest.mark.parametrize("change", [BESIDE, INSTEAD])
def test_a_container_that_somebody_else_counts_is_refused_in_any_case(label, change):
    (problem,) = refusals(seen({"Labels": {label: "x"}}), change)
    assert problem.code == "T1159"


def test_addresses_of_its_own_are_told():
    networks = {"front": end("n", IPAMConfig={"IPv4Address": "10.0.0.9", "LinkLocalIPs": ["169.254.1.1"]})}
    said = texts(seen({"MacAddress": "02:00:00:00:00:01"}, {"NetworkMode": "front"}, networks), change=INSTEAD)
    assert "10.0.0.9, 169.254.1.1 on front" in said[0]
    assert "02:00:00:00:00:01" in said[1]


def test_an_address_that_the_engine_chose_is_not_told():
    assert texts(seen(networks={"bridge": end("n", IPAMConfig=None)})) == []


def test_an_image_that_is_gone_is_told():
    (problem,) = differences(seen(), None, BESIDE)
    assert "image is gone" in problem.text
    assert (problem.code, problem.severity, problem.place) == ("T1156", Severity.WARNING, "web")


def test_a_container_that_removes_itself_is_told_beside_it_and_refused_in_its_place():
    container = seen(host={"AutoRemove": True})
    assert "--rm" in texts(container)[0]
    assert refusals(container, BESIDE) == ()
    assert [problem.code for problem in refusals(container, INSTEAD)] == ["T1160"]


def test_volumes_are_told_beside_the_original_only():
    container = seen(
        {"Volumes": {"/data": {}}},
        {"Binds": ["db:/named", "/host:/bound:ro"]},
        mounts=[
            volume("/data"),
            volume("/named", "db"),
            {"Type": "bind", "Destination": "/bound", "RW": False},
            {"Type": "tmpfs", "Destination": "/tmp", "RW": True},
        ],
    )
    fresh, shared = texts(container)
    assert "/data is not taken along" in fresh
    assert shared == "both versions write to what is mounted at /named while both run"
    assert texts(container, change=INSTEAD) == []


def test_names_that_docker_gives_out_are_told():
    networks = {"front": end("n", Aliases=["web", "0123456789ab", "api"]), "back": end("m", Aliases=["api", "shop"])}
    (said,) = texts(seen(host={"NetworkMode": "front"}, networks=networks))
    assert "for api, shop " in said
