"""DNS names built again: those of services, and the hosts of routes."""

from __future__ import annotations

from tidegate.building.naming import own_names
from tidegate.building.work import Work
from tidegate.model import DnsMode, DnsName, DnsTarget


def rebuild_name(work: Work, key: str) -> None:
    """Build one DNS name; a key with a final dot is a route's host, answered with the router's address."""
    if key.endswith("."):
        work.names.put(key, _host_name(work, key[:-1]) if _is_asked_for(work, key[:-1]) else None)
        return
    targets: dict[DnsTarget, None] = {}
    modes, ttls = [], []
    for source in work.sources.get(key):
        part = work.parts.get(source)
        if part is not None:
            targets.update(dict.fromkeys(part.names[key]))
            if key in own_names(part.service):
                modes.append(part.dns)
            ttls.append(work.options.ttl_seconds if part.ttl is None else part.ttl)
    if not targets:
        work.names.put(key, None)
        return
    work.names.put(key, DnsName(name=key, targets=tuple(targets), mode=_mode(modes), ttl_seconds=min(ttls)))


def _mode(modes: list[DnsMode]) -> DnsMode:
    """How a name is answered that is one of a service's own. Where several services have it the router could not tell who of them is
    meant, but addresses can: an asker is told those it shares a network with."""
    if len(modes) == 1:
        return modes[0]
    return DnsMode.ONE if DnsMode.ONE in modes else DnsMode.DIRECT


def _is_asked_for(work: Work, host: str) -> bool:
    """Does any route of the host exist because a label or file asks for it? Else it is a name of a service already."""
    return any(work.specs.get(id_) or not _is_by_name(work, id_) for id_ in work.hosts.get(host))


def _is_by_name(work: Work, id_: str) -> bool:
    parts = [work.parts.get(key) for key in work.claimants.get(id_)]
    groups = [part.groups[id_] for part in parts if part is not None and id_ in part.groups]
    return bool(groups) and all(group.relative for group in groups)


def _host_name(work: Work, host: str) -> DnsName:
    return DnsName(name=host, absolute=True, mode=DnsMode.PROXY, ttl_seconds=work.options.ttl_seconds)
