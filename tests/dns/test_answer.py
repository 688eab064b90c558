from __future__ import annotations

from tidegate.dns import answer, wire
from tidegate.dns.tally import Tally

TALLY = Tally("A", wire.NOERROR)


def in_turn(orders):
    return [list(orders.records(orders.place(turn))) for turn in range(orders.size)]


def test_each_record_is_first_once_in_a_round():
    orders = in_turn(answer.Orders([[b"a", b"b", b"c"]]))
    assert [order[0] for order in orders] == [b"a", b"b", b"c"]
    assert all(sorted(order) == [b"a", b"b", b"c"] for order in orders)


def test_large_sets_keep_a_bounded_number_of_orders():
    assert answer.Orders([[bytes((n,)) for n in range(200)]]).size <= answer.MAX_VARIANTS


def test_variants_are_used_in_turn():
    found = answer.positive(TALLY, answer.Orders([[b"a", b"b"]]))
    assert [found.next().tail for _ in range(4)] == [b"ab", b"ba", b"ab", b"ba"]


def test_counts_tell_the_sections_with_and_without_opt():
    found = answer.positive(TALLY, answer.Orders([[b"a"]]), [b"glue"])
    (variant,) = found.variants
    assert (variant.counts, variant.counts_opt) == (b"\0\1\0\1\0\0\0\1", b"\0\1\0\1\0\0\0\2")
    assert answer.negative(TALLY, b"soa").next().counts == b"\0\1\0\0\0\1\0\0"


def test_answers_given_in_turn_may_differ_in_size_and_one_given_often_is_kept_once():
    found = answer.positive(TALLY, answer.Orders([[b"a"], [b"b", b"c"]], [0, 0, 1]))
    assert [found.next().counts[3] for _ in range(6)] == [1, 1, 2, 1, 1, 2]
    assert found.variants[0] is found.variants[1]


def test_sets_given_in_turn_are_each_at_their_next_rotation():
    orders = in_turn(answer.Orders([[b"a", b"b"], [b"c"]], [0, 1]))
    assert [records[0] for records in orders] == [b"a", b"c", b"b", b"c"]
    orders = in_turn(answer.Orders([[b"a", b"b", b"c"], [b"d"]], [0, 1, 0]))
    assert [records[0] for records in orders] == [b"a", b"d", b"b", b"c", b"d", b"a"]


def test_a_first_question_waits_for_one_of_many_orders_and_the_others_come_with_their_turn():
    many = [bytes((n,)) for n in range(50)]
    found = answer.positive(TALLY, answer.Orders([many]))
    assert found.next().records[0] == many[0]
    assert found.missing == 49
    assert [found.next().records[0] for _ in range(50)] == [*many[1:], many[0]]
    assert not found.missing
    assert all(len(variant.tail) == 50 for variant in found.whole)


def test_a_failure_is_not_authoritative():
    query = wire.parse(bytes.fromhex("123401000001000000000000037765620000010001"))
    failed = answer.failure(Tally("A", wire.SERVFAIL), wire.EDE_NOT_READY)
    assert answer.respond(query, failed, ra=True, room=512)[2:4] == b"\x81\x82"
