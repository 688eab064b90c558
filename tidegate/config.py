"""Static configuration: what is fixed when the program starts, one frozen section per subsystem.

Each component gets its own section, never the whole. Values only: where they come from (flag, `TIDEGATE_*` variable,
`tidegate.yaml`) is `cli/settings.py`'s business. Times in seconds, sizes in bytes.
"""

from __future__ import annotations

import os

from tidegate.model import Address, Nameserver
from tidegate.value import Value

HANDOVER_VARIABLE = "TIDEGATE_HANDOVER"  # a descriptor: what a generation leaves to the next, see app/handover.py
PARENT_VARIABLE = "TIDEGATE_PARENT"  # the pid of who started us, and would have to stop us


class HttpConfig(Value):
    """The router: where it listens and what it grants a client."""

    listeners: tuple[Address, ...] = (Address(host="0.0.0.0", port=8080),)
    tls_listeners: tuple[Address, ...] = ()
    error_pages: str = ""  # a folder of pages for our own errors
    access_log: str = "-"  # "-" is standard output, "" is off, else a file path
    trusted_proxies: tuple[str, ...] = ()  # CIDRs whose X-Forwarded-* are believed
    head_timeout_seconds: float = 10.0
    idle_timeout_seconds: float = 75.0
    body_timeout_seconds: float = 60.0
    half_close_seconds: float = 5.0  # for an answer to a client that sends no more: it may be gone
    tunnel_idle_timeout_seconds: float = 3600.0
    drain_seconds: float = 30.0
    tunnel_drain_seconds: float = 300.0  # after a reload; when we stop, tunnels end with the requests
    max_connections: int = 0  # of clients, per worker; 0 is as many as the limit of file descriptors has room for
    max_memory_bytes: int = 0  # per worker; 0 is a share of the control group's limit, where there is one
    max_head_bytes: int = 65536
    max_target_bytes: int = 16384
    max_headers: int = 128
    request_id: str = "off"  # X-Request-ID: off passes it on, keep adds what is missing, new replaces it
    return_request_id: bool = False  # say it in the answer too, where request_id is on
    hold_queue: int = 4000  # requests that may wait on one route
    upstream_idle_seconds: float = 60.0
    upstream_idle_connections: int = 256  # kept per endpoint and worker


class AccessLogConfig(Value):
    """What an access record looks like, and which requests get one. Shares from 0 to 1."""

    format: str = "json"  # json, common, combined, or a template
    sample: float = 1.0  # of the requests that neither failed nor were slow
    always_status: tuple[str, ...] = ("400-599",)  # never sampled away: 404, 5xx, 400-499
    slow_seconds: float = 1.0  # nor is what took so long
    redact_query: tuple[str, ...] = ()  # parameters whose values are struck out; * for all
    hide_headers: tuple[str, ...] = ()


class TracingConfig(Value):
    """Spans for OpenTelemetry. An empty `otlp` switches them off; trace context is then passed on as it came."""

    otlp: str = ""  # http(s)://collector:4318, or with a path the URL itself
    sample: float = 0.01  # of the traces that begin here
    headers: tuple[str, ...] = ()  # NAME=VALUE for the collector


class TlsConfig(Value):
    """HTTPS. `certificates` are folders of pairs; `default` names the one for clients that name no host of ours (empty:
    they are turned away). `authorities` is the folder of CA files that client certificates and containers are verified by.
    """

    certificates: tuple[str, ...] = ()
    authorities: str = ""
    default: str = ""
    max_handshakes: int = 1000  # in progress, per worker


class ForwardZone(Value):
    """Names at or below `zone` are asked of these upstreams alone, which may answer with private addresses."""

    zone: str
    upstreams: tuple[Nameserver, ...]

    def __str__(self) -> str:
        return f"{self.zone}={','.join(map(str, self.upstreams))}"


class DnsConfig(Value):
    """The DNS server. An empty `listeners` switches it off; empty `upstreams` means those of /etc/resolv.conf."""

    listeners: tuple[Address, ...] = (Address(host="0.0.0.0", port=5353),)
    domain: str = "mesh.internal"
    ttl_seconds: int = 5
    upstreams: tuple[Nameserver, ...] = ()
    across_networks: bool = False  # tell containers addresses on networks they are not on, where there are no others
    forward: bool = True
    forward_zones: tuple[ForwardZone, ...] = ()
    forward_timeout_seconds: float = 1.5
    forward_total_seconds: float = 4.5
    upstream_ca: str = ""  # a file of CAs for upstreams over TLS; empty is the system's
    mixed_case: bool = False  # ask upstreams in random case (0x20): more to guess, but some servers do not repeat it
    loop_check: bool = True
    private_answers: tuple[str, ...] = ("internal",)  # zones that may answer with private addresses; "." is all
    cache_bytes: int = 16 * 1024 * 1024  # per worker
    stale_seconds: float = 1.8  # an answer past its time is given after so long without a fresh one; see RFC 8767
    query_log: str = ""  # "-" is standard output, "" is off, else a file path
    query_log_sample: float = 1.0  # share of the queries that get a line
    lame_duck_seconds: float = 0.5  # that we answer on after being told to stop
    cookies: bool = False
    clients: tuple[str, ...] = ()  # CIDRs that may have foreign names and no limit; empty: containers and this host
    response_rate: int = 50  # UDP answers a second to one network of others; 0 is no limit


class AdminConfig(Value):
    """The admin API. `token` is demanded always when the address is not loopback, and if set also there."""

    listeners: tuple[Address, ...] = (Address(host="127.0.0.1", port=9900),)
    token: str = ""


class DockerConfig(Value):
    """Engines to follow. The first inventory of each is waited for before the first table."""

    urls: tuple[str, ...] = ("unix:///var/run/docker.sock",)
    tls_folder: str = ""  # ca.pem, cert.pem and key.pem for tcp:// engines; empty is plain TCP
    api_version: str = ""  # pins what is spoken; empty is the newest that both sides know
    resync_seconds: float = 30.0
    required: bool = True
    registry_config: str = ""  # logins to registries: a file as Docker's config.json; empty is Docker's own, "off" none
    root_domain: str = "local"  # what a routing label's host without a dot gets appended


class ReleasesConfig(Value):
    """Whom releases ask and tell. Gates in PromQL go to `prometheus` (empty: those gates cannot be asked); every event goes to
    each of `webhooks`, signed where there is a secret (`whsec_` and base64, or any text)."""

    prometheus: str = ""
    prometheus_headers: tuple[str, ...] = ()  # NAME=VALUE, such as Authorization
    query_timeout_seconds: float = 10.0
    webhooks: tuple[str, ...] = ()
    webhook_secret: str = ""
    hook_timeout_seconds: float = 10.0  # for one answer, of a gate or to an event
    webhook_deadline_seconds: float = 300.0  # from which on an event that no one took is dropped
    ca: str = ""  # a file of CAs for all of them; empty is the system's


class StateConfig(Value):
    """Where things that must survive a restart live. `store` is empty for SQLite in `folder`."""

    folder: str = "/var/lib/tidegate"
    store: str = ""


class NodeConfig(Value):
    """Who we are among the nodes. `address` is where our host's network and published ports are reached from elsewhere;
    empty: containers reach it on their own networks, everybody else where they asked; other nodes where we are seen from the store.
    `labels` are NAME=VALUE."""

    name: str = os.uname().nodename
    zone: str = ""
    address: str = ""
    labels: tuple[str, ...] = ()

    @property
    def label_values(self) -> dict[str, str]:
        """Labels by name."""
        return dict(label.partition("=")[::2] for label in self.labels)


class ClusterConfig(Value):
    """Between nodes that share a store; without one nothing of it counts. `peers`: where routers of other nodes ask for our containers;
    empty: nowhere. `routable` are networks, by name, id or range, whose container addresses all nodes reach."""

    peers: tuple[Address, ...] = (Address(host="0.0.0.0", port=7947),)
    routable: tuple[str, ...] = ()


class Config(Value):
    """All sections. `workers` 0 runs everything in one process."""

    http: HttpConfig = HttpConfig()
    access_log: AccessLogConfig = AccessLogConfig()
    tracing: TracingConfig = TracingConfig()
    tls: TlsConfig = TlsConfig()
    dns: DnsConfig = DnsConfig()
    admin: AdminConfig = AdminConfig()
    docker: DockerConfig = DockerConfig()
    releases: ReleasesConfig = ReleasesConfig()
    files: tuple[str, ...] = ()
    state: StateConfig = StateConfig()
    node: NodeConfig = NodeConfig()
    cluster: ClusterConfig = ClusterConfig()
    workers: int = 1
    log_level: str = "info"
    watchdog_seconds: float = 10.0  # a child whose loop stands still for so long is killed; 0 is never
    processes: bool = False  # stacks run as local processes: who may ask the admin API has commands run as us
    stack: str = ""  # a Compose-like file to run from start to end: on Docker where one is followed, else embedded
