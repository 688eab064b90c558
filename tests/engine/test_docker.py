"""One container with everything that a spec can say, as a real engine has it."""

import json
import os

import pytest

from tests.support.images import ensure_busybox
from tidegate.engine.docker import DockerEngine
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

NAME = f"engines-whole-{os.getpid()}"
LONG = ("sleep", "600")
NETWORK = NetworkSpec(
    name=NAME,
    labels={"who": "me"},
    options={"com.docker.network.bridge.enable_icc": "true"},
    pools=(Pool(subnet="10.213.77.0/24", gateway="10.213.77.1", reserved={"other": "10.213.77.9"}),),
)
VOLUME = VolumeSpec(
    name=NAME, driver="local", options={"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}, labels={"a": "b"}
)
HEALTH = Healthcheck(test=("CMD", "true"), interval_seconds=60, timeout_seconds=2, start_seconds=1, retries=4)
LIMITS = Limits(
    cpus=0.5,
    cpu_shares=512,
    cpuset="0",
    memory_bytes=64 << 20,
    swap_bytes=96 << 20,
    reserved_memory_bytes=32 << 20,
    shm_bytes=8 << 20,
    pids=50,
    oom_score_adjustment=100,
    ulimits=(Ulimit(name="nofile", soft=512, hard=1024),),
)
ISOLATION = Isolation(
    read_only=True,
    cap_add=("NET_ADMIN",),
    cap_drop=("ALL",),
    security=("no-new-privileges:true",),
    sysctls={"net.core.somaxconn": "256"},
    devices=(Device(host="/dev/null", container="/dev/nothing"),),
    groups=("1001",),
    ipc="private",
    cgroup="private",
)


def whole(image):
    return ContainerSpec(
        name=NAME,
        image=image,
        entrypoint=("/bin/sh", "-c"),
        command=("sleep 600",),
        environment={"COLOUR": "grün"},
        labels={"x": "y"},
        hostname="box",
        domainname="example.test",
        networks={NAME: Attachment(aliases=("web",), links=("nobody:mysql",), ipv4="10.213.77.20")},
        publish=(Publication(port=80, host_ip="127.0.0.1"), Publication(port=53, protocol="udp")),
        ports=(90,),
        udp_ports=(91,),
        mounts=(
            Mount(source=NAME, target="/named", read_only=True),
            Mount(target="/nameless"),
            Mount(kind=MountKind.BIND, source="/etc", target="/host", read_only=True, create_source=False),
            Mount(kind=MountKind.TMPFS, target="/small", size_bytes=1 << 20, mode=0o700),
        ),
        tmpfs={"/scratch": "size=1m"},
        working_dir="/tmp",
        user="1000:1000",
        stop_signal="SIGQUIT",
        stop_timeout_seconds=3,
        restart="on-failure:2",
        dns=("10.0.0.1",),
        dns_search=("a.test",),
        dns_options=("ndots:1",),
        extra_hosts=("db:10.0.0.2",),
        init=True,
        tty=True,
        stdin_open=True,
        healthcheck=HEALTH,
        logging=Logging(driver="json-file", options={"max-size": "1m"}),
        limits=LIMITS,
        isolation=ISOLATION,
    )


CONFIG = {
    "Hostname": "box",
    "Domainname": "example.test",
    "User": "1000:1000",
    "Env": "COLOUR=grün",
    "Cmd": ["sleep 600"],
    "Entrypoint": ["/bin/sh", "-c"],
    "WorkingDir": "/tmp",
    "Labels": {"x": "y"},
    "StopSignal": "SIGQUIT",
    "StopTimeout": 3,
    "Tty": True,
    "OpenStdin": True,
    "Volumes": {"/nameless": {}},
    "ExposedPorts": {"80/tcp": {}, "53/udp": {}, "90/tcp": {}, "91/udp": {}},
}
HOST = {
    "NetworkMode": NAME,
    "Binds": [f"{NAME}:/named:ro"],
    "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2},
    "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
    "Dns": ["10.0.0.1"],
    "DnsSearch": ["a.test"],
    "DnsOptions": ["ndots:1"],
    "ExtraHosts": ["db:10.0.0.2"],
    "Init": True,
    "Tmpfs": {"/scratch": "size=1m"},
    "NanoCpus": 500_000_000,
    "CpuShares": 512,
    "CpusetCpus": "0",
    "Memory": 64 << 20,
    "MemorySwap": 96 << 20,
    "MemoryReservation": 32 << 20,
    "ShmSize": 8 << 20,
    "PidsLimit": 50,
    "OomScoreAdj": 100,
    "ReadonlyRootfs": True,
    "SecurityOpt": ["no-new-privileges:true"],
    "Sysctls": {"net.core.somaxconn": "256"},
    "GroupAdd": ["1001"],
    "IpcMode": "private",
    "CgroupnsMode": "private",
}


@pytest.mark.system
async def test_a_container_has_everything_that_was_said_of_it_and_so_has_what_it_stands_on(docker_engine_url):
    engine = DockerEngine(docker_engine_url)
    container = ""
    try:
        await engine.create_volume(VOLUME)
        await engine.create_network(NETWORK)
        container = await engine.create(whole(await ensure_busybox(engine)))
        await engine.start(container)
        seen, network, volume = [
            await raw(engine, path) for path in (f"/containers/{NAME}/json", f"/networks/{NAME}", f"/volumes/{NAME}")
        ]
    finally:
        if container:
            await engine.remove(container, force=True)
        await engine.remove_network(NAME)
        await engine.remove_volume(NAME)
        await engine.close()
    told(seen)
    assert network["IPAM"]["Config"] == [
        {"Subnet": "10.213.77.0/24", "Gateway": "10.213.77.1", "AuxiliaryAddresses": {"other": "10.213.77.9"}}
    ]
    assert (network["Labels"], network["Driver"], network["Options"]) == (NETWORK.labels, "bridge", NETWORK.options)
    assert (volume["Driver"], volume["Options"], volume["Labels"]) == ("local", VOLUME.options, VOLUME.labels)


async def raw(engine, path):
    return json.loads(await engine._http.call("GET", path, "look"))


def told(seen):
    config, host = seen["Config"], seen["HostConfig"]
    config["Env"] = next(each for each in config["Env"] if each.startswith("COLOUR="))
    host["RestartPolicy"].pop("", None)
    assert {key: config.get(key) for key in CONFIG} == CONFIG
    assert {key: host.get(key) for key in HOST} == HOST
    assert [each.removeprefix("CAP_") for each in (*host["CapAdd"], *host["CapDrop"])] == ["NET_ADMIN", "ALL"]
    assert {each["Name"]: (each["Soft"], each["Hard"]) for each in host["Ulimits"]} == {"nofile": (512, 1024)}
    assert [(each["PathOnHost"], each["PathInContainer"]) for each in host["Devices"]] == [
        ("/dev/null", "/dev/nothing")
    ]
    check = config["Healthcheck"]
    assert (check["Test"], check["Interval"], check["Retries"]) == (["CMD", "true"], 60_000_000_000, 4)
    mounts = {each["Destination"]: (each["Type"], each["RW"]) for each in seen["Mounts"]}
    assert mounts["/named"] == ("volume", False)
    assert mounts["/nameless"] == ("volume", True)
    assert mounts["/host"] == ("bind", False)
    assert {each["Type"] for each in host["Mounts"]} == {"bind", "tmpfs"}
    ports = seen["NetworkSettings"]["Ports"]
    assert ports["80/tcp"][0]["HostIp"] == "127.0.0.1"
    assert ports["53/udp"]
    end = seen["NetworkSettings"]["Networks"][NAME]
    assert end["IPAddress"] == "10.213.77.20"
    assert "web" in end["Aliases"]
    assert end["Links"] == ["nobody:mysql"]


@pytest.mark.system
async def test_an_alias_that_only_one_caller_has_leads_to_whoever_bears_the_name(docker_engine_url):
    engine = DockerEngine(docker_engine_url)
    image, name, made = await ensure_busybox(engine), f"{NAME}-links", []
    await engine.create_network(NetworkSpec(name=name))
    try:
        for role, how in (("caller", Attachment(links=("db:mysql",))), ("db", Attachment(aliases=("db",)))):
            spec = ContainerSpec(name=f"{name}-{role}", image=image, command=LONG, networks={name: how})
            made.append(await engine.create(spec))
            await engine.start(made[-1])
        ask = ("nslookup", "-type=a", "-retry=1", "-timeout=1", "mysql")
        found = await engine.exec(made[0], ask, 20.0)
        address = (await engine.inspect(made[1])).networks[0].ipv4
        assert address in found.output
        assert address not in (await engine.exec(made[1], ask, 20.0)).output
    finally:
        for container in made:
            await engine.remove(container, force=True)
        await engine.remove_network(name)
        await engine.close()
