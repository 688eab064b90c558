from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from tests.support.placement import demand, node, scene, slots
from tidegate.placement.decision import Filter
from tidegate.placement.place import place
from tidegate.placement.resources import Resources
from tidegate.placement.stock import KINDS, Stock, bounded, parts, short, stocked, whole

HELD = Stock(
    images=("web:1", "sha256:1"),
    volumes=("data",),
    ports=("tcp/80",),
    taken=Resources(memory=5),
    containers={"db": {"tier": "db"}},
    cut={"images": 3},
)
names = st.text(max_size=12)
stocks = st.builds(
    Stock,
    images=st.lists(names, unique=True, max_size=8).map(tuple),
    volumes=st.lists(names, unique=True, max_size=8).map(tuple),
    ports=st.lists(names, unique=True, max_size=8).map(tuple),
    taken=st.builds(Resources, memory=st.integers(0, 1 << 40)),
    containers=st.dictionaries(names, st.dictionaries(names, names, max_size=3), max_size=5),
)


@given(stocks, st.integers(2, 200))
def test_what_is_told_in_parts_is_whole_again_on_the_other_side(stock, most):
    told = {kind: json.encode(part) for kind, part in parts(bounded(stock, most)).items()}
    assert whole({kind: json.decode(each, type=Stock) for kind, each in told.items()}) == bounded(stock, most)


@given(stocks, st.integers(2, 200))
def test_each_part_stays_within_its_bound_and_says_how_much_it_lacks(stock, most):
    kept = bounded(stock, most)
    for kind in KINDS:
        have, had = getattr(kept, kind), getattr(stock, kind)
        assert len(json.encode(have)) <= most + 1
        assert kept.cut.get(kind, 0) == len(had) - len(have)
        assert list(have) == list(had)[: len(have)], "what comes first is kept"


def test_a_stock_that_fits_is_told_as_it_is():
    assert bounded(HELD) is HELD
    assert parts(Stock()) == {} and whole({}) == Stock()
    assert set(parts(HELD)) == set(KINDS)


def test_a_label_that_no_rule_can_name_is_not_told():
    assert short({"tier": "db", "certificate": "x" * 257}) == {"tier": "db"}


def chosen(wanted, *nodes, replicas=()):
    decision = place(slots(1), scene(nodes, [wanted], replicas), 1.0, 1)
    return decision.places[0].node if decision.places else decision.refusals[0].counts


@pytest.mark.parametrize(
    ("held", "wanted", "where"),
    [
        (Stock(ports=("tcp/80",)), demand(ports=("tcp/80",)), "free"),
        (Stock(images=("web:1",)), demand(image="web:1"), "held"),
        (Stock(images=("redis:7",)), demand("shop/web", "affinity:image==redis"), "held"),
        (Stock(containers={"nginx-1": {}}), demand("shop/web", "affinity:container!=nginx-*"), "free"),
        (Stock(containers={"x": {"tier": "db"}}), demand("shop/web", "affinity:tier==db"), "held"),
        (Stock(volumes=("shop_data",)), demand(volumes=("shop_data",)), "held"),
        (Stock(taken=Resources(memory=7 << 30)), demand(memory=2 << 30), "free"),
    ],
)
def test_a_replica_goes_where_what_the_engines_hold_speaks_for_it(held, wanted, where):
    other = node("free", zone="a")
    assert chosen(wanted, stocked(node("held", zone="a"), held), other) == where
    assert chosen(wanted, other, stocked(node("held", zone="a"), held)) == where


def test_a_port_that_somebody_else_holds_everywhere_is_said():
    assert chosen(demand(ports=("tcp/80",)), stocked(node("a"), Stock(ports=("tcp/80",)))) == {Filter.PORT.value: 1}
