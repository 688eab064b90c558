"""Which image the candidate's containers are made of: what each engine holds by the name that was asked for, and whether that is
one and the same. A tag may move at any time, so it is looked up once and the answer kept in the record."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.value import Value


class Pin(Value):
    """The image that one engine holds. `digests` are what registries call it: engines of another kind or platform give the same
    image another id, but fetched from one registry it has one digest."""

    id: str
    digests: tuple[str, ...] = ()


def same(one: Pin, other: Pin) -> bool:
    """Whether two engines hold the same image."""
    return one.id == other.id or bool({*one.digests} & {*other.digests})


def disagreement(image: str, pins: Mapping[str, Pin]) -> str:
    """In what the engines, by node, differ; empty where all hold the same image."""
    first = next(iter(pins.values()), None)
    if first is None or all(same(first, each) for each in pins.values()):
        return ""
    held = ", ".join(f"{node or 'the engine'} has {each.id[:19]}" for node, each in pins.items())
    return f"{image} is not the same image on all engines: {held}; have it fetched anew with --pull always, or name its digest"
