"""Whom the containers of a stack ask for names (pure).

In the original system every container of a template found the mesh's names by itself. So it is here where Tidegate's DNS listens on the
port that resolvers ask, at an address that containers reach; a service that says `dns` asks whom it says.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from msgspec.structs import replace

from tidegate.engine.port import Network
from tidegate.engine.spec import ContainerSpec
from tidegate.errors import Problem, Severity
from tidegate.model import Address
from tidegate.stacks.stack import Outside, Stack

PORT = 53  # RFC 1035, section 4.2; resolvers ask no other
DEFAULT_NETWORK = "bridge"
NOT_ASKED = "T2112"


def resolvers(listeners: Iterable[Address], networks: Iterable[Network]) -> tuple[str, ...]:
    """Addresses at which containers find Tidegate's DNS. Where it listens on every address, that is the host's on the engine's
    own bridge, which containers of all bridges reach.
    """
    found: dict[str, None] = {}
    for each in listeners:
        address = _address(each.host)
        if each.port != PORT or address is None or address.is_loopback:
            continue
        if address.is_unspecified:
            own = (network for network in networks if network.name == DEFAULT_NETWORK)
            found |= dict.fromkeys(gateway for network in own for gateway in network.gateways)
        else:
            found[str(address)] = None
    return tuple(found)


def unheard(stack: Stack, listeners: Iterable[Address]) -> tuple[Problem, ...]:
    """A warning for each service of a stack whose name only our DNS could answer, where containers do not ask it."""
    found = [_address(each.host) for each in listeners if each.port == PORT]
    if any(address is not None and not address.is_loopback for address in found):
        return ()
    return tuple(_unheard(stack.name, each) for each in stack.outside if not each.has_address)


def asking(spec: ContainerSpec, addresses: tuple[str, ...]) -> ContainerSpec:
    """The container with these resolvers, where it has a network of its own and does not say whom it asks."""
    if not addresses or spec.dns or spec.network_mode not in ("", DEFAULT_NETWORK):
        return spec
    return replace(spec, dns=addresses)


def _unheard(stack: str, outside: Outside) -> Problem:
    return Problem(
        code=NOT_ASKED,
        text=f"containers do not find {outside.name} by its name: it stands for another one, {outside.host}",
        place=f"{stack}/{outside.name}",
        cause=f"our DNS could tell them, and does not listen on port {PORT} where they ask",
        mend=f"let it (tidegate serve --dns 172.17.0.1:53), or have them ask for {outside.host}",
        severity=Severity.WARNING,
    )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
