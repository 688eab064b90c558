"""Settings of the router: where it listens and what it grants a client."""

from __future__ import annotations

from tidegate.cli import address
from tidegate.cli.catalogue.row import Setting
from tidegate.cli.reading import access_log, boolean, folder, listener, one_of, seconds, size

HTTP: tuple[Setting, ...] = (
    Setting(
        key="http.listeners",
        flag="--http",
        meta="ADDR:PORT",
        many=True,
        read=listener(address.ANY),
        help="Listen here for HTTP; 'off' for nowhere.",
    ),
    Setting(
        key="http.tls_listeners",
        flag="--https",
        meta="ADDR:PORT",
        many=True,
        read=listener(address.ANY),
        help="Listen here for HTTPS; 'off' for nowhere (default: 8443, if there are --certs).",
    ),
    Setting(
        key="http.access_log",
        flag="--access-log",
        meta="PATH|-|off",
        read=access_log,
        help="Where requests are logged.",
    ),
    Setting(
        key="http.request_id",
        flag="--request-id",
        meta="off|keep|new",
        read=one_of("off", "keep", "new"),
        help="Give requests an X-Request-ID: those without one, or all.",
    ),
    Setting(
        key="http.return_request_id",
        flag="--return-request-id",
        meta="BOOL",
        read=boolean,
        help="Tell clients the X-Request-ID of their request in the answer, where --request-id is on (default false).",
    ),
    Setting(
        key="http.trusted_proxies",
        flag="--trusted-proxy",
        meta="CIDR",
        many=True,
        read=address.cidr,
        help="Whose X-Forwarded-* headers are believed.",
    ),
    Setting(key="http.head_timeout_seconds", read=seconds, help="For a request head to arrive."),
    Setting(key="http.idle_timeout_seconds", read=seconds, help="For the next request on a kept connection."),
    Setting(key="http.body_timeout_seconds", read=seconds, help="For the next piece of a body."),
    Setting(key="http.half_close_seconds", read=seconds, help="For an answer to a client that sends no more."),
    Setting(key="http.tunnel_idle_timeout_seconds", read=seconds, help="For silence on an upgraded connection."),
    Setting(
        key="http.drain_seconds",
        flag="--drain",
        meta="TIME",
        read=seconds,
        help="For requests in flight when stopping (default 30s).",
    ),
    Setting(
        key="http.tunnel_drain_seconds",
        flag="--tunnel-drain",
        meta="TIME",
        read=seconds,
        help="For upgraded connections after a reload (default 5m).",
    ),
    Setting(
        key="http.max_connections",
        flag="--max-connections",
        meta="N",
        read=size(0, 1 << 24),
        help="Client connections per worker (0: as many as file descriptors allow).",
    ),
    Setting(
        key="http.max_memory_bytes",
        flag="--max-memory",
        meta="BYTES",
        read=size(0, 1 << 40),
        help="Memory per worker from which requests are refused (0: by the control group's limit).",
    ),
    Setting(
        key="http.max_head_bytes",
        flag="--max-head",
        meta="BYTES",
        read=size(1024, 1 << 20),
        help="Longest request head (default 64k).",
    ),
    Setting(
        key="http.max_target_bytes",
        flag="--max-target",
        meta="BYTES",
        read=size(256, 1 << 20),
        help="Longest request target (default 16k).",
    ),
    Setting(
        key="http.max_headers",
        flag="--max-headers",
        meta="N",
        read=size(8, 10_000),
        help="Most headers of a request (default 128).",
    ),
    Setting(
        key="http.error_pages",
        flag="--error-pages",
        meta="FOLDER",
        read=folder,
        help="Pages for Tidegate's own errors: 404.html, 503.html ..., error.html for the rest.",
    ),
    Setting(
        key="http.hold_queue",
        flag="--hold-queue",
        meta="N",
        read=size(0, 1_000_000),
        help="Requests that may wait on one route (default 4000).",
    ),
    Setting(key="http.upstream_idle_seconds", read=seconds, help="For an unused upstream connection."),
    Setting(
        key="http.upstream_idle_connections", read=size(0, 65536), help="Unused upstream connections kept per endpoint."
    ),
)
