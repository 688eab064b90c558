from __future__ import annotations

from tidegate.dns.entropy import Entropy
from tidegate.dns.wire import encode


def test_ids_do_not_repeat_in_a_pattern():
    entropy = Entropy()
    idents = [entropy.ident() for _ in range(4000)]
    assert {len(ident) for ident in idents} == {2}
    assert len(set(idents)) > 3500


def test_numbers_stay_below_their_bound_and_reach_all_of_it():
    entropy = Entropy()
    assert {entropy.below(64) for _ in range(4000)} == set(range(64))


def test_a_name_in_mixed_case_is_the_same_name():
    entropy = Entropy()
    name = encode("www.some-where.example99")
    found = {entropy.mixed_case(name) for _ in range(200)}
    assert len(found) > 100
    assert {each.lower() for each in found} == {name}


def test_two_draws_differ():
    assert Entropy().ident() + Entropy().ident() != b"\0" * 4
    first, second = Entropy(), Entropy()
    assert [first.ident() for _ in range(8)] != [second.ident() for _ in range(8)]
