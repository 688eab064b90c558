"""DNS names built again: those of services, and the hosts of routes."""

from __future__ import annotations

from tidegate.building.naming import own_names
from tidegate.building.work import Work
from tidegate.model import DnsMode, DnsName, DnsTarget


def rebuild_name(work: Work, key: str) -> None:
    """Build one DNS name; a key with a final dot is a route's host, answered with the router's address."""
    if key.endswith("."):
        work.names.put(key, _host_name(work, key[:-1]) if work.hosts.get(key[:-1]) else None)
        return
    targets: dict[DnsTarget, None] = {}
    mode = DnsMode.DIRECT
    for source in work.sources.get(key):
        part = work.parts.get(source)
        if part is not None:
            targets.update(dict.fromkeys(part.names[key]))
            mode = part.dns if key in own_names(part.service) else mode
    name = DnsName(name=key, targets=tuple(targets), mode=mode, ttl_seconds=work.options.ttl_seconds)
    work.names.put(key, name if targets else None)


def _host_name(work: Work, host: str) -> DnsName:
    return DnsName(name=host, absolute=True, mode=DnsMode.PROXY, ttl_seconds=work.options.ttl_seconds)
