import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.model import Route
from tidegate.routing import (
    Delta,
    RoutingTable,
    Shards,
    TableCell,
    decode_table,
    encode_table,
    patched,
    plain,
    with_delta,
)

ROUTE = Route(id="a.test/", host="a.test", path="/", backends=())


def test_a_table_crosses_the_wire_unchanged():
    table = RoutingTable(version=3, routes={"a.test/": ROUTE})
    assert decode_table(encode_table(table)) == table
    assert decode_table(encode_table(RoutingTable(version=3, routes=Shards({"a.test/": ROUTE})))) == table


@given(st.lists(st.dictionaries(st.text(max_size=2), st.none() | st.integers()), max_size=6))
def test_shards_read_like_a_dict_after_any_changes_and_leave_the_old_ones_alone(rounds):
    shards, model = Shards(), {}
    for changes in rounds:
        before, old = dict(model), shards
        shards = shards.patched(changes)
        model = patched(model, changes)
        assert dict(shards) == model
        assert len(shards) == len(model)
        assert shards == model
        assert all(key in shards and shards[key] == value for key, value in model.items())
        assert dict(old) == before


def test_only_mappings_of_tables_are_made_plain():
    with pytest.raises(NotImplementedError):
        plain(object())


def test_a_table_takes_no_new_value():
    with pytest.raises(AttributeError):
        RoutingTable().version = 4


def test_patching_with_nothing_keeps_the_object_and_else_leaves_the_old_one_alone():
    old = {"a": 1, "b": 2}
    assert patched(old, {}) is old
    assert patched(old, {"a": None, "c": 3, "unknown": None}) == {"b": 2, "c": 3}
    assert old == {"a": 1, "b": 2}


def test_a_delta_makes_the_next_table_and_shares_what_did_not_change():
    table = RoutingTable(version=1)
    after = with_delta(table, Delta(base=1, version=2, routes={"a.test/": ROUTE}))
    assert after.version == 2
    assert after.routes == {"a.test/": ROUTE}
    assert after.services is table.services
    assert with_delta(after, Delta(base=2, version=3, routes={"a.test/": None})).routes == {}


def test_a_delta_that_says_nothing_of_subnets_keeps_them():
    table = with_delta(RoutingTable(version=1), Delta(base=1, version=2, subnets=("10.0.0.0/8",)))
    assert with_delta(table, Delta(base=2, version=3)).subnets == ("10.0.0.0/8",)
    assert with_delta(table, Delta(base=2, version=3, subnets=())).subnets == ()
    assert not Delta(base=1, version=2, subnets=()).empty
    assert decode_table(encode_table(table)) == table


def test_a_delta_of_another_table_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        with_delta(RoutingTable(version=1), Delta(base=7, version=8))


def test_followers_hear_of_each_publish_in_order_of_registration():
    cell, heard = TableCell(), []
    cell.follow(lambda table, delta: heard.append(("first", table.version, delta.base)))
    cell.follow(lambda table, delta: heard.append(("second", table.version, delta.base)))
    cell.publish(RoutingTable(version=1), Delta(base=0, version=1))
    assert heard == [("first", 1, 0), ("second", 1, 0)]
    assert cell.table.version == 1


def test_a_version_that_does_not_grow_is_our_own_bug():
    cell = TableCell()
    cell.publish(RoutingTable(version=2), Delta(base=0, version=2))
    with pytest.raises(AssertionError):
        cell.publish(RoutingTable(version=2), Delta(base=2, version=2))
