"""Recorded answers of Docker 20.10 (asked as API 1.24 and 1.41) and the shapes that 1.44 and 1.52 changed."""

import json

import pytest

from tidegate.engine import docker_wire as wire
from tidegate.engine.docker_raw import (
    RawDetail,
    RawEvent,
    RawInfo,
    RawNetwork,
    RawStats,
    RawSummary,
    RawVersion,
    decode,
)
from tidegate.model import EngineHealth, InstanceState, NetworkAddress, PublishedPort

ID = "b6a39c01a1ca4a4763db99bf768d263dd1f44cb8edf2942b2421ee4d4608aec6"
NET = "f16c8e11575951ded00c4487d4b2adf0d91451c760e9e5860b63a1ed8e58e67b"


def endpoint(**more):
    return {
        "IPAMConfig": None,
        "Links": None,
        "NetworkID": NET,
        "Gateway": "172.18.0.1",
        "IPAddress": "172.18.0.2",
        "IPPrefixLen": 16,
        "GlobalIPv6Address": "",
        **more,
    }


def detail_json(net, **more):
    return {
        "Id": ID,
        "Created": "2026-11-23T00:17:53.026007404Z",
        "State": {
            "Status": "running",
            "Running": True,
            "OOMKilled": False,
            "ExitCode": 0,
            "StartedAt": "2026-11-23T00:17:53.5Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
            "Health": {"Status": "healthy", "FailingStreak": 0, "Log": []},
        },
        "Name": "/shop-web-1",
        "RestartCount": 2,
        "HostConfig": {"NetworkMode": "shop_default"},
        "Config": {
            "Hostname": "b6a39c01a1ca",
            "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
            "Env": ["A=b"],
            "Cmd": ["-f"],
            "Entrypoint": ["httpd"],
            "Healthcheck": {"Test": ["CMD-SHELL", "true"]},
            "Image": "web:1",
            "Labels": {"aliyun.routing.port_80": "x"},
            "StopSignal": "SIGQUIT",
        },
        "NetworkSettings": {
            "Ports": {
                "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "32768"}, {"HostIp": "::", "HostPort": "32768"}],
                "443/tcp": None,
            },
            "Networks": {"shop_default": net},
        },
        **more,
    }


FLAT = {"IPAddress": "172.18.0.2", "Gateway": "172.18.0.1", "GlobalIPv6Address": ""}

ENDPOINTS = {
    "1.24": endpoint(Aliases=["web", "b6a39c01a1ca"]),
    "1.41": endpoint(Aliases=["web", "b6a39c01a1ca"], DriverOpts=None),
    "1.44": endpoint(Aliases=["web", "b6a39c01a1ca"], DNSNames=["shop-web-1", "web", "b6a39c01a1ca"]),
    "1.52": endpoint(Aliases=["web"], DNSNames=["shop-web-1", "web", "b6a39c01a1ca"], GwPriority=0),
    "names only": endpoint(Aliases=None, DNSNames=["shop-web-1", "web", "b6a39c01a1ca"]),
}


def detail_of(value):
    return wire.detail(decode(RawDetail, json.dumps(value).encode()))


@pytest.mark.parametrize("version", ENDPOINTS)
def test_inspect_means_the_same_in_every_api_version(version):
    value = detail_json(ENDPOINTS[version])
    if version in ("1.24", "1.41", "1.44"):
        value["NetworkSettings"] |= FLAT
    detail = detail_of(value)
    assert detail.networks == (
        NetworkAddress(network=NET, name="shop_default", ipv4="172.18.0.2", ipv4_bits=16, aliases=("web",)),
    )
    assert detail.name == "shop-web-1"
    assert detail.command == ("httpd", "-f")
    assert detail.exposed == (80, 443)
    assert detail.published == (
        PublishedPort(container_port=80, host_ip="0.0.0.0", host_port=32768),
        PublishedPort(container_port=80, host_ip="::", host_port=32768),
    )
    assert (detail.state, detail.engine_health) == (InstanceState.RUNNING, EngineHealth.HEALTHY)
    assert detail.has_healthcheck
    assert (detail.stop_signal, detail.stop_timeout_seconds, detail.restarts) == ("SIGQUIT", 10.0, 2)
    assert detail.created_at == pytest.approx(1795393073.026007)
    assert detail.started_at == pytest.approx(1795393073.5)
    assert detail.exit_code is None


@pytest.mark.parametrize(
    ("config", "cores"),
    [
        ({}, 0.0),
        ({"NanoCpus": 500_000_000}, 0.5),
        ({"CpuQuota": 150_000, "CpuPeriod": 100_000}, 1.5),
        ({"CpuQuota": 50_000}, 0.5),
        ({"CpuQuota": -1, "CpuPeriod": 100_000}, 0.0),
    ],
)
def test_how_many_cores_a_container_may_use(config, cores):
    value = detail_json(endpoint())
    value["HostConfig"] = value.get("HostConfig", {}) | config
    assert detail_of(value).cpus == cores


def test_a_container_that_is_no_more_tells_its_end():
    value = detail_json(endpoint(IPAddress=""))
    value["State"] = {
        "Status": "exited",
        "ExitCode": 137,
        "OOMKilled": True,
        "StartedAt": "2026-11-23T00:17:53Z",
        "FinishedAt": "2026-11-23T00:18:53Z",
    }
    detail = detail_of(value)
    assert (detail.state, detail.exit_code, detail.oom_killed) == (InstanceState.STOPPED, 137, True)
    assert detail.networks[0].ipv4 == ""
    assert detail.engine_health is EngineHealth.NONE


def test_a_container_that_never_started_has_no_exit_code():
    value = detail_json(endpoint())
    value["State"] = {"Status": "created", "ExitCode": 127, "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": ""}
    detail = detail_of(value)
    assert (detail.state, detail.exit_code, detail.started_at) == (InstanceState.CREATED, None, 0.0)


@pytest.mark.parametrize(
    ("mode", "meaning"),
    [
        ("default", "bridge"),
        ("", "bridge"),
        ("host", "host"),
        (NET, "shop_default"),
        ("container:ab12", "container:ab12"),
    ],
)
def test_the_network_mode_is_told_by_name(mode, meaning):
    value = detail_json(endpoint(), HostConfig={"NetworkMode": mode})
    assert detail_of(value).network_mode == meaning


def test_everything_that_may_be_null_may_be_null():
    value = detail_json(None)
    value["Config"] = dict.fromkeys(("Env", "Cmd", "Entrypoint", "Labels", "ExposedPorts", "Healthcheck"))
    value["NetworkSettings"] = {"Ports": None, "Networks": None}
    detail = detail_of(value)
    assert (detail.labels, detail.networks, detail.exposed, detail.stop_signal) == ({}, (), (), "SIGTERM")


def test_a_healthcheck_switched_off_is_none():
    value = detail_json(endpoint())
    value["Config"]["Healthcheck"] = {"Test": ["NONE"]}
    assert not detail_of(value).has_healthcheck


def summary_of(**more):
    value = {
        "Id": ID,
        "Names": ["/shop-web-1", "/other/alias"],
        "Created": 1795393073,
        "Labels": {"a": "b"},
        "State": "running",
        "Status": "Up 2 seconds",
        "NetworkSettings": {"Networks": {"zeta": endpoint(NetworkID="b"), "alpha": endpoint(NetworkID="a")}},
        **more,
    }
    return wire.summary(decode(RawSummary, json.dumps(value).encode()))


def test_a_row_of_the_list_has_its_own_names_and_sorted_addresses():
    row = summary_of()
    assert row.names == ("shop-web-1",)
    assert row.addresses == (("a", "172.18.0.2", ""), ("b", "172.18.0.2", ""))
    assert (row.state, row.created_at, row.labels) == (InstanceState.RUNNING, 1795393073.0, {"a": "b"})


def test_a_row_of_the_list_has_the_ports_of_the_host_that_it_holds():
    both = [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"PrivatePort": 53, "PublicPort": 5300, "Type": "udp"},
        {"PrivatePort": 443, "Type": "tcp"},
    ]
    assert summary_of(Ports=both).published == ("tcp/8080", "udp/5300")
    assert summary_of(Ports=None).published == ()


@pytest.mark.parametrize(
    ("more", "health"),
    [
        ({"Status": "Up 2 seconds"}, EngineHealth.NONE),
        ({"Status": "Up 2 seconds (health: starting)"}, EngineHealth.STARTING),
        ({"Status": "Up 2 minutes (healthy)"}, EngineHealth.HEALTHY),
        ({"Status": "Up 2 minutes (unhealthy)"}, EngineHealth.UNHEALTHY),
        ({"Health": {"Status": "healthy", "FailingStreak": 0}}, EngineHealth.HEALTHY),
        ({"Health": {"Status": "none"}, "Status": "Up 2 minutes"}, EngineHealth.NONE),
    ],
)
def test_health_is_read_from_the_words_before_api_1_52_and_from_its_field_since(more, health):
    assert summary_of(**more).engine_health is health


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("created", InstanceState.CREATED),
        ("running", InstanceState.RUNNING),
        ("paused", InstanceState.PAUSED),
        *[(word, InstanceState.STOPPED) for word in ("restarting", "removing", "exited", "dead", "something new")],
    ],
)
def test_every_state_of_the_engine_has_one_of_ours(word, state):
    assert summary_of(State=word).state is state


def event_of(value):
    return wire.event(decode(RawEvent, json.dumps(value).encode()))


ACTOR = {"ID": ID, "Attributes": {"image": "web:1", "name": "shop-web-1", "signal": "15"}}
OLD = {"status": "kill", "id": ID, "from": "web:1"}


@pytest.mark.parametrize("top_level", [OLD, {}], ids=["up to 1.51", "since 1.52"])
def test_an_event_is_read_from_its_actor_only(top_level):
    value = {"Type": "container", "Action": "kill", "Actor": ACTOR, "time": 1795393073, "timeNano": 1795393073039050313}
    event = event_of({**top_level, **value})
    assert (event.kind, event.action, event.id, event.time_ns) == ("container", "kill", ID, 1795393073039050313)
    assert event.attributes["signal"] == "15"


def test_a_network_event_names_the_container_and_keeps_the_network():
    event = event_of(
        {
            "Type": "network",
            "Action": "connect",
            "Actor": {"ID": NET, "Attributes": {"container": ID, "name": "shop_default", "type": "bridge"}},
            "scope": "local",
            "time": 1795393073,
            "timeNano": 1795393073064831811,
        }
    )
    assert (event.id, event.attributes["network"], event.attributes["name"]) == (ID, NET, "shop_default")


def test_an_event_without_nanoseconds_has_its_second():
    assert event_of({"Type": "container", "Action": "die", "Actor": ACTOR, "time": 7}).time_ns == 7_000_000_000


def network_of(**more):
    return wire.network(decode(RawNetwork, json.dumps({"Id": NET, "Name": "n", "Driver": "bridge", **more}).encode()))


@pytest.mark.parametrize(
    ("configs", "gateways"),
    [
        ([{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}], ("172.18.0.1",)),
        ([{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.9/16"}], ("172.18.0.9",)),
        ([{"Subnet": "172.17.0.0/16"}], ("172.17.0.1",)),
        ([{"Subnet": "fd00::/64"}], ()),
        ([], ()),
        (None, ()),
    ],
)
def test_a_bridge_has_its_gateways_even_when_the_engine_names_none_yet(configs, gateways):
    assert network_of(IPAM={"Driver": "default", "Config": configs}).gateways == gateways


def test_a_network_that_is_no_bridge_has_only_the_gateways_it_names():
    network = network_of(Driver="macvlan", Internal=True, IPAM={"Config": [{"Subnet": "10.0.0.0/8"}]})
    assert (network.gateways, network.subnets, network.internal) == ((), ("10.0.0.0/8",), True)


def test_stats_leave_out_the_page_cache_and_sum_the_interfaces():
    value = {
        "read": "2026-11-23T00:17:53Z",
        "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
        "memory_stats": {"usage": 1000, "limit": 5000, "stats": {"inactive_file": 300}},
        "networks": {"eth0": {"rx_bytes": 1, "tx_bytes": 2}, "eth1": {"rx_bytes": 10, "tx_bytes": 20}},
        "blkio_stats": {"io_service_bytes_recursive": [{"op": "read", "value": 4}, {"op": "Write", "value": 5}]},
    }
    stats = wire.stats(decode(RawStats, json.dumps(value).encode()))
    assert (stats.cpu_seconds, stats.memory_bytes, stats.memory_limit_bytes) == (2.5, 700, 5000)
    assert (stats.received_bytes, stats.sent_bytes) == (11, 22)
    assert (stats.block_read_bytes, stats.block_written_bytes) == (4, 5)


def test_stats_of_a_container_that_does_not_run_are_zero():
    value = {"read": "0001-01-01T00:00:00Z", "memory_stats": {}, "blkio_stats": {"io_service_bytes_recursive": None}}
    stats = wire.stats(decode(RawStats, json.dumps(value).encode()))
    assert (stats.at, stats.cpu_seconds, stats.memory_bytes) == (0.0, 0.0, 0)


def test_info_has_the_version_agreed_on_and_the_engines_own_clock():
    version = decode(RawVersion, b'{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"}')
    raw = decode(RawInfo, b'{"Name":"vm","SystemTime":"2026-11-23T00:17:53.5Z","Swarm":{"LocalNodeState":"active"}}')
    info = wire.info(version, raw, "1.41")
    assert (info.name, info.version, info.api, info.min_api, info.swarm) == ("vm", "20.10.24", "1.41", "1.12", True)
    assert info.now == pytest.approx(1795393073.5)


@pytest.mark.parametrize(
    ("line", "text", "at"),
    [
        ("2026-11-23T00:17:53.500000001Z hello world", "hello world", 1795393073.5),
        ("2026-11-23T00:17:53.5Z ", "", 1795393073.5),
        ("no time here", "no time here", 0.0),
    ],
)
def test_a_log_line_is_told_from_its_time(line, text, at):
    found = wire.log_line(line, "stderr")
    assert (found.text, found.stream, found.at) == (text, "stderr", pytest.approx(at))


def test_an_engine_says_what_its_host_is_and_has():
    raw = decode(
        RawInfo, b'{"Name":"vm","ID":"ABCD","OSType":"linux","Architecture":"x86_64","NCPU":4,"MemTotal":1024}'
    )
    found = wire.info(RawVersion(), raw, "1.41")
    assert (found.id, found.platform, found.cpus, found.memory) == ("ABCD", "linux/amd64", 4.0, 1024)
    assert wire.info(RawVersion(), RawInfo(), "1.41").platform == ""
