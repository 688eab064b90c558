from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Decoded
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.support.collector import span, values
from tidegate.tracing.otlp import export_request, rejected


def decoded(*spans, resource=(("service.name", "tidegate"),)):
    return ExportTraceServiceRequest.FromString(export_request(spans, resource, "1.2"))


def test_a_span_is_what_the_protocol_buffers_of_opentelemetry_read():
    (resource,) = decoded(span()).resource_spans
    assert values(resource.resource.attributes) == {"service.name": "tidegate"}
    (scope,) = resource.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("tidegate", "1.2")
    (one,) = scope.spans
    assert one.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert (one.span_id.hex(), one.parent_span_id.hex()) == ("00f067aa0ba902b7", "b7ad6b7169203331")
    assert (one.trace_state, one.name, one.kind) == ("a=1,b=2", "GET /", Decoded.SPAN_KIND_SERVER)
    assert (one.start_time_unix_nano, one.end_time_unix_nano) == (1_700_000_000_000_000_001, 1_700_000_000_000_000_999)
    assert values(one.attributes) == {"text": "wörld", "whole": 1 << 40, "part": 0.25}
    assert one.status.code == Status.STATUS_CODE_UNSET
    assert one.flags == 0x301


def test_a_span_that_begins_a_trace_has_no_parent_and_a_failed_one_says_so():
    (one,) = decoded(span(parent_id=b"", state=b"", failed=True)).resource_spans[0].scope_spans[0].spans
    assert one.parent_span_id == b""
    assert one.trace_state == ""
    assert one.status.code == Status.STATUS_CODE_ERROR
    assert one.flags == 0x101


texts = st.text(max_size=300)
attributes = st.lists(
    st.tuples(texts, st.one_of(texts, st.integers(-(1 << 63), (1 << 63) - 1), st.floats(allow_nan=False))), max_size=9
)


@given(attributes, st.lists(texts, min_size=1, max_size=4))
def test_whatever_a_span_says_comes_out_as_it_went_in(pairs, names):
    request = decoded(*(span(name=name, attributes=tuple(pairs)) for name in names))
    spans = request.resource_spans[0].scope_spans[0].spans
    assert [one.name for one in spans] == [name.encode("utf-8", "replace").decode() for name in names]
    assert [len(one.attributes) for one in spans] == [len(pairs)] * len(names)
    numbers = [each.value.int_value for each in spans[0].attributes if each.value.WhichOneof("value") == "int_value"]
    assert numbers == [value for _, value in pairs if isinstance(value, int)]


def test_what_a_collector_rejected_is_read_from_its_answer():
    answer = ExportTraceServiceResponse()
    assert rejected(answer.SerializeToString()) == 0
    answer.partial_success.rejected_spans = 300
    answer.partial_success.error_message = "too much"
    assert rejected(answer.SerializeToString()) == 300


@given(st.binary(max_size=40))
def test_what_is_no_answer_rejects_nothing_or_some_number(answer):
    assert rejected(answer) >= 0
