from __future__ import annotations

import json
import os

from hypothesis import given
from hypothesis import strategies as st

from tidegate.router.accesslog import AccessLog, escape, line
from tidegate.router.exchange import Exchange

DEADLINE = 10.0


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


def test_lines_reach_the_file_in_order(tmp_path):
    path = tmp_path / "log"
    log = AccessLog(str(path))
    log.open()
    for number in range(100):
        log.write([b"%d\n" % number])
    log.close(DEADLINE)
    assert path.read_bytes().split() == [b"%d" % number for number in range(100)]


def test_a_log_that_nobody_reads_costs_lines_and_never_waits(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    log = AccessLog(str(path))
    log.open()
    lines = [b"x" * 1023 + b"\n"] * 1024
    for _ in range(16):
        log.write(lines)
    assert log.dropped >= 7 * 1024
    os.close(reader)
    log.close(DEADLINE)
