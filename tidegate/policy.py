"""Frozen values that say how requests on a route are treated: whom they go to, what bounds and repairs them, what is changed.

One `Policy` belongs to each route. Labels, files and the admin API write the same names (docs/route-settings.md), and the
builder merges them; the data plane resolves a policy once, when it takes over the table. A default `Policy` costs
nothing per request. Times in seconds, sizes in bytes; 0 means "no bound" unless said otherwise.

Must not happen here: I/O, clocks, randomness, live objects.
"""

from __future__ import annotations

from enum import StrEnum

from tidegate.value import Value

#: Fields that header edits never touch: they decide framing, persistence and who the client is.
PROTECTED_FIELDS = frozenset(
    {
        *("connection", "content-length", "transfer-encoding", "keep-alive", "te", "trailer", "upgrade", "expect"),
        *("proxy-connection", "proxy-authenticate", "proxy-authorization"),
        *("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix", "x-real-ip"),
    }
)


NO_SPLIT = "requests"


class Algorithm(StrEnum):
    """How an endpoint is chosen among those of one version. LEAST_REQUESTS takes the less busy of two random ones."""

    ROUND_ROBIN = "round-robin"
    LEAST_REQUESTS = "least-requests"
    HASH = "hash"


class Balance(Value):
    """Who gets a request.

    `hash_key` (HASH): `client`, `header:NAME` or `cookie:NAME`; a request without that field is balanced round robin.
    `split`, of the same form: versions are parted by this key, so that a client stays on one side and a version whose share
    grows only gains clients; HASH looks at it instead of `hash_key`. NO_SPLIT parts requests.
    `sticky` keeps a client on the endpoint of its first answer by a cookie, which is bound to the endpoint's version: it
    ends when that version has no weight or the endpoint is not ready. `slow_start_seconds`: a new endpoint's share grows
    from a tenth to all of it over this time.
    """

    algorithm: Algorithm = Algorithm.ROUND_ROBIN
    hash_key: str = "client"
    split: str = NO_SPLIT
    sticky: bool = False
    sticky_cookie: str = "tidegate"
    sticky_seconds: int = 28800
    slow_start_seconds: float = 0.0


class Limits(Value):
    """Bounds. `endpoint_requests` are in flight per endpoint, `endpoint_connections` open ones; both over all workers
    of this node, each of which gets its share. Requests over them wait, at most `queue` of them for `queue_seconds`.
    `requests` in flight on the whole route: more are refused at once (503). `body_bytes` of one request (413)."""

    endpoint_requests: int = 0
    endpoint_connections: int = 0
    queue: int = 100
    queue_seconds: float = 5.0
    requests: int = 0
    body_bytes: int = 0


class Retry(Value):
    """When a failed request is sent again (docs/decisions/0043): at most `tries` in all; retries may be at most
    `budget_percent` of the requests of the last 10 seconds, but `budget_per_second` are always granted."""

    tries: int = 3
    budget_percent: int = 20
    budget_per_second: float = 10.0


class Ejection(Value):
    """Passive health: after `failures` in a row (0: never) an endpoint gets nothing for `seconds`, doubled at each
    repetition up to ten times that; never more than `max_percent` of a service's ready endpoints at a time, and never
    the last one. A failure: no connection, broken connection, no answer in time; with `server_errors` also 502, 503, 504.
    """

    failures: int = 5
    seconds: float = 10.0
    max_percent: int = 50
    server_errors: bool = False


class Timeouts(Value):
    """Deadlines. `connect` per connection; `try_` from sending to the response head, then another endpoint is tried if
    that is safe; `response` without progress; `request` for the whole exchange; `hold` while nobody is ready; `idle` of an
    upgraded connection (0: the listener's)."""

    connect: float = 2.0
    try_: float = 0.0
    response: float = 60.0
    request: float = 0.0
    hold: float = 10.0
    idle: float = 0.0


class FieldMatch(Value):
    """A header, cookie or query parameter (by `name`) that must be there: with this `value`, or with any if None."""

    name: str
    value: str | None = None


class Match(Value):
    """What a request must be beyond host and path; all conditions together. Header names are lower-case, sorted."""

    methods: tuple[str, ...] = ()
    headers: tuple[FieldMatch, ...] = ()
    cookies: tuple[FieldMatch, ...] = ()
    query: tuple[FieldMatch, ...] = ()

    def __str__(self) -> str:
        """Canonical: `method=GET+POST&header.x-beta=1&cookie.canary&query.v=2`; empty if there is no condition."""
        parts = ["method=" + "+".join(self.methods)] if self.methods else []
        for kind, fields in (("header", self.headers), ("cookie", self.cookies), ("query", self.query)):
            parts += [f"{kind}.{each.name}" + (f"={each.value}" if each.value is not None else "") for each in fields]
        return "&".join(parts)

    def conditions(self) -> int:
        """How specific it is: the number of conditions."""
        return bool(self.methods) + len(self.headers) + len(self.cookies) + len(self.query)


class Redirect(Value):
    """Answer with a redirection; empty parts stay as in the request. `path` replaces the whole path, `prefix` the
    route's own path. The query is kept."""

    scheme: str = ""
    host: str = ""
    port: int = 0
    path: str = ""
    prefix: str = ""
    status: int = 308


class HeaderEdits(Value):
    """Fields to add, set (replace all of that name) and remove, in this order: remove, set, add."""

    add: tuple[tuple[str, str], ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


class Cors(Value):
    """Cross-origin sharing (Fetch standard). `origins` are exact, `*`, or `https://*.example.org`."""

    origins: tuple[str, ...]
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age_seconds: int = 600


class BasicAuth(Value):
    """RFC 7617. `users` are (name, hash); the hash is bcrypt (`$2b$`), or `{SHA256}` and hex digits."""

    users: tuple[tuple[str, str], ...]
    realm: str = "restricted"


class ForwardAuth(Value):
    """Ask `url` before forwarding: 2xx lets the request pass with `copy_headers` of the answer added to it; anything
    else is the client's answer. Its body is capped; no answer in `timeout_seconds` refuses (503), and so does no `url`.
    `service` (`[PROJECT/]NAME[:PORT][:/PATH]`) stands for a service of ours: the builder writes the address of a ready
    endpoint into `url`, which is empty while there is none."""

    url: str = ""
    service: str = ""
    timeout_seconds: float = 2.0
    copy_headers: tuple[str, ...] = ()


class RateLimit(Value):
    """Token bucket per key (as `Balance.hash_key`, or `all`), over all workers of this node; more gets 429."""

    per_second: float
    burst: int = 1
    key: str = "client"


class Compress(Value):
    """Compress answers of these content types that are at least `min_bytes`, as the client accepts."""

    encodings: tuple[str, ...] = ("zstd", "gzip")
    min_bytes: int = 1024
    types: tuple[str, ...] = ()


class Filters(Value):
    """What is changed or refused on the way, in the order: allow, rate, cors, redirect, basic_auth, forward_auth, path
    edits, headers; answers: headers, compress. `strip_prefix` takes the route's own path off, `add_prefix` puts one
    before, `replace_prefix` replaces the route's own path."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    rate: RateLimit | None = None
    cors: Cors | None = None
    redirect: Redirect | None = None
    basic_auth: BasicAuth | None = None
    forward_auth: ForwardAuth | None = None
    strip_prefix: bool = False
    add_prefix: str = ""
    replace_prefix: str = ""
    request_headers: HeaderEdits | None = None
    response_headers: HeaderEdits | None = None
    compress: Compress | None = None
    pages: tuple[tuple[int, str], ...] = ()


class ClientCertificates(Value):
    """A certificate that clients must show (may, if not `required`), signed by `authority` of the program's CA folder."""

    authority: str
    required: bool = True


class TlsPolicy(Value):
    """What a route demands of its clients' transport. `only`: plain HTTP is redirected to HTTPS. HSTS (RFC 6797) is sent
    on HTTPS answers if `hsts_seconds` > 0. `clients` holds for the route's whole host, and plain HTTP is redirected."""

    only: bool = False
    hsts_seconds: int = 0
    hsts_subdomains: bool = False
    clients: ClientCertificates | None = None


class UpstreamTls(Value):
    """TLS towards the containers. `authority` names a CA of the program's CA folder, empty is the system's; `name` is
    verified and sent as SNI, empty is the endpoint's service name."""

    verify: bool = True
    name: str = ""
    authority: str = ""
    client_certificate: str = ""


class Policy(Value):
    """All of it. `access_log` False leaves the route's requests out of the log."""

    balance: Balance = Balance()
    limits: Limits = Limits()
    retry: Retry = Retry()
    ejection: Ejection = Ejection()
    timeouts: Timeouts = Timeouts()
    filters: Filters = Filters()
    tls: TlsPolicy = TlsPolicy()
    upstream_tls: UpstreamTls | None = None
    access_log: bool = True
