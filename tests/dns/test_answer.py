from __future__ import annotations

from tidegate.dns import answer, wire
from tidegate.dns.tally import Tally

TALLY = Tally("A", wire.NOERROR)


def test_each_record_is_first_once_in_a_round():
    orders = answer.rotations([b"a", b"b", b"c"])
    assert [order[0] for order in orders] == [b"a", b"b", b"c"]
    assert all(sorted(order) == [b"a", b"b", b"c"] for order in orders)


def test_large_sets_keep_a_bounded_number_of_orders():
    assert len(answer.rotations([bytes((n,)) for n in range(200)])) <= answer.MAX_VARIANTS


def test_variants_are_used_in_turn():
    found = answer.positive(TALLY, [[b"a"], [b"b"]])
    assert [found.next().tail for _ in range(4)] == [b"a", b"b", b"a", b"b"]


def test_counts_tell_the_sections_with_and_without_opt():
    found = answer.positive(TALLY, [[b"a", b"b"]], [b"glue"])
    (variant,) = found.variants
    assert (variant.counts, variant.counts_opt) == (b"\0\1\0\2\0\0\0\1", b"\0\1\0\2\0\0\0\2")
    assert answer.negative(TALLY, b"soa").next().counts == b"\0\1\0\0\0\1\0\0"


def test_answers_given_in_turn_may_differ_in_size_and_one_given_often_is_kept_once():
    many, few = [b"a", b"b"], [b"c"]
    found = answer.positive(TALLY, [many, many, few])
    assert [found.next().counts[3] for _ in range(3)] == [2, 2, 1]
    assert found.variants[0] is found.variants[1]


def test_sets_given_in_turn_are_each_at_their_next_rotation():
    one, other = answer.rotations([b"a", b"b"]), answer.rotations([b"c"])
    found = answer.interleaved([one, other], [0, 1])
    assert [records[0] for records in found] == [b"a", b"c", b"b", b"c"]
    assert answer.interleaved([one], [0]) == one
    assert answer.interleaved([], []) == []


def test_a_failure_is_not_authoritative():
    query = wire.parse(bytes.fromhex("123401000001000000000000037765620000010001"))
    failed = answer.failure(Tally("A", wire.SERVFAIL), wire.EDE_NOT_READY)
    assert answer.respond(query, failed, ra=True, room=512)[2:4] == b"\x81\x82"
