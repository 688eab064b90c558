from __future__ import annotations

import pytest

from tidegate.router.trace import Tracer, joined, parse

TRACE, PARENT = b"4bf92f3577b34da6a3ce929d0e0e4736", b"00f067aa0ba902b7"
SOUND = b"00-%b-%b-01" % (TRACE, PARENT)


def begun(fields, sample=1.0, chance=0.5):
    return Tracer(sample, lambda bits: (1 << bits) - 2, lambda: chance).begin(fields)


# https://www.w3.org/TR/trace-context/#traceparent-header and the cases of its test suite
@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (SOUND, (TRACE, PARENT, True)),
        (b"00-%b-%b-00" % (TRACE, PARENT), (TRACE, PARENT, False)),
        (b"00-%b-%b-03" % (TRACE, PARENT), (TRACE, PARENT, True)),
        (b"cc-%b-%b-01" % (TRACE, PARENT), (TRACE, PARENT, True)),
        (b"cc-%b-%b-01-what-comes" % (TRACE, PARENT), (TRACE, PARENT, True)),
        (b"cc-%b-%b-01.what" % (TRACE, PARENT), None),
        (b"00-%b-%b-01-more" % (TRACE, PARENT), None),
        (b"ff-%b-%b-01" % (TRACE, PARENT), None),
        (b"00-%b-%b-01" % (b"0" * 32, PARENT), None),
        (b"00-%b-%b-01" % (TRACE, b"0" * 16), None),
        (b"00-%b-%b-01" % (TRACE.upper(), PARENT), None),
        (b"00-%b-%b-01" % (TRACE[:-1], PARENT), None),
        (b"00-%b-%b-0" % (TRACE, PARENT), None),
        (b"00-%b-%b-0x" % (TRACE, PARENT), None),
        (b"0-%b-%b-01" % (TRACE, PARENT), None),
        (b"", None),
    ],
)
def test_a_traceparent_is_read_strictly(value, parts):
    assert parse(value) == parts


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ([b"a=1,b=2"], b"a=1,b=2"),
        ([b"a=1", b"b=2"], b"a=1,b=2"),
        ([b"a=1 , ,\tb=2"], b"a=1,b=2"),
        ([b"t@v=1"], b"t@v=1"),
        ([b"0a=1"], b"0a=1"),
        ([b"a=1,a=2"], b""),
        ([b"A=1"], b""),
        ([b"a"], b""),
        ([b"a=1=2"], b""),
        ([b"a=\x80"], b""),
        ([b"a="], b""),
        ([b",".join(b"k%d=1" % n for n in range(33))], b""),
        ([b",".join(b"k%d=1" % n for n in range(32))], b",".join(b"k%d=1" % n for n in range(32))),
        ([b"%b=1" % (b"z" * 257)], b""),
        ([b"a=%b" % (b"z" * 257)], b""),
        ([], b""),
    ],
)
def test_a_tracestate_that_is_not_sound_is_dropped(values, state):
    assert joined(values) == state


def test_who_comes_with_a_recorded_trace_gets_our_span_as_parent():
    trace, fields = begun(b"Host: a\r\ntraceparent: %b\r\ntracestate: a=1\r\n" % SOUND, sample=0.0)
    assert (trace.trace_id, trace.parent_id, trace.span_id, trace.sampled) == (TRACE, PARENT, b"f" * 15 + b"e", True)
    assert fields == b"Host: a\r\ntraceparent: 00-%b-fffffffffffffffe-01\r\ntracestate: a=1\r\n" % TRACE


def test_a_trace_that_is_not_recorded_passes_as_it_came():
    lines = b"Traceparent: 00-%b-%b-00\r\nTracestate: a=1\r\nHost: a\r\n" % (TRACE, PARENT)
    trace, fields = begun(lines)
    assert not trace.sampled
    assert fields == lines


def test_an_unsound_state_goes_alone():
    lines = b"traceparent: 00-%b-%b-00\r\ntracestate: A=1\r\nHost: a\r\n" % (TRACE, PARENT)
    assert begun(lines)[1] == b"Host: a\r\ntraceparent: 00-%b-%b-00\r\n" % (TRACE, PARENT)


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"traceparent: 00-nonsense\r\ntracestate: a=1\r\n",
        b"traceparent: %b\r\ntraceparent: %b\r\ntracestate: a=1\r\n" % (SOUND, SOUND),
        b"tracestate: a=1\r\n",
    ],
)
def test_without_a_sound_parent_a_trace_begins_here_without_its_state(lines):
    trace, fields = begun(b"Host: a\r\n" + lines)
    assert trace.parent_id == b""
    assert trace.sampled
    assert fields == b"Host: a\r\ntraceparent: 00-%b-fffffffffffffffe-01\r\n" % (b"f" * 31 + b"e")


@pytest.mark.parametrize(("share", "sampled"), [(0.6, True), (0.5, False), (0.0, False), (1.0, True)])
def test_of_traces_that_begin_here_a_share_is_recorded_and_the_others_say_so(share, sampled):
    trace, fields = begun(b"", sample=share)
    assert trace.sampled is sampled
    assert fields.endswith(b"-0%d\r\n" % sampled)
