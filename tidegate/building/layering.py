"""Who says what of one route: its layers from the lowest to the highest, and the policy they amount to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tidegate.building.claims import Group
from tidegate.errors import Problem, Severity
from tidegate.model import Inventory, Overrides, RouteSpec
from tidegate.policy import Policy
from tidegate.settings.layers import Layer, Said, joined, laid
from tidegate.settings.policies import policy_of


def default_layers(inventories: Mapping[str, Inventory]) -> tuple[Layer, ...]:
    """The defaults of all files; where two say the same thing, the first by name wins."""
    saying = [each for _name, each in sorted(inventories.items(), reverse=True) if each.defaults]
    return tuple(Layer(source=f"defaults of {each.provider}", settings=each.defaults) for each in saying)


def default_conflicts(inventories: Mapping[str, Inventory]) -> tuple[Problem, ...]:
    """Files whose defaults do not hold as they are written, because another file says something else."""
    if sum(bool(each.defaults) for each in inventories.values()) < 2:
        return ()
    layers = default_layers(inventories)
    held = laid(layers)
    return tuple(
        _differing(loser, winner, names)
        for at, loser in enumerate(layers)
        for winner in layers[at + 1 :]
        if (names := [name for name in _lost(loser, held) if _touches(winner, name)])
    )


def _lost(layer: Layer, held: Mapping[str, Said]) -> list[str]:
    """Names that the layer says and that do not hold as it says them."""
    return sorted(name for name, value in layer.settings.items() if name not in held or held[name].value != value)


def _touches(layer: Layer, name: str) -> bool:
    """Whether the layer says this setting, or another one of a family that is taken from one place."""
    alone = laid((Layer(source="", settings={name: ""}), layer))
    return name not in alone or alone[name].source == layer.source


def _differing(loser: Layer, winner: Layer, names: Sequence[str]) -> Problem:
    one, other = (each.source.removeprefix("defaults of ").removeprefix("file:") for each in (winner, loser))
    return Problem(
        code="T1314",
        text=f"the defaults of {one} and {other} differ: {', '.join(names)}",
        place=other,
        cause="the defaults of all files are those of all routes, and the first file by name has the last word",
        mend="say each setting in one of the two files",
        kept=f"what {one} says",
        severity=Severity.WARNING,
    )


def group_layers(groups: Sequence[Group], defaults: Sequence[Layer]) -> tuple[Layer, ...]:
    """What containers say of their route, over the defaults; `groups` with the earliest first."""
    first = groups[0]
    own = joined(first.settings, (each.settings for each in groups[1:]))
    said = Layer(source=f"labels of {first.who}", settings=own)
    return tuple(_saying((Layer(source=first.origin, settings=first.implied), *defaults, said)))


def spec_layers(spec: RouteSpec, defaults: Sequence[Layer]) -> tuple[Layer, ...]:
    """What a file says of its route, over the defaults."""
    return tuple(_saying((*defaults, Layer(source=spec.origin, settings=spec.settings))))


def override_layers(id_: str, host: str, services: Iterable[str], overrides: Overrides) -> tuple[Layer, ...]:
    """What the operator set: for a service, over it for the host, over it for the route alone."""
    if not overrides.settings:
        return ()
    targets = (*reversed(tuple(dict.fromkeys(services))), host, id_)
    return tuple(
        Layer(source=f"override of {target}", settings=overrides.settings[target])
        for target in targets
        if target in overrides.settings
    )


def policy(layers: Sequence[Layer]) -> Policy:
    """What all layers amount to."""
    if len(layers) == 1:
        return policy_of(layers[0].settings)
    return policy_of({name: said.value for name, said in laid(layers).items()})


def _saying(layers: Iterable[Layer]) -> Iterator[Layer]:
    return (layer for layer in layers if layer.settings)
