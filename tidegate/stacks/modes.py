"""Modes of a container that share with another service's: `network_mode: service:db`, `pid` and `ipc` likewise (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from tidegate.engine.spec import ContainerSpec

OF_SERVICE, OF_CONTAINER = "service:", "container:"


def shared_services(template: ContainerSpec) -> tuple[str, ...]:
    """Services whose containers lend this one their network, processes or memory."""
    modes = (template.network_mode, template.isolation.pid, template.isolation.ipc)
    names = (mode.removeprefix(OF_SERVICE) for mode in modes if mode.startswith(OF_SERVICE))
    return tuple(dict.fromkeys(names))


def has_others_network(template: ContainerSpec) -> bool:
    """Whether it is on the network of its host or of another container, and so has its ports in common with what takes its place."""
    return template.network_mode == "host" or template.network_mode.startswith((OF_SERVICE, OF_CONTAINER))


def bound(spec: ContainerSpec, containers: Mapping[str, str]) -> ContainerSpec:
    """The container that shares with these, ids or names by service, as engines are told it."""
    modes = {OF_SERVICE + service: OF_CONTAINER + container for service, container in containers.items()}
    apart = spec.isolation
    isolation = replace(apart, pid=modes.get(apart.pid, apart.pid), ipc=modes.get(apart.ipc, apart.ipc))
    return replace(spec, network_mode=modes.get(spec.network_mode, spec.network_mode), isolation=isolation)
