"""What putting up a stack would do, in words: to what is there now, as the store says it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tidegate.stacks.field_changes import NOTHING, FieldChange, field_changes
from tidegate.stacks.picture import Picture
from tidegate.stacks.stack import Member, Stack
from tidegate.value import Value


class Change(Value):
    """One change. `what` is `create`, `update`, `scale`, `remove` or `settle`; `details` are what differs, without values of the environment."""

    service: str
    what: str
    text: str
    details: tuple[str, ...] = ()


def changes(picture: Picture, after: Stack) -> tuple[Change, ...]:
    """All of them, in the order of the file; those that are to go come last."""
    before = picture.stacks.get(after.name)
    before = None if before is not None and before.leaving else before
    known = {} if before is None else {each.name: each for each in before.members}
    found = list(_ground(before or Stack(name=after.name), after))
    for member in after.members:
        found += _of_member(picture, after, member, known.get(member.name))
    found += _outside(before or Stack(name=after.name), after)
    kept = {member.name for member in after.members}
    for name in known.keys() - kept:
        count = len(picture.of(f"{after.name}/{name}"))
        found.append(Change(service=name, what="remove", text=f"{name} goes, with {_replicas(count)}"))
    return tuple(found)


def _ground(before: Stack, after: Stack) -> Iterator[Change]:
    """Networks and volumes that come, are described in another way, or are used no more. What is there under the name stays as it is."""
    for kind, old, new, ends in (
        ("network", before.networks, after.networks, "goes when the stack is taken down"),
        ("volume", before.volumes, after.volumes, "stays, with all that is in it"),
    ):
        known = {each.name: each for each in old}
        for each in new:
            if each.name not in known:
                how = "is somebody else's" if each.external else "is made where a replica needs it"
                yield Change(service="", what="create", text=f"{kind} {each.name} {how}")
            elif known[each.name] != each:
                text = f"{kind} {each.name} is described in another way; where it is there it stays as it is"
                yield Change(service="", what="settle", text=text)
        kept = {each.name for each in new}
        for each in old:
            if each.name not in kept and not each.external:
                yield Change(service="", what="settle", text=f"{kind} {each.name} is used no more, and {ends}")


def _outside(before: Stack, after: Stack) -> Iterator[Change]:
    """Services that are somewhere else."""
    known, kept = ({each.name: each for each in stack.outside} for stack in (before, after))
    for name in known | kept:
        old, new = known.get(name), kept.get(name)
        if new is None:
            yield Change(service=name, what="remove", text=f"{name} stands for {known[name].host} no more")
        elif old is None:
            yield Change(service=name, what="create", text=f"{name} stands for {new.host}")
        elif old != new:
            yield Change(service=name, what="settle", text=f"{name} is described in another way: {new.host}")


def differences(old: Member, new: Member) -> tuple[str, ...]:
    """What of the container is another one, with both values where they cannot be secret."""
    found = field_changes(old.template, new.template)
    if old.digest != new.digest:
        digests = [each.digest.removeprefix("sha256:")[:12] or NOTHING for each in (old, new)]
        found = (*found, FieldChange(field="image digest", old=digests[0], new=digests[1]))
    return tuple(str(each) for each in found)


def _of_member(picture: Picture, after: Stack, member: Member, old: Member | None) -> Iterator[Change]:
    name, image = member.name, member.template.image
    if old is None:
        count = "one replica on each node" if member.everywhere else _replicas(member.scale)
        yield Change(service=name, what="create", text=f"{name} comes, with {count} of {image}")
        return
    if old.config != member.config:
        details = differences(old, member)
        order = "the old one first" if member.stop_first else "the new one first"
        how = f"{member.parallelism} at a time, {order}"
        text = f"{name} is replaced, {how}: {', '.join(details)}{_pinned(member)}{_followed(after, member)}"
        yield Change(service=name, what="update", text=text, details=details)
    elif old != msgspec.structs.replace(member, scale=old.scale):
        yield Change(service=name, what="settle", text=f"{name} is treated in another way; its containers stay")
    now, then = _said(picture, after, old), desired(picture, after, member)
    if now != then and not member.everywhere:
        text = f"{name} goes from {now} to {_replicas(then)}{_pinned(member)}"
        yield Change(service=name, what="scale", text=text)


def desired(picture: Picture, after: Stack, member: Member) -> int:
    """How many replicas are wanted once `after` is put up: what a person or a scaler said holds until the file says another number."""
    before = picture.stacks.get(after.name)
    old = next((each for each in before.members if each.name == member.name), None) if before is not None else None
    return member.scale if old is None or old.scale != member.scale else _said(picture, after, member)


def _said(picture: Picture, stack: Stack, member: Member) -> int:
    scale = picture.scales.get(f"{stack.name}/{member.name}")
    return member.scale if scale is None else scale.desired


def _pinned(member: Member) -> str:
    """A volume whose content is on one node keeps the replicas that use it there."""
    if not member.volumes:
        return ""
    return f"; replicas stay on their nodes, where {', '.join(member.volumes)} {'is' if len(member.volumes) == 1 else 'are'}"


def _followed(stack: Stack, member: Member) -> str:
    """Who shares with a container is made anew after it."""
    names = [each.name for each in stack.members if member.name in each.shares]
    if not names:
        return ""
    verbs = ("shares", "follows") if len(names) == 1 else ("share", "follow")
    return f"; {', '.join(names)} {verbs[0]} with it, and {verbs[1]}"


def _replicas(count: int) -> str:
    return f"{count} replica{'' if count == 1 else 's'}"
