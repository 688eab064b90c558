import pytest

from tidegate.engine import docker_create as making
from tidegate.engine.spec import (
    Attachment,
    ContainerSpec,
    Device,
    Healthcheck,
    Isolation,
    Limits,
    Logging,
    Mount,
    MountKind,
    NetworkSpec,
    Pool,
    Publication,
    Ulimit,
    VolumeSpec,
)


def body(**fields):
    return making.container_body(ContainerSpec(name="a", image="web", **fields))


def host(**fields):
    return {
        key: item for key, item in body(**fields)["HostConfig"].items() if key not in ("NetworkMode", "PortBindings")
    }


@pytest.mark.parametrize(("seconds", "sent"), [(0.0, 0), (0.2, 1), (1.0, 1), (1.2, 2)])
def test_a_part_of_a_second_to_stop_in_is_a_whole_one_and_not_none(seconds, sent):
    assert body(stop_timeout_seconds=seconds)["StopTimeout"] == sent


def test_a_bare_spec_leaves_to_the_image_and_the_engine_what_it_does_not_say():
    assert body() == {
        "Image": "web",
        "Labels": {},
        "Env": [],
        "ExposedPorts": {},
        "StopTimeout": 10,
        "HostConfig": {"NetworkMode": "default", "PortBindings": {}},
    }


def test_a_full_spec_is_sent_whole_but_for_the_second_network():
    sent = body(
        command=("run",),
        entrypoint=("sh",),
        environment={"A": "b=c"},
        labels={"x": "y"},
        hostname="box",
        domainname="example.test",
        networks={"front": Attachment(aliases=("web",)), "back": Attachment()},
        publish=(Publication(port=80, host_port=8080), Publication(port=81)),
        ports=(90,),
        udp_ports=(53,),
        restart="on-failure:3",
        stop_timeout_seconds=2.6,
        tty=True,
        healthcheck=Healthcheck(test=("CMD", "true"), interval_seconds=1.5, retries=2),
    )
    assert (sent["Cmd"], sent["Entrypoint"], sent["Env"], sent["StopTimeout"]) == (["run"], ["sh"], ["A=b=c"], 3)
    assert (sent["Hostname"], sent["Domainname"], sent["Tty"]) == ("box", "example.test", True)
    assert sent["ExposedPorts"] == {"53/udp": {}, "80/tcp": {}, "81/tcp": {}, "90/tcp": {}}
    assert sent["NetworkingConfig"] == {"EndpointsConfig": {"front": {"Aliases": ["web"]}}}
    assert sent["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 1_500_000_000, "Retries": 2}
    assert sent["HostConfig"] == {
        "NetworkMode": "front",
        "PortBindings": {"80/tcp": [{"HostPort": "8080"}], "81/tcp": [{"HostPort": ""}]},
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
    }


def test_ports_of_one_number_may_be_open_several_times():
    publish = (
        Publication(port=53, host_port=53, protocol="udp"),
        Publication(port=80, host_port=8080, host_ip="127.0.0.1"),
        Publication(port=80, host_port=8081, host_port_end=8090),
    )
    assert body(publish=publish)["HostConfig"]["PortBindings"] == {
        "53/udp": [{"HostPort": "53"}],
        "80/tcp": [{"HostPort": "8080", "HostIp": "127.0.0.1"}, {"HostPort": "8081-8090"}],
    }


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        (Mount(kind=MountKind.BIND, source="/a", target="/b", read_only=True), {"Binds": ["/a:/b:ro"]}),
        (Mount(kind=MountKind.BIND, source="/a", target="/b", options=("z",)), {"Binds": ["/a:/b:z"]}),
        (Mount(source="data", target="/b", nocopy=True), {"Binds": ["data:/b:nocopy"]}),
        (
            Mount(kind=MountKind.BIND, source="/a", target="/b", create_source=False, options=("rslave",)),
            {"Mounts": [{"Type": "bind", "Source": "/a", "Target": "/b", "BindOptions": {"Propagation": "rslave"}}]},
        ),
        (
            Mount(kind=MountKind.BIND, source="/a:b", target="/c"),
            {"Mounts": [{"Type": "bind", "Source": "/a:b", "Target": "/c"}]},
        ),
        (
            Mount(kind=MountKind.TMPFS, target="/b", size_bytes=64, mode=0o700),
            {"Mounts": [{"Type": "tmpfs", "Target": "/b", "TmpfsOptions": {"SizeBytes": 64, "Mode": 448}}]},
        ),
        (
            Mount(target="/b", read_only=True),
            {"Mounts": [{"Type": "volume", "Target": "/b", "ReadOnly": True}]},
        ),
        (
            Mount(source="data", target="/b:c", nocopy=True),
            {"Mounts": [{"Type": "volume", "Source": "data", "Target": "/b:c", "VolumeOptions": {"NoCopy": True}}]},
        ),
        (Mount(target="/b"), {}),
    ],
)
def test_a_mount_is_sent_in_the_form_that_can_say_it(mount, said):
    assert host(mounts=(mount,)) == said


def test_a_volume_without_a_name_stands_beside_the_images_own():
    assert body(mounts=(Mount(target="/b"),))["Volumes"] == {"/b": {}}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tmpfs": {"/run": "size=1m", "/tmp": ""}}, {"Tmpfs": {"/run": "size=1m", "/tmp": ""}}),
        (
            {
                "dns": ("10.0.0.1",),
                "dns_search": ("a.test",),
                "dns_options": ("ndots:1",),
                "extra_hosts": ("a:1.2.3.4",),
            },
            {"Dns": ["10.0.0.1"], "DnsSearch": ["a.test"], "DnsOptions": ["ndots:1"], "ExtraHosts": ["a:1.2.3.4"]},
        ),
        (
            {"logging": Logging(driver="syslog", options={"a": "b"})},
            {"LogConfig": {"Type": "syslog", "Config": {"a": "b"}}},
        ),
        ({"init": True}, {"Init": True}),
        ({"init": False}, {"Init": False}),
        (
            {
                "limits": Limits(
                    cpus=1.5,
                    cpu_shares=512,
                    cpu_quota_us=5,
                    cpu_period_us=6,
                    cpuset="0",
                    memory_bytes=64,
                    swap_bytes=-1,
                    reserved_memory_bytes=32,
                    swappiness=0,
                    shm_bytes=7,
                    pids=8,
                    blkio_weight=9,
                    oom_kill_disable=True,
                    oom_score_adjustment=-5,
                    ulimits=(Ulimit(name="nofile", soft=0, hard=2),),
                    gpus=-1,
                )
            },
            {
                "NanoCpus": 1_500_000_000,
                "CpuShares": 512,
                "CpuQuota": 5,
                "CpuPeriod": 6,
                "CpusetCpus": "0",
                "Memory": 64,
                "MemorySwap": -1,
                "MemoryReservation": 32,
                "MemorySwappiness": 0,
                "ShmSize": 7,
                "PidsLimit": 8,
                "BlkioWeight": 9,
                "OomKillDisable": True,
                "OomScoreAdj": -5,
                "Ulimits": [{"Name": "nofile", "Soft": 0, "Hard": 2}],
                "DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}],
            },
        ),
        (
            {
                "isolation": Isolation(
                    privileged=True,
                    read_only=True,
                    cap_add=("A",),
                    cap_drop=("B",),
                    security=("no-new-privileges",),
                    sysctls={"a": "b"},
                    devices=(Device(host="/dev/a", container="/dev/b"),),
                    groups=("audio",),
                    pid="host",
                    ipc="private",
                    uts="host",
                    userns="host",
                    cgroup="private",
                    cgroup_parent="m",
                    runtime="runc",
                )
            },
            {
                "Privileged": True,
                "ReadonlyRootfs": True,
                "CapAdd": ["A"],
                "CapDrop": ["B"],
                "SecurityOpt": ["no-new-privileges"],
                "Sysctls": {"a": "b"},
                "Devices": [{"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "rwm"}],
                "GroupAdd": ["audio"],
                "PidMode": "host",
                "IpcMode": "private",
                "UTSMode": "host",
                "UsernsMode": "host",
                "CgroupnsMode": "private",
                "CgroupParent": "m",
                "Runtime": "runc",
            },
        ),
    ],
)
def test_what_is_said_of_the_host_is_sent(fields, said):
    assert host(**fields) == said


def test_how_a_container_stands_on_a_network_is_sent_whole():
    how = Attachment(
        aliases=("web",), links=("db:mysql",), ipv4="10.0.0.5", link_local=("169.254.1.1",), options={"a": "b"}
    )
    assert making.endpoint_body(how) == {
        "Aliases": ["web"],
        "Links": ["db:mysql"],
        "IPAMConfig": {"IPv4Address": "10.0.0.5", "LinkLocalIPs": ["169.254.1.1"]},
        "DriverOpts": {"a": "b"},
    }


def test_a_network_mode_takes_the_place_of_networks():
    sent = body(network_mode="host", networks={"front": Attachment()})
    assert sent["HostConfig"]["NetworkMode"] == "host"
    assert "NetworkingConfig" not in sent


def test_a_network_is_sent_with_all_that_is_said_of_it():
    bare = {"Name": "n", "Driver": "bridge", "Internal": False, "CheckDuplicate": True}
    assert making.network_body(NetworkSpec(name="n")) == bare
    pool = Pool(subnet="10.9.0.0/16", gateway="10.9.0.1", range="10.9.1.0/24", reserved={"a": "10.9.0.2"})
    spec = NetworkSpec(
        name="n",
        driver="overlay",
        options={"a": "b"},
        internal=True,
        attachable=True,
        ipv6=True,
        pools=(pool,),
        ipam_options={"c": "d"},
        labels={"x": "y"},
    )
    config = {
        "Subnet": "10.9.0.0/16",
        "Gateway": "10.9.0.1",
        "IPRange": "10.9.1.0/24",
        "AuxiliaryAddresses": {"a": "10.9.0.2"},
    }
    assert making.network_body(spec) == {
        "Name": "n",
        "Driver": "overlay",
        "Internal": True,
        "CheckDuplicate": True,
        "Options": {"a": "b"},
        "Attachable": True,
        "EnableIPv6": True,
        "Labels": {"x": "y"},
        "IPAM": {"Driver": "default", "Options": {"c": "d"}, "Config": [config]},
    }


def test_a_volume_is_sent_with_its_driver_and_options():
    assert making.volume_body(VolumeSpec(name="v")) == {"Name": "v"}
    spec = VolumeSpec(name="v", driver="local", options={"type": "tmpfs"}, labels={"x": "y"})
    assert making.volume_body(spec) == {
        "Name": "v",
        "Driver": "local",
        "DriverOpts": {"type": "tmpfs"},
        "Labels": {"x": "y"},
    }
