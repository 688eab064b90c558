from __future__ import annotations

from tests.support.placement import NOW, replica
from tidegate.placement.failures import followed

WEB = ("shop/web", "r1")


def crashed(times, node="n1", **more):
    return replica(node, ended=times, **more)


def test_five_ends_in_five_minutes_make_a_node_the_last_choice():
    after = followed(None, *WEB, [crashed(4)], NOW)
    assert not after.failing(NOW)
    after = followed(after, *WEB, [crashed(5)], NOW + 60.0)
    assert after.failing(NOW + 60.0) == {"n1"}
    assert not after.failing(NOW + 301.0)


def test_ends_on_other_nodes_are_counted_apart():
    after = followed(None, *WEB, [crashed(4), crashed(4, "n2", slot=2)], NOW)
    assert not after.failing(NOW)


def test_an_end_counts_once():
    after = followed(None, *WEB, [crashed(3)], NOW)
    assert followed(after, *WEB, [crashed(3)], NOW + 1.0) is after


def test_another_revision_begins_with_a_clean_sheet():
    after = followed(None, *WEB, [crashed(9)], NOW)
    assert followed(after, "shop/web", "r2", [crashed(9)], NOW) is None


def test_what_is_old_is_forgotten_and_what_was_counted_is_not_counted_anew():
    after = followed(None, *WEB, [crashed(9)], NOW)
    later = followed(after, *WEB, [crashed(9)], NOW + 400.0)
    assert later.nodes == {}
    assert followed(later, *WEB, [crashed(9)], NOW + 401.0) is later
    assert followed(later, *WEB, [], NOW + 800.0) in (None, later)


def test_nothing_happened_is_nothing_to_remember():
    assert followed(None, *WEB, [replica("n1")], NOW) is None
