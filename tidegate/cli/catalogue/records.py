"""Settings of what is recorded of requests: the access log and spans."""

from __future__ import annotations

from tidegate.cli.catalogue.row import Setting
from tidegate.cli.reading import collector_url, header_line, header_name, log_format, log_status, needed, seconds, share

RECORDS: tuple[Setting, ...] = (
    Setting(
        key="access_log.format",
        flag="--access-log-format",
        meta="FORMAT",
        read=log_format,
        help="json, common, combined, or a template such as '{method} {path} {status} {duration_ms}'.",
    ),
    Setting(
        key="access_log.sample",
        flag="--access-log-sample",
        meta="SHARE",
        read=share,
        help="Log this share of the requests that neither failed nor were slow, such as 0.01.",
    ),
    Setting(
        key="access_log.redact_query",
        flag="--access-log-redact",
        meta="NAME|*",
        many=True,
        read=needed,
        help="Strike out the value of this query parameter, or of all.",
    ),
    Setting(
        key="tracing.otlp",
        flag="--otlp",
        meta="URL",
        read=collector_url,
        help="Send spans to this OpenTelemetry collector (OTLP over HTTP).",
    ),
    Setting(
        key="tracing.sample",
        flag="--trace-sample",
        meta="SHARE",
        read=share,
        help="Record this share of the traces that begin here (default 0.01).",
    ),
    Setting(key="access_log.always_status", many=True, read=log_status, help="Logged whatever the sample: 404, 5xx."),
    Setting(key="access_log.slow_seconds", read=seconds, help="What takes this long is logged whatever the sample."),
    Setting(key="access_log.hide_headers", many=True, read=header_name, help="Headers that are never logged."),
    Setting(
        key="tracing.headers",
        many=True,
        secret=True,
        read=header_line,
        help="NAME=VALUE for the collector, such as an API key.",
    ),
)
