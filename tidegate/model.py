"""Frozen values that every part shares: what is seen, what is known of its health, what is routed.

Reading order follows the flow: `Instance` (seen) -> `Inventory` (all that one provider sees) -> `CheckTarget` and
`HealthReport` (is it ready) -> `Endpoint`, `Service`, `Route`, `DnsName` (what the data plane needs). All are msgspec
structs: keyword-built, slotted, frozen, comparable, and fit for the wire to the workers as they are.

Must not happen here: I/O, clocks, randomness, live objects.
"""

from __future__ import annotations

from enum import StrEnum

from tidegate.elasticity import ScalingPolicy
from tidegate.errors import Problem
from tidegate.policy import Match, Policy
from tidegate.value import Value

# ------------------------------------------------------------------------------------------------------ what is seen


LOOPBACK = ("127.0.0.0/8", "::1/128")
PRIVATE = (  # nobody's on the Internet: containers', and also those of offices, clouds and VPNs
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10",
)  # fmt: skip


ASLEEP = "asleep"  # the provider of what stands for services that are to have no replicas now


class InstanceState(StrEnum):
    """Life of one container or process, as its engine tells it. DRAINING: told to stop, still alive."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"
    STOPPED = "stopped"


class EngineHealth(StrEnum):
    """The engine's own health check (Docker's HEALTHCHECK); NONE where there is none."""

    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Address(Value):
    """An IP literal (v4 or v6, no brackets) and a port, 1..65535. With `through` it is another node's router, which is asked there
    for the endpoint of that id and passes the connection on."""

    host: str
    port: int
    through: str = ""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Nameserver(Value):
    """A DNS server to ask, over UDP and TCP or, with `tls`, over TLS. `name` is what its certificate must say; where it
    is empty, it must say the address."""

    host: str
    port: int = 53
    tls: bool = False
    name: str = ""

    def __str__(self) -> str:
        place = str(Address(host=self.host, port=self.port))
        return f"tls://{place}#{self.name}".removesuffix("#") if self.tls else place


class NetworkAddress(Value):
    """Where an instance stands on one network. `network` is the engine's id, `name` what people call it.

    `ipv4_bits` and `ipv6_bits` are the lengths of its subnets' prefixes, 0 where they are not known. `internal`: the network has no way out. `routable`: the address is reached from everywhere, on that network or not.
    `apart`: only containers of that network reach it; this host does not stand on it.
    """

    network: str
    name: str
    ipv4: str = ""
    ipv6: str = ""
    ipv4_bits: int = 0
    ipv6_bits: int = 0
    aliases: tuple[str, ...] = ()
    internal: bool = False
    routable: bool = False
    apart: bool = False


class PublishedPort(Value):
    """`container_port` is reachable at `host_ip:host_port` on the engine's host."""

    container_port: int
    host_ip: str
    host_port: int
    protocol: str = "tcp"


class ProbeKind(StrEnum):
    """How an active health check asks."""

    HTTP = "http"
    TCP = "tcp"
    COMMAND = "command"


class ProbeSpec(Value):
    """An active health check. `port` 0 means the endpoint's own port (HTTP: 80 as the label language says).

    Success is: HTTP status 2xx or 3xx; a TCP connect; exit code 0 of `command` inside the container. Times in seconds.
    """

    kind: ProbeKind
    port: int = 0
    path: str = "/"
    command: tuple[str, ...] = ()
    interval_seconds: float = 2.0
    timeout_seconds: float = 2.0
    initial_delay_seconds: float = 0.0
    rise: int = 1
    fall: int = 3


class RouteClaim(Value):
    """What one label or file entry asks for: requests for `host` below `path` go to `port` of this instance.

    `host` is lower-case, exact or `*.suffix`; `path` starts with `/` and has no trailing slash except for `/` itself.
    `origin` is the label name or file:line it came from. `match` are conditions that requests must fulfil. `settings` are what the container says of its routes, `implied`
    what the claim's own form means; both by canonical name (docs/route-settings.md). A `relative` host is a name of the
    instance's service, bare and below the zone alike: nobody asked for it as a route, it is the router's by `dns` proxy.
    """

    port: int
    host: str
    path: str = "/"
    scheme: str = "http"
    origin: str = ""
    match: Match | None = None
    settings: dict[str, str] = {}
    implied: dict[str, str] = {}
    relative: bool = False


class ReleasePolicy(Value):
    """What the containers of a version say of how it takes the place of an earlier one (docs/labels.md). A version that says
    anything gets no request before its release, while an earlier one lives.

    `strategy` is `rolling`, `blue-green`, `canary` or `replace`, empty where they leave it open; so are None, 0 and empty
    in the other fields. `shares` are the steps of a canary in percent, rising; `hold_seconds` how long each is watched;
    `confirm`: a human says the last word; `parallelism` how many replicas are replaced at a time. `retire` is what becomes
    of the earlier version's containers: `keep`, `stop` or `remove`. Requests that fit one of `previews` get the version
    before it has any share. `gates` are bounds of the gates, by name.
    """

    strategy: str = ""
    shares: tuple[int, ...] = ()
    hold_seconds: float | None = None
    confirm: bool | None = None
    parallelism: int = 0
    retire: str = ""
    previews: tuple[Match, ...] = ()
    gates: dict[str, str] = {}


class Instance(Value):
    """One container, process or static address, as its provider sees it, with its labels already parsed.

    `id` is unique over all providers. `project`/`service` name its service (`key`); `number` is the replica's number
    (0 where unknown). `ports` are the ports worth an endpoint: those of claims, then exposed ones.
    `weight` is the relative weight of this instance's *version* (default 100), `endpoint_weight` its own share in it.
    `release` is how its version wants to be put in service; None: by its weight, at once. `scaling` is how its service follows
    its load; None: not by itself. `scale` is the number of replicas wanted at first. `made` says what of Tidegate's made it
    (`release`, `scaling`, `place`); empty: somebody else did.
    `dns` is how its service's name is answered, None where it does not say; `dns_fallback`: where no replica is ready, with
    all that run; `dns_ttl`: seconds its names may be kept, None where it does not say. `texts` are attributes to publish in the DNS, `name=value`. `external` is the host name of a service
    that no provider runs; such an instance has no networks and no ports. Of an instance of another node `judged` is what that
    node's checks say of its ports, which is not asked again here, and `peer` where that node's router takes connections for it.
    `quarantined`: a label that decides about its traffic is wrong, so it gets none, by no name.
    Times are seconds since the epoch on the engine's clock.
    """

    id: str
    name: str
    provider: str
    service: str
    node: str = ""
    project: str = ""
    version: str = ""
    number: int = 0
    image: str = ""
    state: InstanceState = InstanceState.RUNNING
    engine_health: EngineHealth = EngineHealth.NONE
    hostname: str = ""
    networks: tuple[NetworkAddress, ...] = ()
    host_network: bool = False
    published: tuple[PublishedPort, ...] = ()
    network: str = ""
    claims: tuple[RouteClaim, ...] = ()
    ports: tuple[int, ...] = ()
    probe: ProbeSpec | None = None
    weight: int = 100
    endpoint_weight: int = 1
    release: ReleasePolicy | None = None
    scale: int = 0
    scaling: ScalingPolicy | None = None
    made: str = ""
    dns: DnsMode | None = None
    dns_fallback: bool = False
    dns_ttl: int | None = None
    texts: tuple[str, ...] = ()
    external: str = ""
    judged: dict[int, EngineHealth] = {}
    peer: Address | None = None
    quarantined: bool = False
    created_at: float = 0.0
    started_at: float = 0.0
    problems: tuple[Problem, ...] = ()

    @property
    def key(self) -> str:
        """Name of the service it belongs to: `project/service`, or `service` where there is no project."""
        return f"{self.project}/{self.service}" if self.project else self.service


class RouteSpec(Value):
    """A route written out in a file: its backends are named, not claimed by instances. `match`, `settings`: as a claim."""

    host: str
    path: str = "/"
    backends: tuple[Backend, ...] = ()
    origin: str = ""
    match: Match | None = None
    settings: dict[str, str] = {}


class Inventory(Value):
    """Everything one provider sees now. Full, never a delta.

    `services` maps the service key to its instances, ordered by creation time, then id. What has not changed since the
    provider's previous inventory is the *same object* (each tuple and each instance), so a difference is cheap.
    `version` grows by one with each inventory of that provider; `stale` says the provider lost sight of its source
    and repeats what it saw last. `defaults` are settings for the routes of all providers. `since` is when the oldest event
    that led to it was noticed, on this host's monotonic clock; 0 where no event did. `subnets` are the ranges that the
    provider's containers get addresses from, sorted; None where it has such and cannot say.
    """

    provider: str
    version: int
    services: dict[str, tuple[Instance, ...]] = {}
    routes: tuple[RouteSpec, ...] = ()
    defaults: dict[str, str] = {}
    problems: tuple[Problem, ...] = ()
    stale: bool = False
    since: float = 0.0
    subnets: tuple[str, ...] | None = ()


# ------------------------------------------------------------------------------------------------------------ health


class HealthState(StrEnum):
    """STARTING gets no traffic until the first success; UNHEALTHY after `fall` failures; DRAINING finishes politely."""

    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"


class HealthSource(StrEnum):
    """Who says so. ASSUMED: last known before a restart, until the first probe of this life. NODE: the node it is on."""

    PROBE = "probe"
    ENGINE = "engine"
    PASSIVE = "passive"
    NODE = "node"
    ASSUMED = "assumed"


class CheckTarget(Value):
    """One endpoint to watch. `candidates` are the addresses it may be reached at, best first: the checker connects and
    keeps the first that answers, so that the network is verified, not guessed. `judge` is the node whose own checks are the
    `engine_health` here; empty where that is the engine's."""

    endpoint: str
    instance: str
    service: str
    candidates: tuple[Address, ...]
    probe: ProbeSpec | None = None
    engine_health: EngineHealth = EngineHealth.NONE
    judge: str = ""
    started_at: float = 0.0


class HealthReport(Value):
    """What is known of one endpoint's readiness. `since` is seconds since the epoch; `address` the verified one."""

    endpoint: str
    state: HealthState
    source: HealthSource
    since: float
    reason: str = ""
    address: Address | None = None
    failures: int = 0


# ---------------------------------------------------------------------------------------- what the data plane needs


class Endpoint(Value):
    """One address that can serve. `id` is `<instance id>:<container port>`; `address` may differ (published port)."""

    id: str
    instance: str
    name: str
    service: str
    port: int
    address: Address | None
    state: HealthState
    version: str = ""
    number: int = 0
    node: str = ""
    weight: int = 1
    reason: str = ""


class Service(Value):
    """A named group of endpoints (all versions, all states)."""

    key: str
    name: str
    project: str = ""
    endpoints: tuple[Endpoint, ...] = ()


class TrafficMode(StrEnum):
    """NORMAL forwards; HOLD keeps requests waiting, bounded; MAINTENANCE answers 503 with a page; CLOSED answers 503 because
    what protects the route cannot be read."""

    NORMAL = "normal"
    HOLD = "hold"
    MAINTENANCE = "maintenance"
    CLOSED = "closed"


class Backend(Value):
    """A share of a route: endpoints of `service` with `version` (any, if None) on container `port` (any, if 0).

    `weight` is relative to the other backends of the route, 0..1000; 0 gets nothing."""

    service: str
    version: str | None = None
    port: int = 0
    weight: int = 100


class Route(Value):
    """Requests for `host` (exact or `*.suffix`) below `path` (segment-aware prefix) go to `backends` by weight.

    `id` is host + path, and with a `match` also `#` and its conditions; of several routes for one host and path the one
    with the most conditions that hold takes the request. `owner` is the project that holds the claim. `preview_of` is the id
    of the route whose requests it takes from, for a version that is looked at before its release.
    """

    id: str
    host: str
    path: str
    backends: tuple[Backend, ...]
    owner: str = ""
    origin: str = ""
    match: Match | None = None
    policy: Policy = Policy()
    mode: TrafficMode = TrafficMode.NORMAL
    message: str = ""
    preview_of: str = ""


class DnsMode(StrEnum):
    """DIRECT: the containers' addresses; PROXY: the router's address as the asker reaches it; ONE: one record."""

    DIRECT = "direct"
    PROXY = "proxy"
    ONE = "one"


class DnsTarget(Value):
    """One thing a name stands for. `name` is its canonical own name (for SRV and PTR), relative to the zone.

    `share` is the weight of its `version` among the versions of the name, `weight` its own among those of its version.
    `on_host`: it uses the host's network, so its addresses are the host's own on each network.
    `external` is the host name of something outside that the name stands for. `texts` are attributes, `name=value`.
    """

    name: str
    addresses: tuple[NetworkAddress, ...] = ()
    ports: tuple[int, ...] = ()
    ready: bool = True
    weight: int = 1
    version: str = ""
    share: int = 100
    on_host: bool = False
    external: str = ""
    texts: tuple[str, ...] = ()


class DnsName(Value):
    """A name we answer for. Relative names are answered bare and below the zone; `absolute` ones only as they are.

    `name` is lower-case, without a trailing dot; a leading `*.` is a wildcard.
    """

    name: str
    targets: tuple[DnsTarget, ...] = ()
    absolute: bool = False
    mode: DnsMode = DnsMode.DIRECT
    ttl_seconds: int = 5


# -------------------------------------------------------------------------------------------- what the operator sets


class Preview(Value):
    """Requests that fit one of `matches` go to `backend` (named as in weights: a version, or a service key) whatever its
    weight is."""

    backend: str
    matches: tuple[Match, ...]


class Overrides(Value):
    """What an operator set at run time, laid over what was discovered. Lives in the store.

    `weights`: target (service key, or route id) -> backend name (version, or service key) -> relative weight.
    `modes`: target -> traffic mode; `messages`: target -> text of the maintenance page.
    `settings`: target (service key, host, or route id) -> settings by canonical name.
    `previews`: target (service key, host, or route id) -> who gets which requests before it has a weight.
    `drained`: ids or names of endpoints, instances or nodes that get no new requests.
    `closed`: target -> the override that may protect it and cannot be read.
    """

    weights: dict[str, dict[str, int]] = {}
    modes: dict[str, TrafficMode] = {}
    messages: dict[str, str] = {}
    settings: dict[str, dict[str, str]] = {}
    previews: dict[str, Preview] = {}
    drained: frozenset[str] = frozenset()
    closed: dict[str, str] = {}


# ------------------------------------------------------------------------------------------- what becomes of a request


class Asked(Value):
    """A request that somebody asks about. `lines` are its field lines, each ended by CRLF; `authority` stands in for a Host
    among them. `client` is the address it would come from, `secure` whether over TLS."""

    method: str = "GET"
    authority: str = ""
    target: str = "/"
    lines: str = ""
    client: str = "127.0.0.1"
    secure: bool = False


class Decision(Value):
    """What a worker does with a request, as far as the table and the request say. Every text is empty where nothing is to be
    said.

    `refused` is why its head is not taken at all. `pattern` is the host of the routes compared, `paths` theirs and `prefix`
    the longest that fits. `weighed` are routes with conditions in the order they were asked, each with what it lacks;
    `route` takes the request. `answer` is what it is answered instead of a container; `asks` what is asked elsewhere first;
    `forwarded` the request line a container gets. `chosen` says why `endpoint` (an id) and no other gets it.
    """

    host: str = ""
    refused: str = ""
    pattern: str = ""
    paths: tuple[str, ...] = ()
    prefix: str = ""
    weighed: tuple[tuple[str, str], ...] = ()
    route: str = ""
    answer: str = ""
    asks: str = ""
    forwarded: str = ""
    chosen: str = ""
    endpoint: str = ""
