"""What a duplicate cannot have of its original, and why two of them cannot stand side by side (pure).

Everything is said at once, as warnings (`differences`) or errors (`refusals`): none of it may be found out by traffic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidegate.engine.docker_copy import anonymous_volumes, name_of, network_mode, shares_a_stack
from tidegate.engine.docker_inherited import Json
from tidegate.engine.port import Duplicate
from tidegate.errors import Problem, Severity

_KEPT = "nothing was created"


# Labels of those who count their containers themselves, and what is said to them instead.
_MASTERS = {
    "com.docker.swarm.service.id": ("Docker Swarm", "docker service update --image IMAGE SERVICE"),
    "io.kubernetes.pod.uid": ("Kubernetes", "kubectl set image"),
}


def refusals(seen: Json, change: Duplicate) -> tuple[Problem, ...]:
    """Why there cannot be a second one: somebody else counts them, both cannot run at once, or, where the original is stopped
    before the duplicate starts, nothing would be left of it."""
    return (*_mastered(seen), *(_instead(seen) if change.stop_first else _beside(seen)))


def differences(seen: Json, image: Json | None, change: Duplicate) -> tuple[Problem, ...]:
    """What is left behind, and what two of them will share."""
    name = name_of(seen)
    told = _differences(seen, image, change)
    return tuple(
        Problem(code="T1156", text=text, place=name, mend=mend, severity=Severity.WARNING) for text, mend in told
    )


def fixed_ports(seen: Json) -> tuple[str, ...]:
    """Host ports that only one container can hold, as `8080/tcp` or `127.0.0.1:8080/tcp`. A range is not one: the engine
    takes what is free in it."""
    return tuple(
        f"{binding.get('HostIp') or ''}:{binding['HostPort']}/{key.partition('/')[2]}".removeprefix(":")
        for key, bindings in sorted((seen["HostConfig"].get("PortBindings") or {}).items())
        for binding in bindings or ()
        if (binding.get("HostPort") or "0") != "0" and "-" not in binding["HostPort"]
    )


def _mastered(seen: Json) -> Iterator[Problem]:
    for label, (master, instead) in _MASTERS.items():
        if label in (seen["Config"].get("Labels") or {}):
            yield Problem(
                code="T1159",
                text=f"{name_of(seen)} belongs to {master}, which would take a copy of it away again",
                place=name_of(seen),
                mend=f"let {master} make the new version ({instead}) and shift its weights with Tidegate",
                kept=_KEPT,
            )


def _instead(seen: Json) -> Iterator[Problem]:
    if seen["HostConfig"].get("AutoRemove"):
        yield Problem(
            code="T1160",
            text=f"{name_of(seen)} is removed when it stops (--rm), so nothing would be left to copy or to go back to",
            place=name_of(seen),
            mend="run it without --rm, or release with both versions side by side (--rolling, --blue-green)",
            kept=_KEPT,
        )


def _beside(seen: Json) -> Iterator[Problem]:
    name, ports = name_of(seen), fixed_ports(seen)
    if ports:
        yield Problem(
            code="T1152",
            text=f"{name} holds the host port {', '.join(ports)}, which a second container cannot hold beside it",
            place=name,
            mend="publish no fixed port (Tidegate reaches containers without), or release with --replace: the old one is "
            "stopped first, requests wait meanwhile",
            kept=_KEPT,
        )
    if shares_a_stack(seen):
        mode = network_mode(seen)
        yield Problem(
            code="T1153",
            text=f"{name} has no network of its own ({mode[:40]}), so a second one would want the same ports there",
            place=name,
            mend="give it a network, or release with --replace: the old one is stopped first, requests wait meanwhile",
            kept=_KEPT,
        )


def _differences(seen: Json, image: Json | None, change: Duplicate) -> Iterator[tuple[str, str]]:
    """(what, what to do about it)."""
    yield from _addresses(seen)
    if image is None:
        yield (
            "its image is gone, so what that gave it cannot be told from its own: the new one keeps all of it",
            "look at its environment and command, or pull the old image first",
        )
    if seen["HostConfig"].get("AutoRemove"):
        yield (
            "it is removed when it stops (--rm), so once stopped it cannot serve again; the new one is not removed",
            "run it without --rm, if a release is to be undone after the old version was stopped",
        )
    if not change.stop_first:
        yield from _volumes(seen)
        yield from _aliases(seen)


def _addresses(seen: Json) -> Iterator[tuple[str, str]]:
    for network, end in _networks(seen):
        fixed = end.get("IPAMConfig") or {}
        addresses = [fixed[key] for key in ("IPv4Address", "IPv6Address") if fixed.get(key)]
        addresses += fixed.get("LinkLocalIPs") or []
        if addresses:
            yield (
                f"its fixed address {', '.join(addresses)} on {network} is its own; the new one gets another",
                "address it by name",
            )
    if mac := seen["Config"].get("MacAddress"):
        yield (f"its MAC address {mac} is its own; the new one gets another", "")


def _volumes(seen: Json) -> Iterator[tuple[str, str]]:
    for target in sorted(anonymous_volumes(seen)):
        yield (
            f"what is in its volume without a name at {target} is not taken along; the new one begins with its image's",
            "give the volume a name, or release with --replace: the volume goes over",
        )
    shared = sorted(
        mount["Destination"]
        for mount in seen.get("Mounts") or []
        if mount.get("RW")
        and mount.get("Type") in ("volume", "bind")
        and mount["Destination"] not in anonymous_volumes(seen)
    )
    if shared:
        yield (
            f"both versions write to what is mounted at {', '.join(shared)} while both run",
            "if only one may write there, release with --replace",
        )


def _aliases(seen: Json) -> Iterator[tuple[str, str]]:
    own = (seen["Id"][:12], name_of(seen))
    names = {alias for _, end in _networks(seen) for alias in end.get("Aliases") or [] if alias not in own}
    if names:
        yield (
            f"who asks Docker's own DNS for {', '.join(sorted(names))} reaches the new one as soon as it runs, at any weight",
            "let them ask Tidegate's DNS, or call through the router",
        )


def _networks(seen: Json) -> Iterable[tuple[str, Json]]:
    return sorted(((seen.get("NetworkSettings") or {}).get("Networks") or {}).items())
