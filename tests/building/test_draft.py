from hypothesis import given
from hypothesis import strategies as st

from tidegate.building.draft import Draft, Index


def test_a_draft_reads_its_changes_and_leaves_the_base_alone():
    base = {"a": 1, "b": 2}
    draft = Draft(base)
    draft.put("a", None)
    draft.put("c", 3)
    assert (draft.get("a"), draft.get("b"), draft.get("c")) == (None, 2, 3)
    assert draft.done() == {"b": 2, "c": 3}
    assert base == {"a": 1, "b": 2}


def test_a_value_equal_to_the_old_one_is_no_change():
    base = {"a": (1, 2)}
    draft = Draft(base)
    draft.put("a", None)
    draft.put("a", (1, 2))
    assert draft.done() is base


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("ab"), st.sampled_from("xyz"))))
def test_an_index_is_a_relation_with_sorted_members(steps):
    index, model = Index({}), set()
    for adds, key, member in steps:
        (index.add if adds else index.remove)(key, member)
        (model.add if adds else model.discard)((key, member))
    for key in "ab":
        assert index.get(key) == tuple(sorted(member for each, member in model if each == key))
    assert set(index.draft.done()) == {key for key, _ in model}
