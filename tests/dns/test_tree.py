from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.dns import name
from tidegate.dns import wire
from tidegate.dns.tree import Tree, ancestors

APEX = wire.encode("z")
LABELS = st.lists(st.sampled_from(["a", "b", "c", "*"]), min_size=1, max_size=4)


def held(tree):
    return {wire.decode(node) for node in tree.nodes}


def test_names_between_a_name_and_its_zone_exist():
    tree = Tree(frozenset([APEX]))
    assert tree.claim(wire.encode("a.b.z"), "k", name("a.b"))
    assert held(tree) == {"a.b.z", "b.z", "z"}


def test_outside_of_zones_only_the_name_itself_exists():
    tree = Tree(frozenset([APEX]))
    tree.claim(wire.encode("a.b"), "k", name("a.b"))
    assert held(tree) == {"a.b", "z"}


def test_what_is_written_out_in_full_goes_before_what_is_derived():
    tree = Tree(frozenset([APEX]))
    full, derived = name("a.z", absolute=True), name("a")
    tree.claim(wire.encode("a.z"), "a", derived)
    tree.claim(wire.encode("a.z"), "a.z.", full)
    assert tree.nodes[wire.encode("a.z")].claim is full


def test_only_the_wildcard_of_the_closest_encloser_covers_a_name():
    tree = Tree(frozenset([APEX]))
    for text in ("*.z", "a.b.z"):
        tree.claim(wire.encode(text), text, name(text))
    assert tree.wildcard(wire.encode("x.z")).name == wire.encode("*.z")
    assert tree.wildcard(wire.encode("x.y.z")).name == wire.encode("*.z")
    assert tree.wildcard(wire.encode("x.b.z")) is None
    assert tree.wildcard(wire.encode("x.a.b.z")) is None


def test_a_wildcard_covers_names_until_its_last_claim_is_gone():
    tree = Tree(frozenset([APEX]))
    star, below = wire.encode("*.z"), wire.encode("x.z")
    for key in ("one", "two", "two"):
        tree.claim(star, key, name(key))
    for key in ("one", "two"):
        assert tree.wildcard(below).name == star
        tree.unclaim(star, key)
    assert tree.wildcard(below) is None
    tree.claim(star, "one", name("one"))
    assert tree.wildcard(below).name == star


def test_a_pointer_is_gone_after_its_last_use():
    tree = Tree(frozenset([APEX]))
    assert tree.point(wire.encode("1.z"), "web")
    assert not tree.point(wire.encode("1.z"), "web")
    assert not tree.unpoint(wire.encode("1.z"), "web")
    assert tree.unpoint(wire.encode("1.z"), "web")


@given(st.lists(st.tuples(st.booleans(), LABELS), max_size=30))
def test_the_nodes_are_the_claimed_names_and_what_lies_between(steps):
    tree = Tree(frozenset([APEX]))
    claimed = set()
    for add, labels in steps:
        wire_name = wire.encode(".".join([*labels, "z"]))
        if add:
            tree.claim(wire_name, "k", name("x"))
            claimed.add(wire_name)
        elif wire_name in claimed:
            tree.unclaim(wire_name, "k")
            claimed.discard(wire_name)
    between = {above for wire_name in claimed for above in ancestors(wire_name) if above != b"\0"}
    assert set(tree.nodes) == claimed | between | {APEX}
