"""Where containers really stand: what an inspect says of their networks, corrected by what the engine says of those. Pure.

An inspect does not say whether a network has a way out, nor whether this host stands on it, nor which of two containers has an address that both claim: the end of
the older one was missed, or is under way, and the engine has given its address to the newer one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from tidegate.engine.port import OVERLAY, ContainerDetail, Network
from tidegate.model import Instance, NetworkAddress

_ON_THE_LAN = frozenset({"macvlan", "ipvlan"})  # drivers
_Place = tuple[str, str]  # network id, address


class Grounds:
    """The networks of one engine, and who claims which address there."""

    def __init__(self) -> None:
        self._networks: Mapping[str, Network] = {}
        self._apart: frozenset[str] = frozenset()  # ids of networks that this host does not stand on
        self.subnets: tuple[str, ...] | None = None  # of all networks, sorted; None before any is known
        self._claims: dict[_Place, dict[str, float]] = {}  # place -> containers and when they were started

    def know(self, networks: Iterable[Network], met: Iterable[str] = ()) -> bool:
        """Replace what is known of the networks; `met` are the ids of overlays that we stand on ourselves. True if anything changed."""
        fresh = {network.id: network for network in networks}
        apart = frozenset(network.id for network in fresh.values() if network.driver == OVERLAY).difference(met)
        if (fresh, apart) == (self._networks, self._apart) and self.subnets is not None:
            return False
        self._networks, self._apart = fresh, apart
        self.subnets = tuple(sorted({text for network in fresh.values() for text in _own_subnets(network)}))
        return True

    def knows(self, network: str) -> bool:
        """Is it the id of a network that has been told?"""
        return network in self._networks

    def lack(self, instance: Instance) -> bool:
        """Does `instance` stand on a network that is not known?"""
        return any(place.network not in self._networks for place in instance.networks)

    def claim(self, detail: ContainerDetail) -> None:
        """Note the addresses of `detail`; those it had before must have been given up."""
        for place in _places(detail):
            self._claims.setdefault(place, {})[detail.id] = detail.started_at

    def give_up(self, detail: ContainerDetail) -> None:
        """Undo `claim`."""
        for place in _places(detail):
            claims = self._claims.get(place, {})
            claims.pop(detail.id, None)
            if not claims:
                self._claims.pop(place, None)

    def rivals(self, detail: ContainerDetail) -> tuple[str, ...]:
        """Other containers that claim an address of `detail`."""
        found = dict.fromkeys(id_ for place in _places(detail) for id_ in self._claims.get(place, {}))
        found.pop(detail.id, None)
        return tuple(found)

    def placed(self, instance: Instance, container: str) -> Instance:
        """`instance`, whose networks are those of `container`, with the addresses it really has: on the host's network, the
        host's own; else without those that a container started later has."""
        if instance.host_network:
            networks = tuple(_host_places(self._networks.values()))
        else:
            networks = tuple(self._corrected(place, container) for place in instance.networks)
        return instance if networks == instance.networks else replace(instance, networks=networks)

    def _corrected(self, place: NetworkAddress, container: str) -> NetworkAddress:
        network = self._networks.get(place.network)
        internal = network.internal if network is not None else place.internal
        apart = place.network in self._apart
        ipv4, ipv6 = (text if self._owns(container, (place.network, text)) else "" for text in (place.ipv4, place.ipv6))
        if (internal, apart, ipv4, ipv6) == (place.internal, place.apart, place.ipv4, place.ipv6):
            return place
        return replace(place, internal=internal, apart=apart, ipv4=ipv4, ipv6=ipv6)

    def _owns(self, container: str, place: _Place) -> bool:
        claims = self._claims.get(place, {})
        return len(claims) < 2 or max(claims, key=lambda id_: (claims[id_], id_)) == container


def _own_subnets(network: Network) -> list[str]:
    """The ranges that only containers (and the host) have addresses in. Those of macvlan and ipvlan networks are the LAN's."""
    return [text for text in network.subnets if network.driver not in _ON_THE_LAN or _is_private(text)]


def _is_private(text: str) -> bool:
    try:
        return ipaddress.ip_network(text, strict=False).is_private
    except ValueError:
        return False


def _places(detail: ContainerDetail) -> list[_Place]:
    return [(each.network, text) for each in detail.networks for text in (each.ipv4, each.ipv6) if text]


def _host_places(networks: Iterable[Network]) -> Iterable[NetworkAddress]:
    for network in sorted(networks, key=lambda each: each.name):
        ipv4 = next((text for text in network.gateways if ":" not in text), "")
        ipv6 = next((text for text in network.gateways if ":" in text), "")
        if (ipv4 or ipv6) and network.driver == "bridge":
            yield NetworkAddress(network=network.id, name=network.name, ipv4=ipv4, ipv6=ipv6, internal=network.internal)
