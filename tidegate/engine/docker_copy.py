"""The create call that makes a container like an inspected one (pure).

`HostConfig` goes over as it is, but for what belongs to one container alone. Names, addresses and what the old image gave
stay behind; what that costs is told by `docker_differences`.
"""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.engine.compose_labels import NUMBER_LABEL
from tidegate.engine.docker_inherited import Json, own_config
from tidegate.engine.port import Duplicate
from tidegate.value import Value

# Which container this one took the place of, and the name of one that was run once.
_LEFT_BEHIND = {"com.docker.compose.replace", "com.docker.compose.slug"}
_STANDARD = ("", "default", "bridge")


class Copy(Value):
    """`body` of the create call, and the networks to connect after it: id -> how the container stands on it."""

    body: Json
    networks: dict[str, Json] = {}


def copy(seen: Json, image: Json | None, change: Duplicate, number: int = 0) -> Copy:
    """`seen` is the inspected container, `image` the configuration that its image gave, None where the image is gone.

    `number` takes the place of Compose's, 0 where there is none. `change.image` must be said.
    """
    config = own_config(seen["Config"], image or {})
    mode, first, others = _networks(seen)
    host = _host_config(seen, mode)
    if change.stop_first:
        _take_volumes(config, host, anonymous_volumes(seen))
    body = config | {
        "Image": change.image,
        "Env": _environment(config["Env"], change),
        "Labels": _labels(config["Labels"], change, number),
        "HostConfig": host,
        "Hostname": _hostname(seen),
    }
    if change.entrypoint is not None:
        body["Entrypoint"] = list(change.entrypoint) or [""]  # how an engine is told to have none
    if change.command or change.bare:
        body["Cmd"] = list(change.command) or None
    if first:
        body["NetworkingConfig"] = {"EndpointsConfig": first}
    return Copy(body={key: value for key, value in body.items() if value not in ("", None)}, networks=others)


def name_of(seen: Json) -> str:
    """The container's name."""
    return str(seen["Name"]).removeprefix("/")


def network_mode(seen: Json) -> str:
    """`host`, `none`, `container:...`, or the network that the container was born on; `bridge` for the engine's own."""
    mode = str(seen["HostConfig"].get("NetworkMode") or "")
    return "bridge" if mode in _STANDARD else mode


def shares_a_stack(seen: Json) -> bool:
    """Whether its ports are not its own: it stands in the host's network, or in another container's."""
    mode = network_mode(seen)
    return mode == "host" or mode.startswith("container:")


def anonymous_volumes(seen: Json) -> dict[str, Json]:
    """The volumes nobody named, by where they are mounted."""
    host = seen["HostConfig"]
    named = {_target(bind) for bind in host.get("Binds") or []}
    named |= {mount.get("Target") for mount in host.get("Mounts") or [] if mount.get("Source")}
    declared = {*(seen["Config"].get("Volumes") or {}), *(mount.get("Target") for mount in host.get("Mounts") or [])}
    return {
        mount["Destination"]: mount
        for mount in seen.get("Mounts") or []
        if mount.get("Type") == "volume" and mount["Destination"] in declared - named
    }


def _target(bind: str) -> str:
    """`source:/target[:options]` -> `/target`."""
    return bind.split(":")[1] if ":" in bind else bind


def _environment(own: Iterable[str], change: Duplicate) -> list[str]:
    """A name without a value is how the engine is told to have no such variable, the image's neither."""
    kept = [entry for entry in own if entry.partition("=")[0] not in change.environment]
    changed = [name if text is None else f"{name}={text}" for name, text in change.environment.items()]
    return kept + changed


def _labels(own: dict[str, str], change: Duplicate, number: int) -> dict[str, str]:
    numbered = {NUMBER_LABEL: str(number)} if number else {}
    changed = own | numbered | change.labels
    return {name: text for name, text in changed.items() if text is not None and name not in _LEFT_BEHIND}


def _hostname(seen: Json) -> str:
    """Only one that somebody chose: the default is the beginning of the id, and whoever shares a stack has none."""
    shared = shares_a_stack(seen) or seen["HostConfig"].get("UTSMode") == "host"
    hostname = str(seen["Config"].get("Hostname") or "")
    return "" if shared or hostname == seen["Id"][:12] else hostname


def _host_config(seen: Json, mode: str) -> Json:
    host = {key: value for key, value in seen["HostConfig"].items() if key != "ContainerIDFile"}
    host["NetworkMode"] = mode
    host["AutoRemove"] = False  # who judges a release must find a container that ended, and its exit code
    if host.get("Links"):
        host["Links"] = [_link(link) for link in host["Links"]]
    return host


def _link(shown: str) -> str:
    """`/db:/web/database`, as it is shown, -> `db:database`, as it is asked for."""
    target, _, alias = shown.partition(":")
    return f"{target.removeprefix('/')}:{alias.rpartition('/')[2]}"


def _take_volumes(config: Json, host: Json, volumes: dict[str, Json]) -> None:
    """Mount the very volumes that the other container was given without a name."""
    mounts = [dict(mount) for mount in host.get("Mounts") or []]
    for mount in mounts:
        if not mount.get("Source") and mount.get("Target") in volumes:
            mount["Source"] = volumes.pop(mount["Target"])["Name"]
    if mounts:
        host["Mounts"] = mounts
    binds = [f"{mount['Name']}:{target}{'' if mount.get('RW', True) else ':ro'}" for target, mount in volumes.items()]
    host["Binds"] = [*(host.get("Binds") or []), *binds]
    config["Volumes"] = {target: {} for target in config["Volumes"] if target not in volumes}


def _networks(seen: Json) -> tuple[str, Json, dict[str, Json]]:
    """(mode, what to say of the first network, the others by id): the first one's name is the mode."""
    mode, said = network_mode(seen), str(seen["HostConfig"].get("NetworkMode") or "default")
    found = (seen.get("NetworkSettings") or {}).get("Networks") or {}
    if mode == "none" or shares_a_stack(seen):
        return said, {}, {}
    first = next((name for name, end in found.items() if mode in (name, end.get("NetworkID"))), "")
    if not first:  # it was taken off the network it was born on
        first = said = min(found, default="none")
    others = {end.get("NetworkID") or name: _endpoint(end, seen, name) for name, end in found.items() if name != first}
    own = _endpoint(found[first], seen, first) if first in found else {}
    return said, {said: own} if own else {}, others


def _endpoint(end: Json, seen: Json, network: str) -> Json:
    """How it stands on a network, without what is its own there: address, MAC, and its names."""
    own: Json = {key: end[key] for key in ("Links", "DriverOpts", "GwPriority") if end.get(key)}
    names = [alias for alias in end.get("Aliases") or [] if alias not in (seen["Id"][:12], name_of(seen))]
    if names and network not in _STANDARD:  # the engine's own bridge knows no names
        own["Aliases"] = names
    return own
