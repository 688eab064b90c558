"""Services that call each other by other names: `links`, and services that are somewhere else (pure).

An alias is given to the service that it means, on the networks that both are on: so it follows its containers wherever they run. Where one
alias means different services to different callers, or is another service's name, it is given to each caller alone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from tidegate.engine.spec import Attachment
from tidegate.stacks.dependencies import Link
from tidegate.stacks.findings import Findings
from tidegate.stacks.service import StackService
from tidegate.yamlfile import Path

NO_NETWORK_SHARED, NO_ADDRESS = "T1178", "T1179"


def linked(
    findings: Findings, services: Iterable[StackService], links: Mapping[str, tuple[Link, ...]]
) -> tuple[StackService, ...]:
    """`services` with the names that their `links` (by caller) want. Links to services that are not there are passed over."""
    known = {service.name: service for service in services}
    meanings: dict[str, set[str]] = {name: {name} for name in known}
    for each in links.values():
        for link in each:
            meanings.setdefault(link.alias, set()).add(link.service)
    for caller, wanted in links.items():
        for link in wanted:
            target = known.get(link.service)
            if target is None or caller not in known:
                continue
            if target.external is not None:
                known[caller] = _pointed(findings, known[caller], target, link)
            elif link.alias != link.service:
                _alias(findings, known, caller, link, shared=len(meanings[link.alias]) == 1)
    return tuple(known.values())


def reached(
    findings: Findings, services: Iterable[StackService], paths: Mapping[str, Path]
) -> tuple[StackService, ...]:
    """`services` where those that depend on one that is somewhere else know its address by its name."""
    known = {service.name: service for service in services}
    for name, service in known.items():
        for each in service.depends:
            target = known.get(each.service)
            if target is not None and target.external is not None:
                link = Link(service=target.name, alias=target.name, path=paths.get(name, ()))
                known[name] = _pointed(findings, known[name], target, link)
    return tuple(known.values())


def _pointed(findings: Findings, caller: StackService, target: StackService, link: Link) -> StackService:
    assert target.external is not None
    host = target.external.host
    try:
        ipaddress.ip_address(host)
    except ValueError:  # a stack's DNS answers the service's own name with that of the host
        if link.alias != target.name:
            text = f"{target.name} stands for another name, {host}: {caller.name} finds it as {target.name}, not as {link.alias}"
            findings.warn(
                NO_ADDRESS, link.path, text, f"let it ask for {target.name}, or give its address in external.host"
            )
        return caller
    entries = (f"{name}:{host}" for name in (target.name, link.alias))
    hosts = tuple(dict.fromkeys((*caller.template.extra_hosts, *entries)))
    return replace(caller, template=replace(caller.template, extra_hosts=hosts))


def _alias(findings: Findings, known: dict[str, StackService], caller: str, link: Link, *, shared: bool) -> None:
    """Give the alias to its target where it means only that, else to the caller."""
    both = known[caller].template.networks.keys() & known[link.service].template.networks.keys()
    if not both:
        text = f"{caller} and {link.service} share no network, so {link.alias} leads nowhere"
        findings.warn(NO_NETWORK_SHARED, link.path, text, "put both on one network")
        return
    bearer = link.service if shared else caller
    template = known[bearer].template
    networks = {name: _named(how, link, shared) if name in both else how for name, how in template.networks.items()}
    known[bearer] = replace(known[bearer], template=replace(template, networks=networks))


def _named(how: Attachment, link: Link, shared: bool) -> Attachment:
    if shared:
        return replace(how, aliases=tuple(dict.fromkeys((*how.aliases, link.alias))))
    return replace(how, links=tuple(dict.fromkeys((*how.links, f"{link.service}:{link.alias}"))))
