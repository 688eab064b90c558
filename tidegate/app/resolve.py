"""Answers `tidegate resolve` in the control process: a zone of its own, fed with the same tables as the workers'."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

import msgspec

from tidegate.dns import wire
from tidegate.dns.zone import Zone
from tidegate.errors import ConfigError, Problem

_TYPES = {
    "A": wire.A,
    "AAAA": wire.AAAA,
    "SRV": wire.SRV,
    "PTR": wire.PTR,
    "SOA": wire.SOA,
    "NS": wire.NS,
    "TXT": wire.TXT,
    "CNAME": wire.CNAME,
    "MX": wire.MX,
    "HTTPS": wire.HTTPS,
    "SVCB": wire.SVCB,
    "ANY": wire.ANY,
}


class Resolver:
    """The admin API's port to the DNS part."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    async def explain(self, name: str, qtype: str, asker: str) -> Mapping[str, Any]:
        """What `asker` (an IP address, or empty for the host) is answered, and why. Raises ConfigError."""
        number = _TYPES.get(qtype.upper())
        if number is None:
            raise _refused(f"unknown record type {qtype!r}", "type", f"one of {', '.join(_TYPES)}")
        try:
            source = ipaddress.ip_address(asker or "127.0.0.1").packed
        except ValueError as error:
            raise _refused(f"{asker!r} is not an IP address", "from", "give an address or a container") from error
        explanation = self._zone.explain(name, number, self._zone.asker(source, source))
        found: Mapping[str, Any] = msgspec.to_builtins(explanation)
        return found


def _refused(text: str, place: str, mend: str) -> ConfigError:
    return ConfigError(Problem(code="T1705", text=text, place=place, mend=mend))
