from __future__ import annotations

import inspect

import pytest
from msgspec import Struct, json

from tidegate import model
from tidegate.model import Address, Overrides, TrafficMode
from tidegate.value import Value

VALUES = [
    kind
    for _, kind in inspect.getmembers(model, inspect.isclass)
    if issubclass(kind, Struct) and kind.__module__ == model.__name__
]


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_every_value_is_frozen(kind):
    assert issubclass(kind, Value)
    assert kind.__struct_config__.frozen


@pytest.mark.parametrize(
    ("host", "written"), [("10.0.0.1", "10.0.0.1:80"), ("::1", "[::1]:80"), ("fe80::1", "[fe80::1]:80")]
)
def test_an_address_is_written_as_in_a_url(host, written):
    assert str(Address(host=host, port=80)) == written


def test_what_the_operator_set_crosses_to_the_store_and_back():
    overrides = Overrides(
        weights={"shop/web": {"v1": 90, "v2": 10}},
        modes={"shop/web": TrafficMode.MAINTENANCE},
        drained=frozenset({"web-1"}),
    )
    assert json.decode(json.encode(overrides), type=Overrides) == overrides


def test_defaults_cost_nothing_on_the_wire():
    assert json.encode(Overrides()) == b"{}"
