"""The rows of the vocabulary: which field of `Policy` each name leads to, and what kind of value it takes. Pure."""

from __future__ import annotations

from msgspec import Struct

from tidegate.policy import NO_SPLIT, Algorithm
from tidegate.settings import addresses, fields, kinds
from tidegate.settings.kinds import Kind, several


class Row(Struct, frozen=True, kw_only=True):
    """One name. `field` is its way into `Policy`. `operator`: only files and the API may say it, as a label it would
    reach beyond its container; with `label_kind` a label may say it within the limits of that kind."""

    name: str
    field: tuple[str, ...]
    kind: Kind
    help: str
    operator: bool = False
    label_kind: Kind | None = None


class Named(Struct, frozen=True, kw_only=True):
    """Names that end in a word of the user's: `prefix` and one more part, read by `key`."""

    prefix: str
    field: tuple[str, ...]
    key: Kind
    kind: Kind
    help: str


_ALGORITHMS = tuple(each.value for each in Algorithm)
_SCHEMES = ("http", "https")
_DAY = 86400.0


def _row(
    name: str, field: str, kind: Kind, help_: str, *, operator: bool = False, label_kind: Kind | None = None
) -> Row:
    way = tuple(field.split("."))
    return Row(name=name, field=way, kind=kind, help=help_, operator=operator, label_kind=label_kind)


def _named(prefix: str, field: str, key: Kind, kind: Kind, help_: str) -> Named:
    return Named(prefix=prefix, field=tuple(field.split(".")), key=key, kind=kind, help=help_)


_NETWORKS = several(addresses.network(), "networks")
_HEADERS = several(fields.field_name(), "headers")
_EDITED = several(fields.edited_name(), "headers")

_FILTERS = (
    _row("filter.allow", "filters.allow", _NETWORKS, "clients that may come in; others get 403"),
    _row("filter.deny", "filters.deny", _NETWORKS, "clients that may not, also where `filter.allow` has them"),
    _row(
        "filter.rate.per_second",
        "filters.rate.per_second",
        kinds.decimal(0.001, 1_000_000),
        "requests per key, then 429",
    ),
    _row("filter.rate.burst", "filters.rate.burst", kinds.whole(1, 1_000_000), "requests that may come at once"),
    _row("filter.rate.key", "filters.rate.key", fields.hash_key("all"), "what is counted apart"),
    _row(
        "filter.basic_auth.users", "filters.basic_auth.users", several(fields.user(), "`name:hash`"), "who may come in"
    ),
    _row("filter.basic_auth.realm", "filters.basic_auth.realm", kinds.quoted(), "what a browser shows"),
    _row(
        "filter.forward_auth.url",
        "filters.forward_auth.url",
        addresses.url(),
        "asked before each request; not for labels, which may not name an address",
        operator=True,
    ),
    _row(
        "filter.forward_auth.service",
        "filters.forward_auth.service",
        addresses.service(own=False),
        "the same, a service of ours; in labels one of the same project",
        label_kind=addresses.service(own=True),
    ),
    _row(
        "filter.forward_auth.timeout_seconds",
        "filters.forward_auth.timeout_seconds",
        kinds.decimal(0.01, 60),
        "no answer in time refuses",
    ),
    _row(
        "filter.forward_auth.copy_headers",
        "filters.forward_auth.copy_headers",
        _EDITED,
        "of its answer, added to the request",
    ),
    _row(
        "filter.cors.origins",
        "filters.cors.origins",
        several(addresses.origin(), "origins"),
        "sites that may ask; `*` all",
    ),
    _row("filter.cors.methods", "filters.cors.methods", several(fields.method(), "methods"), "methods they may use"),
    _row("filter.cors.headers", "filters.cors.headers", _HEADERS, "request headers they may set"),
    _row("filter.cors.expose", "filters.cors.expose", _HEADERS, "response headers they may read"),
    _row("filter.cors.credentials", "filters.cors.credentials", kinds.flag(), "with cookies; not with origin `*`"),
    _row("filter.cors.max_age_seconds", "filters.cors.max_age_seconds", kinds.whole(0, 86400), "browsers remember it"),
    _row("filter.redirect.scheme", "filters.redirect.scheme", kinds.choice(*_SCHEMES), "the new scheme"),
    _row("filter.redirect.host", "filters.redirect.host", addresses.host(), "the new host"),
    _row("filter.redirect.port", "filters.redirect.port", kinds.whole(1, 65535), "the new port"),
    _row(
        "filter.redirect.path", "filters.redirect.path", addresses.path(), "the new path, instead of the whole old one"
    ),
    _row("filter.redirect.prefix", "filters.redirect.prefix", addresses.path(), "instead of the route's own path"),
    _row("filter.redirect.status", "filters.redirect.status", kinds.status(301, 302, 303, 307, 308), "its status"),
    _row("filter.strip_prefix", "filters.strip_prefix", kinds.flag(), "take the route's own path off"),
    _row("filter.add_prefix", "filters.add_prefix", addresses.path(), "put a path before"),
    _row("filter.replace_prefix", "filters.replace_prefix", addresses.path(), "instead of the route's own path"),
    _row("filter.header.request.remove", "filters.request_headers.remove", _EDITED, "headers not to forward"),
    _row("filter.header.response.remove", "filters.response_headers.remove", _EDITED, "headers not to send back"),
    _row(
        "filter.compress.encodings",
        "filters.compress.encodings",
        several(kinds.choice("zstd", "gzip"), "`zstd`, `gzip`"),
        "best first",
    ),
    _row(
        "filter.compress.min_bytes",
        "filters.compress.min_bytes",
        kinds.size(1 << 30),
        "smaller answers stay as they are",
    ),
    _row(
        "filter.compress.types",
        "filters.compress.types",
        several(fields.media_type(), "media types"),
        "what is compressed; by default text, JSON, JavaScript, XML, SVG",
    ),
)

_ROWS = (
    _row("balance.algorithm", "balance.algorithm", kinds.choice(*_ALGORITHMS, make=Algorithm), "who gets a request"),
    _row("balance.hash_key", "balance.hash_key", fields.hash_key(), "what `hash` looks at"),
    _row(
        "balance.split",
        "balance.split",
        fields.hash_key(NO_SPLIT),
        "what versions share by weight: requests, or clients by this key",
    ),
    _row("balance.sticky", "balance.sticky", kinds.flag(), "keep a client on one endpoint by a cookie"),
    _row("balance.sticky_cookie", "balance.sticky_cookie", fields.token(), "that cookie's name"),
    _row("balance.sticky_seconds", "balance.sticky_seconds", kinds.whole(1, 31_536_000), "how long it holds"),
    _row("balance.slow_start_seconds", "balance.slow_start_seconds", kinds.decimal(0, 3600), "warm-up of an endpoint"),
    _row("limit.endpoint_requests", "limits.endpoint_requests", kinds.whole(0, 1_000_000), "in flight per endpoint"),
    _row("limit.endpoint_connections", "limits.endpoint_connections", kinds.whole(0, 1_000_000), "open per endpoint"),
    _row(
        "limit.queue", "limits.queue", kinds.whole(0, 100_000), "requests that may wait for an endpoint below its limit"
    ),
    _row("limit.queue_seconds", "limits.queue_seconds", kinds.decimal(0, 300), "how long they may"),
    _row("limit.requests", "limits.requests", kinds.whole(0, 1_000_000), "in flight on the whole route, then 503"),
    _row("limit.body_bytes", "limits.body_bytes", kinds.size(1 << 40), "of one request's body, then 413"),
    _row("retry.tries", "retry.tries", kinds.whole(1, 10), "how often a request is sent at most"),
    _row("retry.budget_percent", "retry.budget_percent", kinds.whole(0, 100), "retries among the requests of 10 s"),
    _row("retry.budget_per_second", "retry.budget_per_second", kinds.decimal(0, 100_000), "retries always granted"),
    _row(
        "eject.failures", "ejection.failures", kinds.whole(0, 1000), "in a row, then the endpoint gets nothing; 0 never"
    ),
    _row("eject.seconds", "ejection.seconds", kinds.decimal(0.1, 3600), "how long, doubled at each repetition"),
    _row("eject.max_percent", "ejection.max_percent", kinds.whole(0, 100), "of a service's endpoints at a time"),
    _row("eject.server_errors", "ejection.server_errors", kinds.flag(), "502, 503 and 504 count as failures too"),
    _row("timeout.connect_seconds", "timeouts.connect", kinds.decimal(0.01, 300), "to connect to an endpoint"),
    _row(
        "timeout.try_seconds", "timeouts.try_", kinds.decimal(0, 3600), "to the response's head, then another endpoint"
    ),
    _row("timeout.response_seconds", "timeouts.response", kinds.decimal(0, _DAY), "without progress of the response"),
    _row("timeout.request_seconds", "timeouts.request", kinds.decimal(0, _DAY), "for the whole exchange"),
    _row("timeout.hold_seconds", "timeouts.hold", kinds.decimal(0, 300), "requests wait while nobody is ready"),
    _row("timeout.idle_seconds", "timeouts.idle", kinds.decimal(0, 7 * _DAY), "of a WebSocket or other upgraded one"),
    _row("tls.redirect", "tls.only", kinds.flag(), "send plain HTTP to HTTPS"),
    _row("tls.hsts_seconds", "tls.hsts_seconds", kinds.whole(0, 63_072_000), "Strict-Transport-Security, on HTTPS"),
    _row("tls.hsts_subdomains", "tls.hsts_subdomains", kinds.flag(), "the same for all names below"),
    _row(
        "tls.clients.authority",
        "tls.clients.authority",
        kinds.name(),
        "CA of the program's CA folder that signs clients",
    ),
    _row("tls.clients.required", "tls.clients.required", kinds.flag(), "refuse those without a certificate"),
    _row("upstream.scheme", "upstream_tls.scheme", kinds.choice(*_SCHEMES), "how to speak to the containers"),
    _row("upstream.verify", "upstream_tls.verify", kinds.flag(), "check their certificates"),
    _row("upstream.name", "upstream_tls.name", addresses.host(), "name to check and to send as SNI"),
    _row(
        "upstream.authority", "upstream_tls.authority", kinds.name(), "CA of the program's CA folder, else the system's"
    ),
    _row(
        "upstream.client_certificate",
        "upstream_tls.client_certificate",
        kinds.name(),
        "certificate of the program's folder to show them",
        operator=True,
    ),
    _row("access_log", "access_log", kinds.flag(), "write the route's requests to the access log"),
)

NAMED: tuple[Named, ...] = (
    *(
        _named(
            f"filter.header.{side}.{verb}.",
            f"filters.{side}_headers.{verb}",
            fields.edited_name(),
            kinds.line(),
            f"{'replace' if verb == 'set' else 'add'} a header of the {side}",
        )
        for side in ("request", "response")
        for verb in ("set", "add")
    ),
    _named("page.", "filters.pages", kinds.whole(400, 599), kinds.page(), "body of our own answers with this status"),
)

ROWS: dict[str, Row] = {row.name: row for row in (*_ROWS, *_FILTERS)}
