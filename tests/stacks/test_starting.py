import itertools

from hypothesis import given
from hypothesis import strategies as st

from tidegate.stacks.starting import cycle, start_order

NAMES = st.sampled_from("abcdef")
GRAPHS = st.dictionaries(NAMES, st.lists(NAMES, unique=True))


def test_services_start_after_what_they_need_and_otherwise_as_they_come():
    assert start_order({"web": ["db", "cache"], "db": [], "cache": ["db"], "other": []}) == (
        "db",
        "cache",
        "web",
        "other",
    )


def test_what_is_not_there_is_not_waited_for():
    assert start_order({"web": ["gone"]}) == ("web",)
    assert cycle({"web": ["gone"]}) == ()


def test_a_way_round_is_named():
    assert cycle({"x": [], "a": ["b"], "b": ["c"], "c": ["a"]}) == ("a", "b", "c", "a")
    assert cycle({"a": ["a"]}) == ("a", "a")


@given(GRAPHS)
def test_each_comes_once_and_after_its_needs_unless_there_is_a_way_round(graph):
    order = start_order(graph)
    assert sorted(order) == sorted(graph)
    found = cycle(graph)
    late = [
        (name, need)
        for name in order
        for need in graph[name]
        if need in graph and order.index(need) >= order.index(name)
    ]
    assert bool(late) == bool(found)
    for name, need in itertools.pairwise(found):
        assert need in graph[name]


def test_a_chain_of_thousands_is_ordered():
    chain = {str(number): [str(number + 1)] for number in range(5000)}
    assert start_order(chain) == tuple(str(number) for number in reversed(range(5000)))
    assert cycle(chain) == ()
    assert len(cycle({**chain, "5000": ["0"]})) == 5002
