"""Bodies of the calls that make containers, volumes and networks on a Docker Engine, for every API version (pure).

What is not said is left out, so that the image and the engine decide. Field names are the Engine API's.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from tidegate.engine.spec import (
    Attachment,
    ContainerSpec,
    Healthcheck,
    Isolation,
    Limits,
    Mount,
    MountKind,
    NetworkSpec,
    Pool,
    Publication,
    VolumeSpec,
)

Json = dict[str, Any]


def container_body(spec: ContainerSpec) -> Json:
    """Of a container. Only the first network goes in: more than one at birth needs API 1.44."""
    ports = [f"{port}/tcp" for port in spec.ports] + [f"{port}/udp" for port in spec.udp_ports]
    ports += [f"{each.port}/{each.protocol}" for each in spec.publish]
    said: Json = {
        "Cmd": list(spec.command),
        "Entrypoint": list(spec.entrypoint),
        "Hostname": spec.hostname,
        "Domainname": spec.domainname,
        "WorkingDir": spec.working_dir,
        "User": spec.user,
        "StopSignal": spec.stop_signal,
        "Tty": spec.tty,
        "OpenStdin": spec.stdin_open,
        "Healthcheck": _healthcheck(spec.healthcheck),
        "NetworkingConfig": _first_network(spec),
        "Volumes": {mount.target: {} for mount in spec.mounts if _is_nameless(mount)},
    }
    return _said(said) | {
        "Image": spec.image,
        "Labels": spec.labels,
        "Env": [f"{key}={value}" for key, value in spec.environment.items()],
        "ExposedPorts": {port: {} for port in sorted(set(ports), key=_by_number)},
        # Whole seconds: a part of one must not become none, which kills at once.
        "StopTimeout": max(ceil(spec.stop_timeout_seconds), 0),
        "HostConfig": _host_config(spec),
    }


def endpoint_body(how: Attachment) -> Json:
    """How a container stands on one network."""
    addresses: Json = {"IPv4Address": how.ipv4, "IPv6Address": how.ipv6, "LinkLocalIPs": list(how.link_local)}
    said: Json = {"Links": list(how.links), "IPAMConfig": _said(addresses), "DriverOpts": how.options}
    return {"Aliases": list(how.aliases)} | _said(said)


def volume_body(spec: VolumeSpec) -> Json:
    """Of a volume."""
    return {"Name": spec.name} | _said({"Driver": spec.driver, "DriverOpts": spec.options, "Labels": spec.labels})


def network_body(spec: NetworkSpec) -> Json:
    """Of a network; a second one of the name is refused."""
    ipam: Json = {
        "Driver": spec.ipam_driver or "default",
        "Options": spec.ipam_options,
        "Config": [_pool(pool) for pool in spec.pools],
    }
    said: Json = {
        "Options": spec.options,
        "Attachable": spec.attachable,
        "EnableIPv6": spec.ipv6,
        "Labels": spec.labels,
        "IPAM": _said(ipam) if spec.ipam_driver or spec.ipam_options or spec.pools else None,
    }
    body = {"Name": spec.name, "Driver": spec.driver or "bridge", "Internal": spec.internal, "CheckDuplicate": True}
    return body | _said(said)


def _pool(pool: Pool) -> Json:
    said: Json = {"Subnet": pool.subnet, "Gateway": pool.gateway, "IPRange": pool.range}
    return _said(said | {"AuxiliaryAddresses": pool.reserved})


def _said(values: Mapping[str, Any]) -> Json:
    """Without what is empty, and so not said."""
    return {key: value for key, value in values.items() if value not in ("", 0, None, False, [], {})}


def _by_number(port: str) -> tuple[int, str]:
    number, _, protocol = port.partition("/")
    return int(number), protocol


def _first_network(spec: ContainerSpec) -> Json:
    first = next(iter(spec.networks.items()), None)
    if first is None or spec.network_mode:
        return {}
    return {"EndpointsConfig": {first[0]: endpoint_body(first[1])}}


def _healthcheck(check: Healthcheck) -> Json:
    return _said({
        "Test": list(check.test),
        "Interval": _nanoseconds(check.interval_seconds),
        "Timeout": _nanoseconds(check.timeout_seconds),
        "StartPeriod": _nanoseconds(check.start_seconds),
        "StartInterval": _nanoseconds(check.start_interval_seconds),
        "Retries": check.retries,
    })  # fmt: skip


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


# ----------------------------------------------------------------------------------------------------------- the host


def _host_config(spec: ContainerSpec) -> Json:
    named = [mount for mount in spec.mounts if not _is_nameless(mount)]
    binds = [_bind(mount) for mount in named if not _needs_long_form(mount)]
    mounts = [_mount(mount) for mount in named if _needs_long_form(mount)]
    said: Json = {
        "Binds": binds,
        "Mounts": mounts,
        "Tmpfs": spec.tmpfs,
        "Dns": list(spec.dns),
        "DnsSearch": list(spec.dns_search),
        "DnsOptions": list(spec.dns_options),
        "ExtraHosts": list(spec.extra_hosts),
        "RestartPolicy": _restart(spec.restart),
        "LogConfig": _said({"Type": spec.logging.driver, "Config": spec.logging.options}),
    }
    host = _said(said) | _limits(spec.limits) | _isolation(spec.isolation)
    if spec.init is not None:
        host["Init"] = spec.init
    mode = spec.network_mode or next(iter(spec.networks), "default")
    return {"NetworkMode": mode, "PortBindings": _bindings(spec.publish)} | host


def _bindings(publish: tuple[Publication, ...]) -> dict[str, list[Json]]:
    bindings: dict[str, list[Json]] = {}
    for each in sorted(publish, key=lambda each: (each.port, each.protocol)):
        host = f"{each.host_port or ''}{f'-{each.host_port_end}' if each.host_port_end else ''}"
        binding = {"HostPort": host} | _said({"HostIp": each.host_ip})
        bindings.setdefault(f"{each.port}/{each.protocol}", []).append(binding)
    return bindings


def _restart(policy: str) -> Json:
    name, _, retries = policy.partition(":")
    return {"Name": name, "MaximumRetryCount": int(retries or 0)} if name else {}


def _is_nameless(mount: Mount) -> bool:
    """A volume without a name and without a wish stands beside the image's own, in the configuration."""
    return mount.kind is MountKind.VOLUME and not (mount.source or mount.read_only or mount.nocopy)


def _needs_long_form(mount: Mount) -> bool:
    """`Binds` knows no temporary file system, no colon in a path, and makes what is not there."""
    if mount.kind is MountKind.BIND:
        return not mount.create_source or ":" in mount.source + mount.target
    return mount.kind is MountKind.TMPFS or not mount.source or ":" in mount.target


def _bind(mount: Mount) -> str:
    words = [*(["ro"] if mount.read_only else []), *(["nocopy"] if mount.nocopy else []), *mount.options]
    return ":".join(part for part in (mount.source, mount.target, ",".join(words)) if part)


def _mount(mount: Mount) -> Json:
    said: Json = {"Source": mount.source, "ReadOnly": mount.read_only}
    if mount.kind is MountKind.TMPFS:
        said["TmpfsOptions"] = _said({"SizeBytes": mount.size_bytes, "Mode": mount.mode})
    elif mount.kind is MountKind.VOLUME:
        said["VolumeOptions"] = _said({"NoCopy": mount.nocopy})
    else:
        propagation = next((word for word in mount.options if word not in ("z", "Z")), "")
        said["BindOptions"] = _said({"Propagation": propagation})
    return {"Type": str(mount.kind), "Target": mount.target} | _said(said)


def _limits(limits: Limits) -> Json:
    said: Json = {
        "NanoCpus": round(limits.cpus * 1e9),
        "CpuShares": limits.cpu_shares,
        "CpuQuota": limits.cpu_quota_us,
        "CpuPeriod": limits.cpu_period_us,
        "CpusetCpus": limits.cpuset,
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.swap_bytes,
        "MemoryReservation": limits.reserved_memory_bytes,
        "ShmSize": limits.shm_bytes,
        "PidsLimit": limits.pids,
        "BlkioWeight": limits.blkio_weight,
        "OomKillDisable": limits.oom_kill_disable,
        "OomScoreAdj": limits.oom_score_adjustment,
        "Ulimits": [{"Name": each.name, "Soft": each.soft, "Hard": each.hard} for each in limits.ulimits],
        "DeviceRequests": [{"Count": limits.gpus, "Capabilities": [["gpu"]]}] if limits.gpus else [],
    }
    swappiness = {} if limits.swappiness is None else {"MemorySwappiness": limits.swappiness}
    return _said(said) | swappiness


def _isolation(isolation: Isolation) -> Json:
    devices = [
        {"PathOnHost": each.host, "PathInContainer": each.container, "CgroupPermissions": each.permissions}
        for each in isolation.devices
    ]
    return _said({
        "Privileged": isolation.privileged,
        "ReadonlyRootfs": isolation.read_only,
        "CapAdd": list(isolation.cap_add),
        "CapDrop": list(isolation.cap_drop),
        "SecurityOpt": list(isolation.security),
        "Sysctls": isolation.sysctls,
        "Devices": devices,
        "GroupAdd": list(isolation.groups),
        "PidMode": isolation.pid,
        "IpcMode": isolation.ipc,
        "UTSMode": isolation.uts,
        "UsernsMode": isolation.userns,
        "CgroupnsMode": isolation.cgroup,
        "CgroupParent": isolation.cgroup_parent,
        "Runtime": isolation.runtime,
    })  # fmt: skip
