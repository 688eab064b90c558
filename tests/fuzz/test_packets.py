"""Mutated DNS packets on every run, few; `python -m tests.fuzz.packets` runs as many as one likes."""

from __future__ import annotations

import importlib.util
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.packets import Table, check, mutant, run, seeds
from tests.support.odd_packets import IN, A, chain, head, labels, opt, option, query, question, record
from tests.support.tree import ROOT

SEEDS = seeds()


def test_mutated_packets_break_nothing():
    outcomes, *_ = run(20_000, seed=20261123, read=20)
    assert outcomes.total() == 20_000
    assert {"NOERROR", "FORMERR", "NXDOMAIN", "NOTIMP", "REFUSED", "nothing"} <= set(outcomes)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 1 << 32), st.integers(0, 3))
def test_what_hypothesis_puts_behind_them_breaks_nothing(tail, seed, asker):
    taken(mutant(random.Random(seed), SEEDS) + tail, asker)


def taken(data, number):
    """What the asker of this number gets for `data`, checked."""
    table = Table()
    asker = table.askers[number]
    reply = table.take(data, asker)
    check(data, reply, asker)
    assert not table.desk.dropped["fault"]
    return reply, asker


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda reply: b"\0\0" + reply[2:],
        lambda reply: reply[:2] + b"\x01" + reply[3:],
        lambda reply: reply[:-1],
        lambda reply: reply.replace(b"web", b"wEb"),
        lambda reply: reply + b"\0",
        lambda reply: reply + bytes(1233),
    ],
)
def test_a_wrong_reply_is_found(spoilt):
    reply, asker = taken(query(), 0)
    with pytest.raises(Exception):  # noqa: B017, PT011  the reader has many
        check(query(), spoilt(reply), asker)


def test_a_reply_to_a_reply_is_found():
    with pytest.raises(AssertionError, match="no query"):
        check(query(flags=0x8100), query(flags=0x8100), None)


BOMBS = {
    "records that are counted": lambda n: query(b"\0", A, IN, *[record(b"\0", A, b"")] * (n // 11)),
    "records that are not": lambda n: head(ar=2) + question() + record(b"\0", A, b"") * (n // 11),
    "questions": lambda n: head(qd=n // 19) + question() * (n // 19),
    "options": lambda n: query(b"\0", A, IN, opt(*[option(100)] * (n // 4))),
    "pointers": lambda n: head() + chain(min(n // 2, 8000)) + question()[-4:],
    "a name without an end": lambda n: head() + b"\x01a" * (n // 2),
    "an owner without an end": lambda n: head(ar=1) + question() + b"\x01a" * (n // 2),
    "long names": lambda n: (
        head(ar=2) + question(labels(*(1,) * 127)) + record(labels(*(1,) * 127), A, bytes(n // 3)) * 2
    ),
    "garbage behind": lambda n: query() + bytes(n),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_packet_costs_steps_by_its_names_and_not_by_its_size(bomb):
    small, large = (steps(bomb(size)[:65535]) for size in (4096, 60_000))
    assert small == large <= 4000


def steps(data):
    """How many lines the parser, as plain Python, runs for `data`."""
    spec = importlib.util.spec_from_file_location("plain_wire", ROOT / "tidegate" / "dns" / "wire.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    count = 0

    def tracer(frame, event, _):
        nonlocal count
        if frame.f_code.co_filename != spec.origin:
            return None
        count += event == "line"
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        module.parse(data)
    finally:
        sys.settrace(before)
    assert count
    return count
