import pytest

from tests.support.compose import compose, faults, spec
from tidegate.engine.spec import Device, Isolation


@pytest.mark.parametrize(
    ("text", "isolation"),
    [
        ("privileged: true\nread_only: true", Isolation(privileged=True, read_only=True)),
        ("cap_add: [NET_ADMIN]\ncap_drop: ALL", Isolation(cap_add=("NET_ADMIN",), cap_drop=("ALL",))),
        ("security_opt: ['no-new-privileges:true']", Isolation(security=("no-new-privileges:true",))),
        ("sysctls: {net.core.somaxconn: 1024}", Isolation(sysctls={"net.core.somaxconn": "1024"})),
        ("sysctls: [net.core.somaxconn=1024]", Isolation(sysctls={"net.core.somaxconn": "1024"})),
        ("group_add: [audio, 1001]", Isolation(groups=("audio", "1001"))),
        ("devices: [/dev/a]", Isolation(devices=(Device(host="/dev/a", container="/dev/a"),))),
        (
            "devices: ['/dev/a:/dev/b:r']",
            Isolation(devices=(Device(host="/dev/a", container="/dev/b", permissions="r"),)),
        ),
        (
            "devices: [{source: /dev/a, target: /dev/b}]",
            Isolation(devices=(Device(host="/dev/a", container="/dev/b"),)),
        ),
        ("pid: host\nipc: shareable\nuts: host", Isolation(pid="host", ipc="shareable", uts="host")),
        (
            "userns_mode: host\ncgroup: private\ncgroup_parent: m\nruntime: runsc",
            Isolation(userns="host", cgroup="private", cgroup_parent="m", runtime="runsc"),
        ),
    ],
)
def test_how_far_a_container_is_kept_apart_is_read(text, isolation):
    assert spec(text).isolation == isolation


def test_a_mode_of_another_service_means_its_first_container():
    file = compose("services: {web: {image: x, pid: 'service:side', ipc: 'service:side'}, side: {image: x}}")
    isolation = next(each for each in file.specs if each.name == "shop-web-1").isolation
    assert (isolation.pid, isolation.ipc) == ("container:shop-side-1", "container:shop-side-1")


@pytest.mark.parametrize("device", ["vendor.com/class=all", "/dev/a:/dev/b:r:x", "{}"])
def test_a_device_that_is_none_of_the_host_s_is_named(device):
    assert faults(f"devices: ['{device}']") == [("T1131", 1)]
