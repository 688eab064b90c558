from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tidegate.router.accesslog import MAX_VALUE, escape, line
from tidegate.router.exchange import Exchange
from tidegate.router.notes import Notes


@given(st.binary(max_size=300))
def test_whatever_was_sent_is_the_inside_of_a_json_string(raw):
    inside = escape(raw)
    assert json.loads(b'"' + inside + b'"') == raw.decode("latin-1")
    assert inside.isascii()
    assert not any(octet < 32 for octet in inside)


def test_a_long_value_that_needs_escaping_is_cut():
    assert len(json.loads(b'"' + escape(b"\x1b" * 100_000) + b'"')) == 2048


@given(st.binary(max_size=50), st.binary(max_size=50), st.binary(max_size=50))
def test_a_line_is_json_whatever_the_client_sent(target, agent, referer):
    exchange = Exchange(b"GET", b"a.test", target, b"::1", 5.0)
    exchange.agent, exchange.referer = agent, referer
    record = json.loads(line(exchange, b"2026-01-02T03:04:05.6Z", 1234))
    assert (record["target"], record["agent"]) == (target.decode("latin-1"), agent.decode("latin-1"))
    assert record.get("referer", "") == referer.decode("latin-1")
    assert (record["duration_us"], record["first_byte_us"]) == (1234, 0)


def test_a_long_value_is_cut_even_if_it_is_harmless():
    assert escape(b"x" * 100_000) == b"x" * MAX_VALUE


def test_a_record_says_how_long_it_was_held_and_how_long_the_container_took():
    exchange = Exchange(b"GET", b"a.test", b"/", b"::1", 5.0)
    exchange.held_at, exchange.sent_at = 5.5, 7.0
    exchange.first_byte = 7.25
    record = json.loads(line(exchange, b"2026-01-02T03:04:05.6Z", 3_000_000))
    assert (record["held_us"], record["upstream_us"], record["first_byte_us"]) == (1_500_000, 250_000, 2_250_000)


def test_a_record_carries_the_ids_that_the_exchange_was_given():
    exchange = Exchange(b"GET", b"a.test", b"/", b"::1", 5.0)
    exchange.notes = Notes(b"", b"HTTP/1.1")
    exchange.notes.request_id, exchange.notes.trace_id = b"r1", b"t1"
    exchange.notes.seal()
    record = json.loads(line(exchange, b"2026-01-02T03:04:05.6Z", 1))
    assert (record["request_id"], record["trace_id"]) == ("r1", "t1")
