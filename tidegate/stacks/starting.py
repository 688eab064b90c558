"""In which order services start that depend on each other, and a way round where there is none (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def start_order(depends: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The keys, each after those it depends on, otherwise as they come. Names that are no keys count as there already; what is in
    a cycle comes last.
    """
    order: list[str] = []
    waiting = {name: {each for each in needs if each in depends} for name, needs in depends.items()}
    while waiting:
        free = next((name for name, needs in waiting.items() if not needs), None)
        if free is None:
            return (*order, *waiting)
        del waiting[free]
        order.append(free)
        for needs in waiting.values():
            needs.discard(free)
    return tuple(order)


def cycle(depends: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """A way round: names of which each depends on the next, the first again at the end. Empty where there is none."""
    done: set[str] = set()
    for start in depends:
        trail: list[str] = []
        if found := _walk(start, depends, trail, done):
            return found
    return ()


def _walk(name: str, depends: Mapping[str, Iterable[str]], trail: list[str], done: set[str]) -> tuple[str, ...]:
    if name in trail:
        return (*trail[trail.index(name) :], name)
    if name in done or name not in depends:
        return ()
    trail.append(name)
    for each in depends[name]:
        if found := _walk(each, depends, trail, done):
            return found
    trail.pop()
    done.add(name)
    return ()
