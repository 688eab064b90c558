"""An OpenTelemetry collector: a real HTTP server that decodes what it gets with opentelemetry-proto."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tidegate.span import Span

DEADLINE = 10.0


class Collector:
    """`requests` are decoded messages, `heads` their headers. `statuses` are answered first, then 200; `refuse` spans of
    each answered 200 are said to be rejected."""

    def __init__(self, statuses=(), refuse=0, port=0):
        self.requests = []
        self.heads = []
        self.paths = []
        self.statuses = list(statuses)
        self.refuse = refuse
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def spans(self):
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(DEADLINE)


def span(**more):
    """A span as the router makes it."""
    fields = {
        "trace_id": b"4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": b"00f067aa0ba902b7",
        "parent_id": b"b7ad6b7169203331",
        "state": b"a=1,b=2",
        "name": "GET /",
        "start_ns": 1_700_000_000_000_000_001,
        "end_ns": 1_700_000_000_000_000_999,
        "failed": False,
        "attributes": (("text", "wörld"), ("whole", 1 << 40), ("part", 0.25)),
    }
    return Span(**(fields | more))


def values(attributes):
    """Attributes as a mapping of plain values."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def _handler(collector):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = collector.statuses.pop(0) if collector.statuses else 200
            answer = ExportTraceServiceResponse()
            if status == 200:
                collector.requests.append(ExportTraceServiceRequest.FromString(body))
                collector.heads.append(dict(self.headers))
                collector.paths.append(self.path)
                if collector.refuse:
                    answer.partial_success.rejected_spans = collector.refuse
            payload = answer.SerializeToString()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_):
            pass

    return Handler
