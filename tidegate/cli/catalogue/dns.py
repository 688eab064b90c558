"""Settings of the DNS server and of what it asks."""

from __future__ import annotations

from tidegate.cli import address
from tidegate.cli.catalogue.row import Setting
from tidegate.cli.reading import access_log, boolean, listener, needed, seconds, seconds_or_off, share, size, text

DNS: tuple[Setting, ...] = (
    Setting(
        key="dns.listeners",
        flag="--dns",
        meta="ADDR:PORT",
        many=True,
        read=listener(address.ANY),
        help="Listen here for DNS, UDP and TCP; 'off' for nowhere.",
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
)
