"""Who says what of one route: its layers from the lowest to the highest, and the policy they amount to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tidegate.building.claims import Group
from tidegate.model import Inventory, Overrides, RouteSpec
from tidegate.policy import Policy
from tidegate.settings.layers import Layer, joined, laid
from tidegate.settings.policies import policy_of


def default_layers(inventories: Mapping[str, Inventory]) -> tuple[Layer, ...]:
    """The defaults of all files; where two say the same thing, the first by name wins."""
    saying = [each for _name, each in sorted(inventories.items(), reverse=True) if each.defaults]
    return tuple(Layer(source=f"defaults of {each.provider}", settings=each.defaults) for each in saying)


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
