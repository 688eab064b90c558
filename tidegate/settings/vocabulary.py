"""Every name of a setting: the field of `Policy` it leads to, the kind of its value, and what a wrong one costs. Pure.

Names form *families* by their first words. In most of them each name stands alone; a *whole* family (a filter) is said in
one place: a layer that says any of it replaces all that lower layers said of it, and `off` as the value of the family's
own name takes it away. A family that *protects* fails closed: where a label of it is wrong, the container is kept out.
docs/route-settings.md is the same vocabulary for people.
"""

from __future__ import annotations

from msgspec import Struct

from tidegate.policy import Algorithm
from tidegate.settings import kinds
from tidegate.settings.kinds import Kind


class Row(Struct, frozen=True, kw_only=True):
    """One name. `field` is its way into `Policy`. `operator`: only files and the API may say it, as a label it would
    reach beyond its container."""

    name: str
    field: tuple[str, ...]
    kind: Kind
    help: str
    operator: bool = False


class Family(Struct, frozen=True, kw_only=True):
    """Names that belong together. `head` is the family's name and, in a whole family, a setting itself: `off`, and with
    `bare` also `on`. At least one of `needs` must be said where any of it is, unless `bare`.
    """

    head: str
    protects: bool = False
    whole: bool = False
    bare: bool = False
    needs: tuple[str, ...] = ()


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


def _row(name: str, field: str, kind: Kind, help_: str, *, operator: bool = False) -> Row:
    return Row(name=name, field=tuple(field.split(".")), kind=kind, help=help_, operator=operator)


_ROWS = (
    _row("balance.algorithm", "balance.algorithm", kinds.choice(*_ALGORITHMS, make=Algorithm), "who gets a request"),
    _row("balance.hash_key", "balance.hash_key", kinds.hash_key(), "what `hash` looks at"),
    _row("balance.sticky", "balance.sticky", kinds.flag(), "keep a client on one endpoint by a cookie"),
    _row("balance.sticky_cookie", "balance.sticky_cookie", kinds.token(), "that cookie's name"),
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
    _row("upstream.scheme", "upstream_tls.scheme", kinds.choice(*_SCHEMES), "how to speak to the containers"),
    _row("upstream.verify", "upstream_tls.verify", kinds.flag(), "check their certificates"),
    _row("upstream.name", "upstream_tls.name", kinds.host(), "name to check and to send as SNI"),
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

FAMILIES = (
    Family(head="balance"),
    Family(head="limit"),
    Family(head="retry"),
    Family(head="eject"),
    Family(head="timeout"),
    Family(head="tls"),
    Family(head="upstream", whole=True),
    Family(head="access_log"),
)

NAMED: tuple[Named, ...] = ()

ROWS: dict[str, Row] = {row.name: row for row in _ROWS}
HEADS: dict[str, Family] = {family.head: family for family in FAMILIES if family.whole}
TOPS: tuple[str, ...] = tuple(dict.fromkeys(family.head.partition(".")[0] for family in FAMILIES))


def family_of(name: str) -> Family | None:
    """The family that a name, known or not, belongs to by its first words; the longest where several fit."""
    fitting = [each for each in FAMILIES if name == each.head or name.startswith(each.head + ".")]
    return max(fitting, key=lambda each: len(each.head), default=None)


def named_of(name: str) -> Named | None:
    """The row of a name that ends in a word of the user's."""
    return next((each for each in NAMED if name.startswith(each.prefix) and len(name) > len(each.prefix)), None)


def all_names() -> tuple[str, ...]:
    """Every fixed name, and the heads of whole families."""
    return (*ROWS, *(head for head in HEADS if head not in ROWS))
