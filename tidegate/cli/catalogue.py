"""Every setting `serve` knows: its key in `tidegate.yaml`, its flag, its variable, and how its text is read.

The key is the path of the field in `tidegate.config.Config`, so there is one name for one thing. The variable is
`TIDEGATE_` and the flag's name where there is a flag, else the key, in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tidegate.cli import address
from tidegate.value import Value

OFF = ("off", "none", "no")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
LOG_LEVELS = ("debug", "info", "warning", "error")


class Setting(Value, frozen=True):
    """One row. `read` turns one text into the field's value and raises ValueError; `many` collects a tuple."""

    key: str
    read: Callable[[str], Any]
    help: str
    flag: str = ""
    meta: str = "TEXT"
    many: bool = False
    secret: bool = False
    masked: Callable[[str], str] | None = None  # how its value is shown, where a part of it is secret

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        name = self.flag.removeprefix("--") or self.key
        return "TIDEGATE_" + name.replace("-", "_").replace(".", "_").upper()


def text(value: str) -> str:
    """Any text, without blanks around it."""
    return value.strip()


def needed(value: str) -> str:
    """Text that may not be empty."""
    if not value.strip():
        raise ValueError("it may not be empty")
    return value.strip()


def folder(value: str) -> str:
    """A folder's path, without a slash at its end."""
    return needed(value).rstrip("/") or "/"


def boolean(value: str) -> bool:
    """`true` or `false`, and what people write for them."""
    if value.lower() in ("true", "yes", "on", "1"):
        return True
    if value.lower() in ("false", "no", "off", "0"):
        return False
    raise ValueError("say true or false")


def seconds(value: str) -> float:
    """A length of time: `30`, `30s`, `1.5m`, `500ms`, `2h`."""
    unit = next((unit for unit in UNITS if value.endswith(unit)), "")
    number = _float(value.removesuffix(unit)) * UNITS.get(unit, 1.0)
    if not 0 < number <= 604800:
        raise ValueError("a time lies above 0 and within a week")
    return number


def seconds_or_off(value: str) -> float:
    """A length of time, or 0 for `off`."""
    return 0.0 if value.lower() in (*OFF, "0") else seconds(value)


def size(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`; `64k`, `1m` and `1g` count in 1024."""

    def read(value: str) -> int:
        lower = value.lower()
        factor = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(lower[-1:], 1)
        digits = lower[:-1] if factor > 1 else lower
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
            raise ValueError("not a whole number")
        if not low <= int(digits) * factor <= high:
            raise ValueError(f"it lies between {low} and {high}")
        return int(digits) * factor

    return read


def listener(host: str) -> Callable[[str], Any]:
    """A listening address whose missing host is `host`."""
    return lambda value: address.listener(value, host)


def engine_url(value: str) -> str:
    """`unix:///path`, `/path`, or `tcp://host:port`."""
    if value.startswith("/"):
        value = "unix://" + value
    scheme, mark, rest = value.partition("://")
    if not mark or scheme not in ("unix", "tcp", "http", "https") or not rest.strip("/"):
        raise ValueError("an engine is unix:///path/to/docker.sock or tcp://host:port")
    return value


def store_url(value: str) -> str:
    """Empty for SQLite in the state folder, or `etcd://host:port[,host:port]`."""
    if not value:
        return ""
    from tidegate.store.address import parse  # noqa: PLC0415  only who names a store pays for it

    return parse(value).url()


def without_password(value: str) -> str:
    """A store's URL, fit to be shown."""
    from tidegate.store.address import parse  # noqa: PLC0415  as above

    return str(parse(value)) if value else ""


def one_of(*words: str) -> Callable[[str], str]:
    """One of a few words, in any case."""

    def read(value: str) -> str:
        if value.lower() not in words:
            raise ValueError("one of " + ", ".join(words))
        return value.lower()

    return read


def access_log(value: str) -> str:
    """A path, `-` for standard output, `off` for none."""
    return "" if value.lower() in OFF else value


def log_format(value: str) -> str:
    """`json`, `common`, `combined`, or a template of fields in braces, which is read here to find its faults."""
    if value.lower() in ("json", "common", "combined"):
        return value.lower()
    from tidegate.router.logformat import template_of  # noqa: PLC0415  only who gives a template pays for its reader

    template_of(value)
    return value


def log_status(value: str) -> str:
    """`404`, `5xx` or `400-499`."""
    from tidegate.router.recorder import statuses  # noqa: PLC0415  as above

    statuses((value,))
    return value


def share(value: str) -> float:
    """A share from 0 to 1: `0.01` or `1%`."""
    digits = value.removesuffix("%").strip()
    try:
        number = float(digits) / (100 if value.endswith("%") else 1)
    except ValueError:
        raise ValueError("a share is 0.01 or 1%") from None
    if not 0 <= number <= 1:
        raise ValueError("a share lies between 0 and 1")
    return number


def header_name(value: str) -> str:
    """The name of a header."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value):
        raise ValueError("not the name of a header")
    return value.lower()


def header_line(value: str) -> str:
    """`NAME=VALUE`."""
    name, equals, content = value.partition("=")
    if not equals or not content.isprintable():
        raise ValueError("write NAME=VALUE")
    return f"{header_name(name.strip())}={content.strip()}"


def collector_url(value: str) -> str:
    """`http://host:4318` or `https://...`; empty for none."""
    if value.lower() in ("", *OFF):
        return ""
    from urllib.parse import urlsplit  # noqa: PLC0415  only who gives a URL pays for it

    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("a collector is http://host:4318 (OTLP over HTTP) or https://host/path")
    if parts.username or parts.password:
        raise ValueError("a password does not belong into the URL; give it as a header in tracing.headers")
    return value


def service_url(value: str) -> str:
    """`http://host` or `https://host/path`; empty for none."""
    if value.lower() in ("", *OFF):
        return ""
    from urllib.parse import urlsplit  # noqa: PLC0415  only who gives a URL pays for it

    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or not value.isprintable():
        raise ValueError("write http://host or https://host/path")
    return value


def hook_url(value: str) -> str:
    """As `service_url`, and never empty."""
    return needed(service_url(needed(value)))


def hook_secret(value: str) -> str:
    """`whsec_` and base64, or any text."""
    from tidegate.control.signature import key_of  # noqa: PLC0415  as above

    key_of(value.strip())
    return value.strip()


def _float(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError("not a length of time such as 30, 30s or 0.5m") from None


ANY, LOOPBACK = "0.0.0.0", "127.0.0.1"  # noqa: S104  a proxy listens on all addresses unless told otherwise

SETTINGS: tuple[Setting, ...] = (
    Setting(
        key="http.listeners",
        flag="--http",
        meta="ADDR:PORT",
        many=True,
        read=listener(ANY),
        help="Listen here for HTTP; 'off' for nowhere.",
    ),
    Setting(
        key="http.tls_listeners",
        flag="--https",
        meta="ADDR:PORT",
        many=True,
        read=listener(ANY),
        help="Listen here for HTTPS; 'off' for nowhere (default: 8443, if there are --certs).",
    ),
    Setting(
        key="tls.certificates",
        flag="--certs",
        meta="DIR",
        many=True,
        read=folder,
        help="Folder of certificates with their keys; watched for changes.",
    ),
    Setting(
        key="tls.default",
        flag="--default-cert",
        meta="NAME",
        read=text,
        help="Certificate for clients that name no host of ours (default: they are turned away).",
    ),
    Setting(
        key="tls.authorities",
        flag="--authorities",
        meta="DIR",
        read=folder,
        help="Folder of CA files, for client certificates and for HTTPS containers; watched for changes.",
    ),
    Setting(
        key="dns.listeners",
        flag="--dns",
        meta="ADDR:PORT",
        many=True,
        read=listener(ANY),
        help="Listen here for DNS, UDP and TCP; 'off' for nowhere.",
    ),
    Setting(
        key="admin.listeners",
        flag="--admin",
        meta="ADDR:PORT",
        many=True,
        read=listener(LOOPBACK),
        help="Listen here for the admin API.",
    ),
    Setting(
        key="admin.token",
        flag="--token",
        meta="TOKEN",
        secret=True,
        read=text,
        help="What callers of the admin API must present.",
    ),
    Setting(
        key="workers",
        flag="--workers",
        meta="N",
        read=size(0, 256),
        help="Worker processes; 0 keeps all in one process.",
    ),
    Setting(
        key="docker.urls",
        flag="--docker",
        meta="URL",
        many=True,
        read=engine_url,
        help="Docker Engine to follow (default: $DOCKER_HOST, else the usual socket).",
    ),
    Setting(
        key="files",
        flag="--file",
        meta="PATH",
        many=True,
        read=needed,
        help="Static services and routes; watched for changes.",
    ),
    Setting(key="state.folder", flag="--state", meta="DIR", read=needed, help="Folder for what survives a restart."),
    Setting(
        key="state.store",
        flag="--store",
        meta="URL",
        read=store_url,
        masked=without_password,
        help="Cluster store, etcd://host:port (default: SQLite in the state folder).",
    ),
    Setting(key="node.name", flag="--node", meta="NAME", read=needed, help="Our name among the nodes."),
    Setting(key="node.zone", flag="--zone", meta="NAME", read=text, help="The zone we stand in."),
    Setting(
        key="node.address", read=address.literal, help="Where others reach our host's network and published ports."
    ),
    Setting(
        key="dns.upstreams",
        flag="--upstream-dns",
        meta="ADDR",
        many=True,
        read=address.nameserver,
        help="Where foreign names are asked; tls://ADDR#NAME asks over TLS (default: those of /etc/resolv.conf).",
    ),
    Setting(
        key="dns.forward_zones",
        flag="--dns-forward",
        meta="ZONE=ADDR,ADDR",
        many=True,
        read=address.forward_zone,
        help="Where the names of this zone are asked; the longest zone wins.",
    ),
    Setting(
        key="dns.private_answers",
        flag="--dns-private",
        meta="ZONE",
        many=True,
        read=address.dns_zone,
        help="Zone whose upstreams may answer with private addresses; '.' is all (default: internal).",
    ),
    Setting(key="dns.domain", flag="--domain", meta="NAME", read=needed, help="Zone of service names."),
    Setting(
        key="http.access_log",
        flag="--access-log",
        meta="PATH|-|off",
        read=access_log,
        help="Where requests are logged.",
    ),
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
    Setting(
        key="http.trusted_proxies",
        flag="--trusted-proxy",
        meta="CIDR",
        many=True,
        read=address.cidr,
        help="Whose X-Forwarded-* headers are believed.",
    ),
    Setting(
        key="log_level",
        flag="--log-level",
        meta="LEVEL",
        read=one_of(*LOG_LEVELS),
        help="debug, info, warning or error.",
    ),
    Setting(
        key="stack",
        flag="--stack",
        meta="FILE",
        read=text,
        help="Run this Compose-like file from start to end, on Docker where one is followed, else embedded.",
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
        key="watchdog_seconds",
        read=seconds_or_off,
        help="For a process to stand still before it is replaced; 'off' for ever.",
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
        help="Requests that may wait on one route (default 1000).",
    ),
    Setting(key="http.upstream_idle_seconds", read=seconds, help="For an unused upstream connection."),
    Setting(
        key="http.upstream_idle_connections", read=size(0, 65536), help="Unused upstream connections kept per endpoint."
    ),
    Setting(
        key="tls.max_handshakes",
        flag="--max-handshakes",
        meta="N",
        read=size(1, 1_000_000),
        help="TLS handshakes in progress, per worker (default 1000).",
    ),
    Setting(key="dns.ttl_seconds", read=size(0, 86400), help="TTL of our answers."),
    Setting(
        key="dns.across_networks",
        read=boolean,
        help="Tell containers addresses on networks they are not on, where there are no others?",
    ),
    Setting(
        key="dns.forward",
        flag="--forwarding",
        meta="yes|no",
        read=boolean,
        help="Ask upstreams for foreign names at all? (default: yes)",
    ),
    Setting(key="dns.forward_timeout_seconds", read=seconds, help="For one upstream to answer."),
    Setting(key="dns.forward_total_seconds", read=seconds, help="For a forwarded answer in all."),
    Setting(key="dns.upstream_ca", read=text, help="File of CAs for upstreams over TLS (default: the system's)."),
    Setting(key="dns.mixed_case", read=boolean, help="Ask upstreams in random case (0x20)?"),
    Setting(key="dns.loop_check", read=boolean, help="Ask each upstream once whether it sends our queries back?"),
    Setting(key="dns.cache_bytes", read=size(1 << 16, 1 << 36), help="For the answers of upstreams, per worker."),
    Setting(
        key="dns.stale_seconds", read=seconds, help="Until an answer past its time serves while upstreams are slow."
    ),
    Setting(key="dns.cookies", read=boolean, help="Answer DNS cookies?"),
    Setting(
        key="dns.clients",
        flag="--dns-client",
        meta="CIDR",
        many=True,
        read=address.cidr,
        help="Networks whose foreign names are resolved, without a limit (default: those of the engines, and this host).",
    ),
    Setting(
        key="dns.response_rate",
        read=size(0, 1_000_000),
        help="UDP answers a second to one /24 or /56 of other networks; 0 is no limit.",
    ),
    Setting(
        key="dns.query_log",
        flag="--query-log",
        meta="PATH|-|off",
        read=access_log,
        help="Where DNS queries are logged (default: off).",
    ),
    Setting(
        key="dns.query_log_sample",
        flag="--query-log-sample",
        meta="SHARE",
        read=share,
        help="Log this share of the DNS queries, such as 0.01.",
    ),
    Setting(key="dns.lame_duck_seconds", read=seconds_or_off, help="For DNS to answer on after being told to stop."),
    Setting(
        key="docker.tls_folder",
        flag="--docker-tls",
        meta="FOLDER",
        read=text,
        help="Where ca.pem, cert.pem and key.pem for tcp:// engines are.",
    ),
    Setting(key="docker.api_version", read=text, help="Docker API version to speak (default: newest of both sides)."),
    Setting(key="docker.root_domain", read=needed, help="What a one-word host of a label is completed with."),
    Setting(
        key="releases.prometheus",
        flag="--prometheus",
        meta="URL",
        read=service_url,
        help="Prometheus that is asked by releases' query gates.",
    ),
    Setting(
        key="releases.prometheus_headers",
        many=True,
        secret=True,
        read=header_line,
        help="NAME=VALUE for Prometheus, such as Authorization.",
    ),
    Setting(key="releases.query_timeout_seconds", read=seconds, help="For Prometheus to answer."),
    Setting(
        key="releases.webhooks",
        flag="--webhook",
        meta="URL",
        many=True,
        secret=True,
        read=hook_url,
        help="Tell this URL of every step of a release (POST, JSON).",
    ),
    Setting(
        key="releases.webhook_secret",
        secret=True,
        read=hook_secret,
        help="Sign what web hooks are told (Standard Webhooks, HMAC-SHA256).",
    ),
    Setting(key="releases.hook_timeout_seconds", read=seconds, help="For a web hook to answer."),
    Setting(
        key="releases.webhook_deadline_seconds", read=seconds, help="For a web hook to take an event, tries in all."
    ),
    Setting(key="releases.ca", read=text, help="File of CAs for Prometheus and web hooks (default: the system's)."),
    Setting(key="docker.resync_seconds", read=seconds, help="Between full lists of an engine."),
    Setting(key="docker.required", read=boolean, help="Wait for the engines before the first table?"),
)

BY_KEY = {setting.key: setting for setting in SETTINGS}
BY_VARIABLE = {setting.variable: setting for setting in SETTINGS}
FLAGGED = tuple(setting for setting in SETTINGS if setting.flag)
