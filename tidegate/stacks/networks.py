"""Networks of a file, and how each service stands on them (pure)."""

from __future__ import annotations

from typing import Any

from tidegate.engine.compose_labels import PROJECT_LABEL
from tidegate.engine.spec import Attachment, NetworkSpec, Pool
from tidegate.stacks import values
from tidegate.stacks.file import StackNetwork
from tidegate.stacks.findings import WRONG_KIND, Findings, dotted
from tidegate.yamlfile import Path

NO_NETWORK = "T1140"
NETWORK_LABEL = "com.docker.compose.network"
DEFAULT = "default"
_KEYS = frozenset(
    {"name", "driver", "driver_opts", "external", "internal", "attachable", "enable_ipv6", "ipam", "labels"}
)
_JOINING = frozenset({"aliases", "ipv4_address", "ipv6_address", "link_local_ips", "driver_opts", "priority"})
_POOL = frozenset({"subnet", "gateway", "ip_range", "aux_addresses"})


class Networks:
    """The networks of one file. `used` grows with each one that a service is on, by real name."""

    def __init__(self, findings: Findings, stack: str, declared: dict[str, StackNetwork] | None) -> None:
        self._findings = findings
        self._stack = stack
        self._declared = declared  # None in version 1, which declares none
        self.used: dict[str, StackNetwork] = {}

    def joined(self, service: str, path: Path, settings: dict[Any, Any]) -> dict[str, Attachment]:
        """How `service` stands on its networks, by their real names; it has its own name on each. The network of the highest
        priority comes first.
        """
        wanted, here = settings.get("networks"), (*path, "networks")
        if settings.get("network_mode") or settings.get("net"):
            if wanted:
                text = f"{dotted(here)} and network_mode exclude each other"
                self._findings.error(WRONG_KIND, here, text)
            return {}
        if isinstance(wanted, list):
            wanted = dict.fromkeys(values.texts(self._findings, here, wanted))
        joined: list[tuple[int, str, Attachment]] = []
        for key, item in (self._findings.mapping(here, wanted) or {DEFAULT: None}).items():
            network = self._resolve(str(key), (*here, key))
            options = self._findings.mapping((*here, key), item)
            priority = values.whole(self._findings, (*here, key, "priority"), options.get("priority", 0), -(1 << 31))
            joined.append((priority, network.name, self._attachment(service, (*here, key), options)))
        joined.sort(key=lambda each: -each[0])
        return {name: how for _, name, how in joined}

    def _attachment(self, service: str, path: Path, options: dict[Any, Any]) -> Attachment:
        self._findings.rest(path, options, _JOINING)
        aliases = values.texts(self._findings, (*path, "aliases"), options.get("aliases"))
        return Attachment(
            aliases=tuple(dict.fromkeys((service, *aliases))),
            ipv4=values.text(self._findings, (*path, "ipv4_address"), options.get("ipv4_address")),
            ipv6=values.text(self._findings, (*path, "ipv6_address"), options.get("ipv6_address")),
            link_local=values.texts(self._findings, (*path, "link_local_ips"), options.get("link_local_ips")),
            options=values.labels(self._findings, (*path, "driver_opts"), options.get("driver_opts")),
        )

    def _resolve(self, key: str, path: Path) -> StackNetwork:
        network = (self._declared or {}).get(key)
        if network is None:
            network = StackNetwork(spec=NetworkSpec(name=f"{self._stack}_{key}", labels=_labels(self._stack, key)))
            if self._declared is not None and key != DEFAULT:
                self._findings.error(NO_NETWORK, path, f"network {key} is not declared", "name it below networks:")
        self.used[network.name] = network
        return network


def declared(findings: Findings, path: Path, value: Any, stack: str) -> dict[str, StackNetwork]:
    """`networks` of the file, by the names that it gives them."""
    items = findings.mapping(path, value).items()
    return {str(key): _network(findings, (*path, key), item, stack) for key, item in items}


def _network(findings: Findings, path: Path, item: Any, stack: str) -> StackNetwork:
    settings, key = findings.mapping(path, item), str(path[-1])
    findings.rest(path, settings, _KEYS)
    external, name = values.external(findings, path, settings)
    if external:
        return StackNetwork(spec=NetworkSpec(name=name or key), external=True)
    ipam, here = findings.mapping((*path, "ipam"), settings.get("ipam")), (*path, "ipam")
    findings.rest(here, ipam, frozenset({"driver", "config", "options"}))
    driver = values.scalar(settings.get("driver")) or ""
    spec = NetworkSpec(
        name=name or f"{stack}_{key}",
        driver=driver,
        options=values.labels(findings, (*path, "driver_opts"), settings.get("driver_opts")),
        internal=_flag(findings, (*path, "internal"), settings, False),
        # Containers, which are no tasks of Swarm's own, could not join it otherwise.
        attachable=_flag(findings, (*path, "attachable"), settings, driver == "overlay"),
        ipv6=_flag(findings, (*path, "enable_ipv6"), settings, False),
        ipam_driver=values.scalar(ipam.get("driver")) or "",
        ipam_options=values.labels(findings, (*here, "options"), ipam.get("options")),
        pools=_pools(findings, (*here, "config"), ipam.get("config")),
        labels=values.labels(findings, (*path, "labels"), settings.get("labels")) | _labels(stack, key),
    )
    return StackNetwork(spec=spec)


def _pools(findings: Findings, path: Path, value: Any) -> tuple[Pool, ...]:
    if value is None:
        return ()
    pools = []
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        here = (*path, index)
        settings = findings.mapping(here, item)
        findings.rest(here, settings, _POOL)
        said = {
            key: values.text(findings, (*here, key), settings.get(key)) for key in ("subnet", "gateway", "ip_range")
        }
        reserved = values.labels(findings, (*here, "aux_addresses"), settings.get("aux_addresses"))
        pools.append(Pool(subnet=said["subnet"], gateway=said["gateway"], range=said["ip_range"], reserved=reserved))
    return tuple(pools)


def _flag(findings: Findings, path: Path, settings: dict[Any, Any], default: bool) -> bool:
    value = settings.get(path[-1])
    return default if value is None else values.flag(findings, path, value)


def _labels(stack: str, key: str) -> dict[str, str]:
    return {PROJECT_LABEL: stack, NETWORK_LABEL: key}
