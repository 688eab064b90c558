"""What putting up a stack would do, in words: to what is there now, as the store says it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

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
    known = {} if before is None or before.leaving else {each.name: each for each in before.members}
    found: list[Change] = []
    for member in after.members:
        found += _of_member(picture, after, member, known.get(member.name))
    kept = {member.name for member in after.members}
    for name in known.keys() - kept:
        count = len(picture.of(f"{after.name}/{name}"))
        found.append(Change(service=name, what="remove", text=f"{name} goes, with {_replicas(count)}"))
    return tuple(found)


def differences(old: Member, new: Member) -> tuple[str, ...]:
    """What of the container is another one."""
    return tuple(_differences(old, new))


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
        yield Change(
            service=name, what="update", text=f"{name} is replaced, {how}: {', '.join(details)}", details=details
        )
    elif old != msgspec.structs.replace(member, scale=old.scale):
        yield Change(service=name, what="settle", text=f"{name} is treated in another way; its containers stay")
    now, then = _desired(picture, after, old), _desired(picture, after, member, fresh=old.scale != member.scale)
    if now != then and not member.everywhere:
        yield Change(service=name, what="scale", text=f"{name} goes from {now} to {_replicas(then)}")


def _desired(picture: Picture, stack: Stack, member: Member, *, fresh: bool = False) -> int:
    """What a person or a scaler said holds until the file says another number."""
    scale = picture.scales.get(f"{stack.name}/{member.name}")
    return member.scale if fresh or scale is None else scale.desired


def _differences(old: Member, new: Member) -> Iterator[str]:
    for field in msgspec.structs.fields(type(new.template)):
        was, is_ = getattr(old.template, field.name), getattr(new.template, field.name)
        if was == is_ or field.name == "name":
            continue
        if field.name == "image":
            yield f"image {was} -> {is_}"
        elif isinstance(was, dict) and isinstance(is_, dict):
            named = sorted(key for key in was.keys() | is_.keys() if was.get(key) != is_.get(key))
            yield f"{field.name} {', '.join(map(str, named))}"
        else:
            yield field.name.replace("_", " ")


def _replicas(count: int) -> str:
    return f"{count} replica{'' if count == 1 else 's'}"
