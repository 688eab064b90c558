"""From what somebody asks for a service to the spec of its release: which side is which, which containers are copied. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping

from msgspec import json

from tidegate.control import targets
from tidegate.control.explain import near
from tidegate.control.sighting import members
from tidegate.errors import ConfigError, NoSuchThing, Problem
from tidegate.model import Instance, InstanceState, Inventory
from tidegate.release.spec import Change, Side, Slot, Spec
from tidegate.release.strategies import Options, asked
from tidegate.routing import RoutingTable
from tidegate.value import Value

ALIVE = (InstanceState.RUNNING, InstanceState.PAUSED)
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")


class Ask(Value):
    """What somebody asks. With a `change` Tidegate makes the new containers, else they are there already.

    `version` is the new one's name, empty: the image's tag, or the one that waits. `stable` is the version that serves now,
    empty: the one with traffic. `beside` is the service of the new side, where the sides are two services;
    `targets` are the hosts or routes they share then, empty: all of them. `replicas` 0: as many as there are.
    """

    service: str
    options: Options = Options()
    change: Change | None = None
    version: str = ""
    stable: str = ""
    beside: str = ""
    targets: tuple[str, ...] = ()
    replicas: int = 0


class Scene(Value):
    """What is there: inventories, the table, the engines that can be acted on (by provider), the number of the next release."""

    inventories: Mapping[str, Inventory]
    table: RoutingTable
    engines: frozenset[str]
    number: int


def planned(ask: Ask, scene: Scene) -> Spec:
    """The spec. Raises NoSuchThing (T1611), ConfigError (T2007, T2008) with what is missing."""
    _known(ask.service, scene)
    stable = _stable(ask, scene)
    if ask.change is None:
        return _of_running(ask, scene, stable)
    olds = _alive(scene, stable)
    slots = _slots(olds, scene.engines, stable)
    version = ask.version or fresh_version(ask.change.image, versions(scene.inventories, ask.service), scene.number)
    candidate = Side(service=ask.service, version=_plain(version), image=ask.change.image or stable.image)
    if members(scene.inventories, candidate):
        raise _unclear(f"there are containers of {candidate} already", "give the new version another name, or none")
    return asked(
        ask.options,
        stable,
        candidate,
        stables=len(olds),
        replicas=ask.replicas or len(olds),
        slots=slots,
        prefix=f"{ask.service.replace('/', '-')}-{candidate.called}-{scene.number}-",
        change=ask.change,
    )


def versions(inventories: Mapping[str, Inventory], service: str) -> frozenset[str]:
    """How the versions of a service are called, those of ended containers too."""
    found = (each for inventory in inventories.values() for each in inventory.services.get(service, ()))
    return frozenset(each.version or "default" for each in found)


def fresh_version(image: str, taken: Collection[str], number: int) -> str:
    """A name for a new version: the image's tag, told apart from those that are taken by the release's number."""
    name, at, _ = image.rpartition("/")[2].partition("@")
    tag = _UNFIT.sub("-", name.partition(":")[2]).lstrip("_.-")[:50]
    if not tag or at or tag == "latest":
        return f"r{number}"
    return tag if tag not in taken else f"{tag}-r{number}"


def revision(spec: Spec, number: int) -> str:
    """Changes with everything that a plan was made from."""
    return hashlib.sha256(json.encode((spec, number))).hexdigest()[:16]


def in_words(spec: Spec) -> list[str]:
    """What the release does, one sentence per step."""
    lines = [f"{spec.strategy.value} from {spec.stable.called} ({spec.stables} replicas) to {spec.candidate.called}"]
    if spec.creates:
        names = (
            f"{spec.container_name(1)} to {spec.container_name(spec.replicas)}"
            if spec.replicas > 1
            else spec.container_name(1)
        )
        lines[0] += f": {names} from image {spec.candidate.image}"
    before = spec.stables
    for number, step in enumerate(spec.steps, 1):
        parts = [f"{step.candidates} of {spec.candidate.called} ready"] if step.candidates else []
        parts += [f"share {step.share} %"] + ([f"hold {step.hold_seconds:g} s"] if step.hold_seconds else [])
        parts += ["wait for a person"] if step.confirm else []
        leave = [f"{before - step.stables} of {spec.stable.called} leave"] if step.stables < before else []
        lines.append(f"{number}. " + ", ".join([*leave, *parts] if step.stop_first else [*parts, *leave]))
        before = min(before, step.stables)
    ends = {"keep": "stay with their owner", "stop": "are stopped", "remove": "are removed"}[spec.retire.value]
    after = f" after {spec.retain_seconds:g} s" if spec.retain_seconds and spec.retire.value != "keep" else ""
    return [*lines, f"then the containers of {spec.stable.called} {ends}{after}"]


# ----------------------------------------------------------------------------------------------------------- private


def _of_running(ask: Ask, scene: Scene, stable: Side) -> Spec:
    """A release towards containers that somebody else started."""
    candidate = _candidate(ask, scene, stable)
    olds, news = _alive(scene, stable), _alive(scene, candidate)
    if not olds or not news:
        missing = candidate if olds else stable
        raise _unclear(f"no container of {missing} runs", "start some first, or say an image to make them from")
    return asked(
        ask.options,
        stable,
        candidate,
        stables=len(olds),
        replicas=max(ask.replicas, len(news), *(each.scale for each in news)),
        targets=ask.targets or _shared_routes(scene.table, stable, candidate),
    )


def _stable(ask: Ask, scene: Scene) -> Side:
    """The version that serves now."""
    there = {each.version or "default": each for each in _running(scene.inventories, ask.service)}
    if ask.stable:
        names = [ask.stable] if ask.stable in there else []
    else:
        weights = targets.weights_of(scene.table, ask.service)
        names = [name for name in there if name != ask.version and weights.get(name)]
        names = names or [name for name in there if name != ask.version]
    if len(names) != 1:
        which = ", ".join(sorted(there)) or "none"
        raise _unclear(f"it is not clear which version of {ask.service} serves now: {which}", "say which one (from)")
    instance = there[names[0]]
    return Side(service=ask.service, version=instance.version, image=instance.image)


def _candidate(ask: Ask, scene: Scene, stable: Side) -> Side:
    service = ask.beside or ask.service
    there = {each.version or "default": each for each in _running(scene.inventories, service)}
    if service == ask.service:
        there.pop(stable.called, None)
    names = [ask.version] if ask.version in there else [] if ask.version else list(there)
    if len(names) != 1:
        which = ", ".join(sorted(there)) or "none"
        raise _unclear(
            f"it is not clear what takes the place of {stable}: {which}",
            "say an image, or the version that is to serve",
        )
    instance = there[names[0]]
    return Side(service=service, version=instance.version, image=instance.image)


def _shared_routes(table: RoutingTable, stable: Side, candidate: Side) -> tuple[str, ...]:
    """Where the sides are two services, the routes that both are backends of."""
    if stable.service == candidate.service:
        return ()
    shared = tuple(
        sorted(
            route.id
            for route in table.routes.values()
            if {stable.service, candidate.service} <= {backend.service for backend in route.backends}
        )
    )
    if not shared:
        raise _unclear(f"{stable.service} and {candidate.service} share no route", "give both the same host and path")
    return shared


def _slots(olds: Iterable[Instance], engines: Collection[str], stable: Side) -> tuple[Slot, ...]:
    slots = tuple(Slot(container=each.id, node=each.provider) for each in olds if each.provider in engines)
    if not slots:
        raise _unclear(
            f"no container of {stable} runs on an engine, so there is nothing to copy", "start the new version yourself"
        )
    return slots


def _alive(scene: Scene, side: Side) -> list[Instance]:
    found = [each for each in members(scene.inventories, side).values() if each.state in ALIVE]
    return sorted(found, key=lambda each: (each.number, each.created_at, each.id))


def _running(inventories: Mapping[str, Inventory], service: str) -> list[Instance]:
    found = (each for inventory in inventories.values() for each in inventory.services.get(service, ()))
    return [each for each in found if each.state in ALIVE]


def _known(service: str, scene: Scene) -> None:
    names = {key for inventory in scene.inventories.values() for key in inventory.services}
    if service not in names:
        nearest = near(service, names)
        mend = f"did you mean {', '.join(nearest)}?" if nearest else "see /v1/services"
        raise NoSuchThing(
            Problem(code="T1611", text=f"there is no service {service}", mend=mend, kept="nothing was changed")
        )


def _plain(version: str) -> str:
    return "" if version == "default" else version


def _unclear(text: str, mend: str) -> ConfigError:
    return ConfigError(Problem(code="T2008", text=text, mend=mend, kept="nothing was changed"))
