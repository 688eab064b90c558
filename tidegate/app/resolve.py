"""Answers `tidegate resolve` in the control process: a zone of its own, fed with the same tables as the workers'."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from tidegate.dns import wire
from tidegate.dns.explain import Background
from tidegate.dns.zone import Zone
from tidegate.errors import ConfigError, Problem
from tidegate.model import HealthState
from tidegate.routing import RoutingTable


class Resolver:
    """The admin API's port to the DNS part. `table` gives the published table, `upstreams` who is asked for a foreign name."""

    def __init__(
        self,
        zone: Zone,
        table: Callable[[], RoutingTable] = RoutingTable,
        upstreams: Callable[[bytes], tuple[str, ...]] = lambda _: (),
    ) -> None:
        self._zone = zone
        self._table = table
        self._upstreams = upstreams

    async def explain(self, name: str, qtype: str, asker: str) -> Mapping[str, Any]:
        """What `asker` (an IP address, a container, or empty for the host) is answered, and why. Raises ConfigError."""
        number = _number(qtype.upper())
        source = self._source(asker) if asker else b"\x7f\0\0\1"
        try:
            explanation = self._zone.explain(name, number, self._zone.asker(source, _local(source)), self._known(name))
        except ValueError as error:
            raise _refused(
                f"{name!r} is not a name", "name", "labels have 1 to 63 octets, names at most 253"
            ) from error
        found: Mapping[str, Any] = msgspec.to_builtins(explanation)
        return found

    def _source(self, asker: str) -> bytes:
        """The address that stands for the asker: any of a container's does, its networks are known by all of them."""
        try:
            return ipaddress.ip_address(asker).packed
        except ValueError:
            names = self._table().names
            claim = names.get(asker.lower()) or names.get(asker.lower()[:12])
            for target in claim.targets if claim is not None else ():
                for place in target.addresses:
                    return ipaddress.ip_address(place.ipv4 or place.ipv6).packed
        raise _refused(
            f"no container {asker!r} with an address is known", "from", "give an address, or a container's name or id"
        )

    def _known(self, name: str) -> Background:
        """Costs a look at every endpoint and every name: for people who ask, not for queries."""
        table = self._table()
        bare = name.lower().rstrip(".").removesuffix("." + wire.decode(self._zone.apex))
        places = [place for claim in table.names.values() for target in claim.targets for place in target.addresses]
        return Background(
            unready=_unready(table),
            networks={place.network: place.name for place in places if place.name},
            upstreams=self._upstreams(wire.encode(name)),
            nearest=tuple(get_close_matches(bare, [claim.name for claim in table.names.values()])),
        )


def _unready(table: RoutingTable) -> dict[str, str]:
    """Why a container gets nothing, by its name in the DNS."""
    return {
        endpoint.name.lower(): f"{endpoint.state.value}: {endpoint.reason}" if endpoint.reason else endpoint.state.value
        for service in table.services.values()
        for endpoint in service.endpoints
        if endpoint.state is not HealthState.HEALTHY
    }


def _number(qtype: str) -> int:
    """The number of a type by its name, or as `TYPE65` (RFC 3597 5)."""
    number = wire.TYPES.get(qtype)
    if number is None and qtype.startswith("TYPE") and qtype[4:].isdigit() and int(qtype[4:]) < 65536:
        number = int(qtype[4:])
    if number is None:
        raise _refused(
            f"unknown record type {qtype!r}", "type", f"one of {', '.join(wire.TYPES)}, or TYPE and a number"
        )
    return number


def _local(source: bytes) -> bytes:
    """Our address as `source` is reached from here, where it is known; nothing is sent to find out."""
    family = socket.AF_INET if len(source) == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((socket.inet_ntop(family, source), 53))
        except OSError:  # no way there from here: what the router says of itself is not known then
            return bytes(len(source))
        return socket.inet_pton(family, probe.getsockname()[0].partition("%")[0])


def _refused(text: str, place: str, mend: str) -> ConfigError:
    return ConfigError(Problem(code="T1705", text=text, place=place, mend=mend))
