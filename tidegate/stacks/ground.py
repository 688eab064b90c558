"""What a stack's containers stand on, compared with what an engine has: networks and volumes to be made (pure).

Only what is needed is made, and only what is not there; what is there under the name is taken as it is. What somebody else has to make
(`external`) must be there.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tidegate.engine.port import OVERLAY, EngineInfo, Network, Volume
from tidegate.engine.spec import ContainerSpec, MountKind, NetworkSpec, VolumeSpec
from tidegate.errors import Problem, Severity
from tidegate.stacks.file import StackNetwork, StackVolume
from tidegate.value import Value

NOT_THERE, NO_SWARM = "T1182", "T1183"


class Ground(Value):
    """What has to be made, and why it cannot be as it was said: errors where a container could not run."""

    networks: tuple[NetworkSpec, ...] = ()
    volumes: tuple[VolumeSpec, ...] = ()
    problems: tuple[Problem, ...] = ()


def ground(
    networks: Iterable[StackNetwork],
    volumes: Iterable[StackVolume],
    seen: tuple[tuple[Network, ...], tuple[Volume, ...]],
    info: EngineInfo,
) -> Ground:
    """`seen` are the networks and the volumes that the engine has."""
    known_networks, known_volumes = ({each.name for each in found} for found in seen)
    missing = [network for network in networks if network.name not in known_networks]
    absent = [volume for volume in volumes if volume.name not in known_volumes]
    # A network of the swarm is shown on a node without a say in it only once a container is on it there.
    hidden = info.swarm and not info.swarm_manager
    problems = [_not_there("network", each.name, info) for each in missing if each.external and not hidden]
    problems += [_not_there("volume", each.name, info) for each in absent if each.external]
    made = [network.spec for network in missing if not network.external]
    made = [spec for spec in made if not (spec.driver == OVERLAY and hidden)]
    problems += [_no_swarm(spec, info) for spec in made if spec.driver == OVERLAY and not info.swarm]
    return Ground(
        networks=tuple(_fitting(spec, info) for spec in made),
        volumes=tuple(volume.spec for volume in absent if not volume.external),
        problems=tuple(problems),
    )


def mounted(
    template: ContainerSpec, networks: Iterable[StackNetwork], volumes: Iterable[StackVolume]
) -> tuple[tuple[StackNetwork, ...], tuple[StackVolume, ...]]:
    """Those of a stack's that a container stands on."""
    sources = {mount.source for mount in template.mounts if mount.kind is MountKind.VOLUME}
    own = template.networks
    return tuple(each for each in networks if each.name in own), tuple(each for each in volumes if each.name in sources)


def _fitting(spec: NetworkSpec, info: EngineInfo) -> NetworkSpec:
    """An overlay needs a swarm; where there is none its containers are on one host, and a bridge does."""
    if spec.driver != OVERLAY or info.swarm:
        return spec
    options = {name: text for name, text in spec.options.items() if name != "encrypted"}
    return replace(spec, driver="bridge", attachable=False, options=options)


def _not_there(kind: str, name: str, info: EngineInfo) -> Problem:
    return Problem(
        code=NOT_THERE,
        text=f"the {kind} {name} is said to be external, and is not there",
        place=info.name,
        mend=f"make it (docker {kind} create {name}), or leave external out of the file",
        kept="nothing was changed",
    )


def _no_swarm(spec: NetworkSpec, info: EngineInfo) -> Problem:
    return Problem(
        code=NO_SWARM,
        text=f"network {spec.name} is to be an overlay, and the engine is in no swarm: it becomes a bridge of this host",
        place=info.name,
        mend="docker swarm init, and join the other hosts, if containers of several hosts are to be on it",
        severity=Severity.WARNING,
    )
