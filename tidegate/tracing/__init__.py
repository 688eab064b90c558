"""Spans on their way to an OpenTelemetry collector: `otlp` encodes them, `exporter` sends them from a thread of its own.

The router makes the spans (`router.observer`) and knows only `add`. Nothing here may delay a request.
"""
