from __future__ import annotations

from tidegate.dns import message, wire
from tidegate.dns.loop import LoopCheck
from tidegate.dns.upstream import query_for
from tidegate.model import Address

HERE = (Address(host="127.0.0.1", port=5301),)
THERE = (Address(host="127.0.0.1", port=5302),)


def asked(check):
    query = wire.parse(query_for(check.question() + b"\0"))
    assert query.rcode == wire.NOERROR
    return query


def test_who_listens_at_the_same_place_knows_the_question_and_the_answer():
    first, second = LoopCheck(HERE), LoopCheck(HERE)
    reply = message.read(second.answer(asked(first)))
    assert first.is_ours(reply)
    assert reply.lifetime == 0


def test_another_server_does_not():
    assert LoopCheck(THERE).answer(asked(LoopCheck(HERE))) is None


def test_each_question_is_a_new_one():
    check = LoopCheck(HERE)
    assert check.question() != check.question()


def test_a_denial_is_no_answer_of_ours():
    check = LoopCheck(HERE)
    query = asked(check)
    assert not check.is_ours(message.read(wire.reply(query, wire.NXDOMAIN)))
