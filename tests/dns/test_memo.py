from __future__ import annotations

from tidegate.dns import answer, wire
from tidegate.dns.memo import STRUCTURE, Memo
from tidegate.dns.tally import Tally

ANSWER = answer.negative(Tally("A", wire.NXDOMAIN), b"soa")


def test_forgetting_a_name_drops_exactly_what_hangs_on_it():
    memo = Memo()
    memo.put(b"one", ANSWER, (b"x", b"y"))
    memo.put(b"two", ANSWER, (b"y",))
    memo.forget(b"x")
    assert set(memo.answers) == {b"two"}


def test_a_full_memo_drops_the_oldest_and_every_trace_of_it():
    memo = Memo(limit=2)
    for question in (b"one", b"two", b"three"):
        memo.put(question, ANSWER, (question, STRUCTURE))
    assert set(memo.answers) == {b"two", b"three"}
    assert set(memo._hanging) == {b"two", b"three", STRUCTURE}
    memo.forget(STRUCTURE)
    assert not memo.answers
    assert not memo._hanging


def test_an_answer_that_is_put_again_hangs_on_its_new_names_only():
    memo = Memo()
    memo.put(b"one", ANSWER, (b"x",))
    memo.put(b"one", ANSWER, (b"y",))
    memo.forget(b"x")
    assert set(memo.answers) == {b"one"}


def test_keys_are_lower_case():
    memo = Memo()
    memo.put(b"OnE", ANSWER, ())
    assert set(memo.answers) == {b"one"}
