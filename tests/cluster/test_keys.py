"""Keys of the cluster: what is in them comes out of them."""

import pytest

from tidegate.cluster.keys import index_key, live_key, parse, seen_key, seen_prefix, spec_key, stock_key, stock_prefix


@pytest.mark.parametrize("node", ["a", "node-1.example", "with/slash", "ä b", "100%"])
def test_a_name_comes_out_as_it_went_in(node):
    assert parse(live_key(node)) == (node, "live", "")
    assert parse(spec_key(node)) == (node, "spec", "")
    assert parse(seen_key(node, "shop/web", 3)) == (node, "seen", "shop/web")
    assert parse(stock_key(node, "images")) == (node, "stock", "images")
    assert stock_key(node, "images").startswith(stock_prefix(node))
    assert seen_key(node, "shop/web", 3).startswith(seen_prefix(node))
    assert live_key(node).isascii()


@pytest.mark.parametrize(
    "key", ["nodes/a", "nodes/a/else", "nodes/a/seen/x", "nodes/a/seen/x/y", "leader", index_key(3)]
)
def test_another_key_is_nobodys(key):
    assert parse(key) == ("", "", "")
