"""What a node's engine holds beside our own replicas, as far as placement asks for it: images, volumes, and what others run there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import json
from msgspec.structs import replace

from tidegate.placement.node import NodeFacts
from tidegate.placement.resources import NOTHING, Resources
from tidegate.value import Value

MAX_BYTES = 60_000  # of one kind, written out: each is a value of the store, whose own advice is 64 KiB
MAX_LABEL = 256  # a rule names no longer value
KINDS = ("images", "volumes", "ports", "containers")


class Stock(Value):
    """`images`: every name and id that an image has there, the newest image first. `volumes` have a name that somebody gave.
    `ports` (as `tcp/80`), `taken` and `containers` (name -> labels) are of containers that run and are not our replicas.
    `cut`: kind -> how many of it were left out, since there are more than can be told."""

    images: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    taken: Resources = NOTHING
    containers: dict[str, dict[str, str]] = {}
    cut: dict[str, int] = {}


def bounded(stock: Stock, most: int = MAX_BYTES) -> Stock:
    """The same, with as much of each kind, from its beginning, as `most` bytes take."""
    kept = {kind: _first(_items(stock, kind), most) for kind in KINDS}
    cut = {kind: more for kind in KINDS if (more := len(_items(stock, kind)) - len(kept[kind]))}
    return replace(stock, **{**kept, "containers": dict(kept["containers"])}, cut=cut) if cut else stock


def parts(stock: Stock) -> dict[str, Stock]:
    """By kind what is said of it, so that a change of one is not a change of all. What is taken stands with the ports."""
    found = {}
    for kind in KINDS:
        cut = {kind: stock.cut[kind]} if kind in stock.cut else {}
        taken = stock.taken if kind == "ports" else NOTHING
        part = replace(Stock(cut=cut, taken=taken), **{kind: getattr(stock, kind)})
        if part != Stock():
            found[kind] = part
    return found


def whole(told: Mapping[str, Stock]) -> Stock:
    """All parts together, each by its kind."""
    said = {kind: getattr(part, kind) for kind, part in told.items()}
    taken = told["ports"].taken if "ports" in told else NOTHING
    return replace(Stock(taken=taken), **said, cut={kind: n for part in told.values() for kind, n in part.cut.items()})


def stocked(facts: NodeFacts, stock: Stock) -> NodeFacts:
    """A node with what its engine holds."""
    return replace(
        facts,
        images=frozenset(stock.images),
        volumes=stock.volumes,
        ports=stock.ports,
        taken=stock.taken,
        containers=stock.containers,
        cut=stock.cut,
    )


def short(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that a rule may speak of."""
    return {name: value for name, value in labels.items() if len(value) <= MAX_LABEL}


def _items(stock: Stock, kind: str) -> tuple[Any, ...]:
    found = getattr(stock, kind)
    return tuple(found.items()) if isinstance(found, dict) else tuple(found)


def _first(items: Iterable[Any], most: int) -> tuple[Any, ...]:
    kept, size = [], 0
    for each in items:
        size += len(json.encode(each)) + 1
        if size > most:
            break
        kept.append(each)
    return tuple(kept)
