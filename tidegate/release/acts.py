"""What there is to do for a release as it is stored and as it is seen. Asked again, it says again what is still missing.

Acts follow from the stored record alone, so that nothing happens to a container before the intent is in the store; doing one
twice does no harm: names are fixed, and a container is only told what it does not do already.
"""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.model import InstanceState
from tidegate.release.record import UNDECIDED, Fate, Release, State, Wish
from tidegate.release.seen import Container, Seen
from tidegate.value import Value


class Fetch(Value, tag="fetch"):
    """Have the candidate's image on `node`, and learn which one it is."""

    node: str


class Create(Value, tag="create"):
    """Make container `name` with slot `number` on `node`, as a copy of container `source` with the spec's change."""

    name: str
    number: int
    source: str
    node: str = ""


class Start(Value, tag="start"):
    """Start a container that does not run."""

    container: str
    name: str = ""
    node: str = ""


class Stop(Value, tag="stop"):
    """Stop a running container for good. It has no requests left, or its time to drain is over. `seconds` as `Spec.stop_seconds`."""

    container: str
    name: str = ""
    node: str = ""
    seconds: float | None = None


class Remove(Value, tag="remove"):
    """Remove a container that does not run, with its anonymous volumes."""

    container: str
    name: str = ""
    node: str = ""


Act = Fetch | Create | Start | Stop | Remove


def acts(release: Release, seen: Seen) -> tuple[Act, ...]:
    """All that can be done now; empty when everything is as the record wants it, or while not everything is in sight."""
    if release.closed or release.state is State.FAILED or not seen.whole:
        return ()
    return (*_growing(release, seen), *_leaving(release, seen))


def _growing(release: Release, seen: Seen) -> Iterator[Act]:
    """Candidates of ours that are missing or were made and never started. One that ended is a failure, not started again."""
    if not release.spec.creates or release.paused is not None:
        return
    if release.lacking:
        yield from (Fetch(node=node) for node in release.lacking if release.state in UNDECIDED)
        return
    there = {each.number: each for each in seen.candidate}
    for number in range(1, release.candidates + 1):
        container = there.get(number)
        if container is None:
            slot = release.spec.slot(number)
            name = release.spec.container_name(number)
            yield Create(name=name, number=number, source=slot.container, node=slot.node)
        elif container.state is InstanceState.CREATED and container.id not in release.fates:
            yield Start(container=container.id, name=container.name, node=container.node)


def _leaving(release: Release, seen: Seen) -> Iterator[Act]:
    waking = release.candidates - sum(each.alive for each in seen.candidate)
    for container in seen.candidate:
        act = _wished(release, container, release.fates.get(container.id))
        if isinstance(act, Start):
            waking -= 1
        if act is not None and (waking >= 0 or not isinstance(act, Start)):
            yield act
    for container in seen.stable:
        act = _wished(release, container, release.fates.get(container.id))
        if act is not None:
            yield act


def _wished(release: Release, container: Container, fate: Fate | None) -> Act | None:
    if fate is None:
        return None
    id_, name, node = container.id, container.name, container.node
    if fate.wish in (Wish.STOP, Wish.REMOVE) and container.alive:
        return Stop(container=id_, name=name, node=node, seconds=release.spec.stop_seconds)
    if fate.wish is Wish.REMOVE:
        return Remove(container=id_, name=name, node=node)
    if fate.wish is Wish.RETURN and not container.alive:
        return Start(container=id_, name=name, node=node)
    return None
