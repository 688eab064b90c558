"""How each bench is shown: which figures, compared with whom. Values only."""

from __future__ import annotations

from bench.macro.sample import Value


class Column(Value):
    """One figure of a table: the value's name in the samples, its heading, its format; `total` sums it over the rounds,
    `limit` shows whether the value stays within it instead of the value."""

    value: str
    heading: str
    form: str = "{:.1f}"
    scale: float = 1.0
    total: bool = False
    limit: float = 0.0


class Sheet(Value):
    """How one bench is shown: its columns, the value that ratios compare, and the peers they compare to."""

    bench: str
    title: str
    columns: tuple[Column, ...]
    cases: str = ""  # only cases with this text in their name
    without: tuple[str, ...] = ()  # and none of these
    compared: str = ""
    to: tuple[str, ...] = ()
    note: str = ""


CPU = (
    Column(value="cpu_us", heading="CPU µs"),
    Column(value="user_us", heading="user"),
    Column(value="kernel_us", heading="kernel"),
)
AT_SATURATION = (
    Column(value="requests_per_second", heading="req/s", form="{:,.0f}"),
    Column(value="p50_ms", heading="p50 ms", form="{:.2f}"),
    Column(value="p99_ms", heading="p99 ms", form="{:.2f}"),
)
DNS_FLOOD = (
    Column(value="answers_per_cpu_second", heading="answers per CPU s", form="{:,.0f}"), *CPU,
    Column(value="answers_per_worker_second", heading="per s of the busiest process", form="{:,.0f}"),
    Column(value="answers_per_second", heading="answers/s", form="{:,.0f}"),
)  # fmt: skip
CROWD = (
    Column(value="requests", heading="requests", form="{:,.0f}", total=True),
    Column(value="failed", heading="failed", form="{:,.0f}", total=True),
    Column(value="sticky", heading="sticky requests", form="{:,.0f}", total=True),
    Column(value="sticky_failed", heading="failed", form="{:,.0f}", total=True),
    Column(value="sockets", heading="WebSockets", form="{:,.0f}", total=True),
    Column(value="sockets_cut", heading="cut early", form="{:,.0f}", total=True),
    Column(value="apart", heading="share off by points"),
)
SHEETS = (
    Sheet(
        bench="http", title="CPU per proxied HTTP/1.1 request, 64 keep-alive connections, JSON access log",
        columns=(*CPU, Column(value="worker_us", heading="busiest process"), *AT_SATURATION), without=("open loop", "1 MiB"), compared="cpu_us", to=("nginx", "haproxy"),
    ),
    Sheet(
        bench="http", cases="12 headers, 1 MiB", title="HTTP/1.1, 1 MiB bodies, 16 connections", to=("nginx",),
        columns=(Column(value="mib_per_cpu_second", heading="MiB per CPU second", form="{:,.0f}"), *CPU), compared="mib_per_cpu_second",
        note="Higher is better.",
    ),
    Sheet(
        bench="http", cases="open loop", title="Latency at a fixed rate (open loop, from the scheduled time)", to=("nginx",),
        columns=(
            Column(value="rate", heading="req/s", form="{:,.0f}"), Column(value="p50_ms", heading="p50 ms", form="{:.2f}"),
            Column(value="p99_ms", heading="p99 ms", form="{:.2f}"), Column(value="added_p99_ms", heading="added p99 ms", form="{:.2f}"),
            Column(value="own_cpu_us", heading="generator CPU µs"),
        ), compared="p99_ms", note="`direct` is the generator on the backend without a proxy.",
    ),
    Sheet(
        bench="dns", title="DNS answers from own zones per CPU second", to=("dnsmasq", "unbound"), note="Higher is better.",
        columns=DNS_FLOOD, without=("half load", "cached", "forwarded"), compared="answers_per_cpu_second",
    ),
    Sheet(
        bench="dns", cases="cached", title="DNS answers from the cache per CPU second", to=("dnsmasq", "unbound"), note="Higher is better.",
        columns=DNS_FLOOD, compared="answers_per_cpu_second",
    ),
    Sheet(
        bench="dns", cases="forwarded", title="Forwarded DNS answers per CPU second (TTL 0)", to=("dnsmasq", "unbound"), note="Higher is better.",
        columns=DNS_FLOOD, compared="answers_per_cpu_second",
    ),
    Sheet(
        bench="dns", cases="AAAA, half load", title="DNS latency at half of dnsmasq's peak", compared="p99_ms", to=("dnsmasq", "unbound"),
        columns=(
            Column(value="rate", heading="queries/s", form="{:,.0f}"), Column(value="p50_ms", heading="p50 ms", form="{:.3f}"),
            Column(value="p99_ms", heading="p99 ms", form="{:.3f}"),
        ),
    ),
    Sheet(
        bench="dns", cases="a second, half load", title="DNS latency at half of our own peak while names change", compared="p99_ms",
        columns=(
            Column(value="rate", heading="queries/s", form="{:,.0f}"), Column(value="p50_ms", heading="p50 ms", form="{:.3f}"),
            Column(value="p99_ms", heading="p99 ms", form="{:.3f}"),
            Column(value="events_per_second", heading="engine events/s", form="{:,.0f}"),
            Column(value="rest_share", heading="CPU of supervisor and control", form="{:.0%}"),
        ), note="Changes: of a table in the worker's own process. Engine events: the whole program on one core, a container stops or starts with each.",
    ),
    Sheet(
        bench="churn", title="Engine event to live route", without=("kill",), compared="p50_ms", to=("traefik", "traefik-0s"),
        columns=(
            Column(value="p50_ms", heading="p50 ms", form="{:.0f}"), Column(value="p99_ms", heading="p99 ms", form="{:.0f}"),
            Column(value="inspects_per_event", heading="inspects per event", form="{:.2f}"),
            Column(value="lists_per_event", heading="lists per event", form="{:.2f}"),
            Column(value="worst_pause_ms", heading="worst answer ms", form="{:.0f}"),
        ), note="`traefik` has its default throttle of 2 s, `traefik-0s` none.",
    ),
    Sheet(
        bench="churn", cases="kill to last request", title="`kill` event to the last new request (the container dies 1 s later)",
        columns=(
            Column(value="p50_ms", heading="p50 ms", form="{:.0f}"), Column(value="worst_ms", heading="worst ms", form="{:.0f}"),
            Column(value="failed", heading="failed requests", form="{:.0f}"),
        ), compared="p50_ms", to=("traefik", "traefik-0s"),
    ),
    Sheet(
        bench="idle", title="Memory of idle keep-alive connections", compared="bytes_per_connection", to=("nginx", "haproxy"),
        columns=(
            Column(value="bytes_per_connection", heading="KiB each", form="{:.1f}", scale=1 / 1024),
            Column(value="start_mib", heading="before MiB", form="{:.0f}"), Column(value="rss_mib", heading="with all MiB", form="{:.0f}"),
        ),
    ),
    Sheet(
        bench="probing", title="CPU of health probes", compared="core_share", to=("haproxy", "traefik"),
        columns=(
            Column(value="core_share", heading="% of a core", scale=100), Column(value="busiest_share", heading="busiest process %", scale=100),
            Column(value="probes_per_second", heading="probes/s", form="{:.0f}"),
        ),
    ),
    Sheet(
        bench="routes", title="CPU per request by number of routes", columns=(*CPU, *AT_SATURATION[:1]), compared="cpu_us",
        to=("nginx", "haproxy"),
    ),
    Sheet(
        bench="deploys", title="Deploys: requests that failed while containers came and went",
        columns=(
            Column(value="requests", heading="requests", form="{:,.0f}", total=True), Column(value="failed", heading="failed", form="{:,.0f}", total=True),
            Column(value="cut", heading="connections cut", form="{:,.0f}", total=True), Column(value="worst_ms", heading="worst answer ms", form="{:,.0f}"),
            Column(value="unreachable", heading="containers with failures", form="{:,.0f}", total=True),
            Column(value="live_p50_ms", heading="live p50 ms", form="{:,.0f}"), Column(value="live_worst_ms", heading="live worst ms", form="{:,.0f}"),
            Column(value="inspects", heading="inspect calls", form="{:,.0f}"),
        ),
    ),
    Sheet(
        bench="reloads", title="Reloads and upgrades: what failed for clients that forgive nothing",
        columns=(
            Column(value="took_ms", heading="one takes ms", form="{:,.0f}"),
            Column(value="busy_requests", heading="kept, busy", form="{:,.0f}", total=True), Column(value="busy_failed", heading="failed", form="{:,.0f}", total=True),
            Column(value="slow_requests", heading="kept, pausing", form="{:,.0f}", total=True), Column(value="slow_failed", heading="failed", form="{:,.0f}", total=True),
            Column(value="fresh_requests", heading="new connections", form="{:,.0f}", total=True), Column(value="fresh_failed", heading="failed", form="{:,.0f}", total=True),
            Column(value="sockets_opened", heading="WebSockets", form="{:,.0f}", total=True), Column(value="sockets_early", heading="cut early", form="{:,.0f}", total=True),
            Column(value="downloads_opened", heading="downloads", form="{:,.0f}", total=True), Column(value="downloads_early", heading="cut early", form="{:,.0f}", total=True),
            Column(value="busy_p99_ms", heading="busy p99 ms", form="{:,.0f}"), Column(value="busy_worst_ms", heading="worst ms", form="{:,.0f}"),
        ),
    ),
    Sheet(
        bench="releases", title="Releases on a real engine: what failed while v2 took v1's place",
        columns=(*CROWD, Column(value="v2_at_end", heading="v2 serves at the end %", form="{:.0f}"), Column(value="took_seconds", heading="seconds", form="{:.0f}")),
    ),
    Sheet(
        bench="rollbacks", title="Releases turned back at each of their steps",
        columns=(
            *CROWD, Column(value="worst_ms", heading="worst answer ms", form="{:,.0f}"), Column(value="back_seconds", heading="last answer of v2 after s", form="{:.1f}"),
            Column(value="v1_at_end", heading="v1 serves at the end %", form="{:.0f}"),
        ),
    ),
    Sheet(
        bench="hosts", title="Nodes and stores that go, under load: what failed, and where the replicas went",
        columns=(
            Column(value="requests", heading="requests", form="{:,.0f}"), Column(value="failed", heading="failed", form="{:,.0f}"),
            Column(value="failed_later", heading="after the first 2 s", form="{:,.0f}"), Column(value="worst_ms", heading="worst ms", form="{:,.0f}"),
            Column(value="assigned_s", heading="assigned elsewhere after s"), Column(value="ready_s", heading="all ready after s"),
            Column(value="there_before", heading="places there before", form="{:.0f}"), Column(value="there_after", heading="after", form="{:.0f}"),
            Column(value="places_before", heading="all places before", form="{:.0f}"), Column(value="places_after", heading="after", form="{:.0f}"),
            Column(value="moved", heading="new places", form="{:.0f}"), Column(value="doubles", heading="doubles", form="{:.0f}"),
            Column(value="lines", heading="lines", form="{:,.0f}"), Column(value="nodes", heading="of nodes", form="{:.0f}"),
            Column(value="replicas", heading="of replicas", form="{:.0f}"), Column(value="disordered", heading="out of order", form="{:.0f}"),
            Column(value="gaps", heading="gaps", form="{:.0f}"), Column(value="named", heading="nodes named as not asked", form="{:.0f}"),
            Column(value="took_ms", heading="ms", form="{:,.0f}"),
        ),
    ),
    Sheet(
        bench="faults", title="Good traffic beside what misbehaves",
        columns=(
            Column(value="calm_p99_ms", heading="p99 ms undisturbed", form="{:.2f}"), Column(value="p99_ms", heading="disturbed", form="{:.2f}"),
            Column(value="p99_times", heading="ratio", form="{:.2f}"), Column(value="p99_times", heading="within 2 ×", limit=2.0),
            Column(value="direct_times", heading="ratio without a proxy", form="{:.2f}"),
            Column(value="failed", heading="failed", form="{:,.0f}", total=True),
            Column(value="came_share", heading="% of the stated disturbance", form="{:.0f}", scale=100), Column(value="came_mib", heading="MiB/s", form="{:,.0f}"),
            Column(value="before_mib", heading="memory before MiB", form="{:.0f}"), Column(value="peak_mib", heading="peak MiB", form="{:.0f}"),
            Column(value="after_mib", heading="after MiB", form="{:.0f}"), Column(value="each_kib", heading="KiB per connection"),
            Column(value="core_share", heading="% of its core", form="{:.0f}", scale=100),
        ),
    ),
)  # fmt: skip
CHARTED = (
    ("http", "12 headers, 100 B", "cpu_us", "CPU per proxied request, 12 headers (µs, shorter is better)", "{:.1f} µs", 1.0),
    ("dns", "10000 names, A and AAAA", "answers_per_cpu_second", "DNS answers per CPU second, 10 000 names (longer is better)", "{:,.0f}", 1.0),
    ("churn", "start to live, 1000 containers", "p50_ms", "Start event to live route among 1 000 containers (ms)", "{:.0f} ms", 1.0),
    ("churn", "kill to last request, 1000 containers", "p50_ms", "Kill event to last new request (ms)", "{:.0f} ms", 1.0),
    ("idle", "10000 idle connections", "bytes_per_connection", "Memory per idle connection (KiB)", "{:.1f} KiB", 1 / 1024),
)  # fmt: skip
