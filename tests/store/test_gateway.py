from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.store import gateway
from tidegate.store.gateway import Event, Fault, KeyValue, Lines, Verdict, fault_of, span, verdict, watch_line


def test_numbers_come_as_strings_and_zeros_not_at_all():
    found = watch_line(b'{"result":{"header":{"cluster_id":"14841639068965178418","revision":"9007199254740993"}}}')
    assert found.result.header.cluster_id == 14841639068965178418
    assert found.result.header.revision == 9007199254740993
    assert (found.result.created, found.result.events) == (False, [])


def test_events_are_puts_unless_they_say_otherwise():
    line = {"result": {"events": [{"kv": {"key": "YQ==", "value": "eA=="}}, {"type": "DELETE", "kv": {"key": "Yg=="}}]}}
    assert watch_line(json.dumps(line).encode()).result.events == [
        Event(kv=KeyValue(key=b"a", value=b"x")),
        Event(kv=KeyValue(key=b"b"), type="DELETE"),
    ]


def test_a_fault_within_a_stream_is_a_line():
    old = b'{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader","http_status":"x"}}'
    new = b'{"error":{"code":14,"message":"etcdserver: no leader","details":[]}}'
    for line in (old, new):
        fault = watch_line(line).error
        assert (fault.number, fault.text) == (14, "no leader")


@pytest.mark.parametrize(
    ("code", "message", "meant"),
    [
        (14, "etcdserver: no leader", Verdict.AGAIN),
        (8, "etcdserver: too many requests", Verdict.AGAIN),
        (14, "etcdserver: request timed out", Verdict.UNKNOWN),
        (14, "etcdserver: leader changed", Verdict.UNKNOWN),
        (4, "context deadline exceeded", Verdict.UNKNOWN),
        (2, "something", Verdict.UNKNOWN),
        (16, "etcdserver: invalid auth token", Verdict.LOGIN),
        (3, "etcdserver: user name is empty", Verdict.LOGIN),
        (3, "etcdserver: revision of auth store is old", Verdict.LOGIN),
        (8, "grpc: received message larger than max (6291690 vs. 4194304)", Verdict.LARGE),
        (8, "etcdserver: mvcc: database space exceeded", Verdict.REFUSED),
        (7, "etcdserver: permission denied", Verdict.REFUSED),
        (5, "etcdserver: requested lease not found", Verdict.REFUSED),
        (11, "etcdserver: mvcc: required revision has been compacted", Verdict.REFUSED),
        (3, "etcdserver: too many operations in txn request", Verdict.REFUSED),
    ],
)
def test_what_a_fault_means_for_who_asked(code, message, meant):
    assert verdict(Fault(code=code, message=message)) is meant


def test_a_fault_that_is_no_json_is_told_as_it_came():
    fault = fault_of(400, b"Client sent an HTTP request to an HTTPS server.\n")
    assert fault.text == "HTTP 400 Client sent an HTTP request to an HTTPS server."
    assert verdict(fault) is Verdict.UNKNOWN
    assert fault_of(503, b'{"error":"x","code":14,"message":"etcdserver: no leader"}').text == "no leader"


@given(key=st.binary(min_size=1), more=st.binary())
def test_a_prefix_spans_all_keys_that_begin_with_it(key, more):
    end = span(key)
    assert end == b"\0" or key + more < end


@given(key=st.binary(min_size=1), other=st.binary())
def test_a_prefix_spans_no_other_key(key, other):
    end = span(key)
    inside = other >= key and (end == b"\0" or other < end)
    assert inside == other.startswith(key)


def test_a_request_is_plain_json_with_bytes_in_base64():
    body = gateway.transaction(
        [gateway.unchanged(b"a", 7)],
        [gateway.put(b"a", b"\xff", 3), gateway.delete(b"b")],
        [gateway.read(gateway.ranged(b"c"))],
    )
    assert json.loads(gateway.encode(body)) == {
        "compare": [{"key": "YQ==", "target": "MOD", "result": "EQUAL", "mod_revision": "7"}],
        "success": [
            {"request_put": {"key": "YQ==", "value": "/w==", "lease": "3"}},
            {"request_delete_range": {"key": "Yg=="}},
        ],
        "failure": [{"request_range": {"key": "Yw=="}}],
    }


def test_lines_are_whole_wherever_the_pieces_end():
    text = b'{"a":1}\n\n{"b":"\xc3\xa9"}\n{"c":3}\n'
    for cut in range(len(text) + 1):
        lines = Lines()
        assert [*lines.feed(text[:cut]), *lines.feed(text[cut:])] == [b'{"a":1}', b'{"b":"\xc3\xa9"}', b'{"c":3}']
    lines = Lines()
    assert [line for index in range(len(text)) for line in lines.feed(text[index : index + 1])][-1] == b'{"c":3}'


def test_a_line_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(gateway, "MAX_LINE", 10)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        Lines().feed(b"x" * 11)
