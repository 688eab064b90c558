"""In which order services start that depend on each other, and a way round where there is none (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush


def start_order(depends: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The keys, each after those it depends on, otherwise as they come. Names that are no keys count as there already; what waits for
    a cycle comes last.
    """
    places = {name: place for place, name in enumerate(depends)}
    missing = {name: {need for need in needs if need in depends} for name, needs in depends.items()}
    waiters: dict[str, list[str]] = {name: [] for name in depends}
    for name, needs in missing.items():
        for need in needs:
            waiters[need].append(name)
    names, order = list(depends), []
    free = [places[name] for name, needs in missing.items() if not needs]
    heapify(free)
    while free:
        name = names[heappop(free)]
        order.append(name)
        for waiter in waiters[name]:
            missing[waiter].discard(name)
            if not missing[waiter]:
                heappush(free, places[waiter])
    return (*order, *(name for name in depends if missing[name]))


def cycle(depends: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """A way round: names of which each depends on the next, the first again at the end. Empty where there is none."""
    done: set[str] = set()
    for start in depends:
        if start not in done and (found := _way_round(start, depends, done)):
            return found
    return ()


def _way_round(start: str, depends: Mapping[str, Iterable[str]], done: set[str]) -> tuple[str, ...]:
    """Depth first, without recursion: a file may hold a chain of thousands. `trail` is the way from `start`, in order."""
    trail: dict[str, Iterator[str]] = {start: iter(depends[start])}
    while trail:
        here = next(reversed(trail))
        need = next((each for each in trail[here] if each in depends and each not in done), None)
        if need is None:
            done.add(here)
            del trail[here]
        elif need in trail:
            names = list(trail)
            return (*names[names.index(need) :], need)
        else:
            trail[need] = iter(depends[need])
    return ()
