"""What is sent to the Docker Engine: filters, times and bodies, in the form that old and new versions take (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tidegate.engine.port import ContainerSpec

EVENT_TYPES = ("container", "network", "daemon")
# exec_*, attach, top and resize stay at the engine: every health probe of every container makes three of them.
EVENT_ACTIONS = (
    "start", "die", "kill", "stop", "pause", "unpause", "rename", "update", "destroy", "health_status", "connect",
    "disconnect", "reload", "oom", "restart",
)  # fmt: skip


def event_filters() -> str:
    """The `filters` parameter in the form every engine takes, old and new, Docker and Podman."""
    return filters({"type": EVENT_TYPES, "event": EVENT_ACTIONS})


def filters(wanted: Mapping[str, Iterable[str]]) -> str:
    """Any `filters` parameter: key to set of values."""
    return json.dumps({key: dict.fromkeys(values, True) for key, values in wanted.items()})


def since(time_ns: int) -> str:
    """Nanoseconds since the epoch as the engine reads them, `seconds.nanoseconds`."""
    return f"{time_ns // 1_000_000_000}.{time_ns % 1_000_000_000:09d}"


def create_body(spec: ContainerSpec) -> dict[str, Any]:
    """Body of a create call. Only the first network goes in: more than one at birth needs API 1.44."""
    ports = {*spec.ports, *spec.publish}
    body: dict[str, Any] = {
        "Image": spec.image,
        "Labels": spec.labels,
        "Env": [f"{key}={value}" for key, value in spec.environment.items()],
        "ExposedPorts": {f"{port}/tcp": {} for port in sorted(ports)},
        "StopTimeout": max(round(spec.stop_timeout_seconds), 0),
        "HostConfig": _host_config(spec),
    }
    optional: dict[str, Any] = {
        "Cmd": list(spec.command),
        "Entrypoint": list(spec.entrypoint),
        "Hostname": spec.hostname,
        "WorkingDir": spec.working_dir,
        "User": spec.user,
        "StopSignal": spec.stop_signal,
    }
    body.update({key: value for key, value in optional.items() if value})
    first = next(iter(spec.networks.items()), None)
    if first is not None and not spec.network_mode:
        body["NetworkingConfig"] = {"EndpointsConfig": {first[0]: endpoint_body(first[1])}}
    return body


def endpoint_body(aliases: tuple[str, ...]) -> dict[str, Any]:
    """How a container stands on one network."""
    return {"Aliases": list(aliases)}


def _host_config(spec: ContainerSpec) -> dict[str, Any]:
    name, _, retries = spec.restart.partition(":")
    host: dict[str, Any] = {
        "NetworkMode": spec.network_mode or next(iter(spec.networks), "default"),
        "PortBindings": {
            f"{port}/tcp": [{"HostPort": str(published) if published else ""}]
            for port, published in sorted(spec.publish.items())
        },
    }
    if spec.volumes:
        host["Binds"] = list(spec.volumes)
    if spec.dns:
        host["Dns"] = list(spec.dns)
    if name:
        host["RestartPolicy"] = {"Name": name, "MaximumRetryCount": int(retries or 0)}
    return host
