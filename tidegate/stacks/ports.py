"""`ports` and `expose` of a service (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidegate.engine.spec import Publication
from tidegate.stacks.findings import Findings, dotted
from tidegate.stacks.values import scalar, text, texts
from tidegate.value import Value
from tidegate.yamlfile import Path

BAD_PORT = "T1136"
MAX_PORT = 65535
MAX_PORTS = 1000
PROTOCOLS = ("tcp", "udp", "sctp")
_LONG = frozenset({"target", "published", "protocol", "host_ip", "mode", "name", "app_protocol"})


class Exposed(Value):
    """Ports that are reachable inside only."""

    tcp: tuple[int, ...] = ()
    udp: tuple[int, ...] = ()


class _WrongPortError(ValueError):
    """Text that names no port."""


def published(findings: Findings, path: Path, value: Any) -> tuple[Publication, ...]:
    """`ports`, in the short and the long form; a range of ports is one publication for each."""
    if not isinstance(value, list):
        findings.wrong(path, "a list of ports", value)
        return ()
    found: dict[Publication, None] = {}
    for index, item in enumerate(value):
        try:
            found.update(dict.fromkeys(_one(findings, (*path, index), item)))
        except _WrongPortError as error:
            _wrong(findings, (*path, index), str(error))
    if len(found) > MAX_PORTS:
        _wrong(findings, path, f"more than {MAX_PORTS} ports")
        return ()
    return tuple(found)


def exposed(findings: Findings, path: Path, value: Any) -> Exposed:
    """`expose`; only TCP and UDP can be said of it."""
    ports: dict[str, list[int]] = {protocol: [] for protocol in PROTOCOLS}
    for index, item in enumerate(texts(findings, path, value)):
        number, _, protocol = item.partition("/")
        try:
            first, last = _range(number)
            ports[_protocol(protocol)] += range(first, last + 1)
            if protocol == "sctp":
                findings.unsupported((*path, index), "only TCP and UDP ports can be exposed; publish it below ports:")
        except _WrongPortError as error:
            _wrong(findings, (*path, index), str(error))
    return Exposed(tcp=tuple(ports["tcp"]), udp=tuple(ports["udp"]))


def _one(findings: Findings, path: Path, item: Any) -> Iterator[Publication]:
    if isinstance(item, dict):
        findings.rest(path, item, _LONG)
        target, host = scalar(item.get("target")) or "", scalar(item.get("published")) or ""
        address, protocol = scalar(item.get("host_ip")) or "", scalar(item.get("protocol")) or "tcp"
    else:
        said, _, protocol = text(findings, path, item).partition("/")
        before, _, target = said.rpartition(":")
        address, _, host = before.rpartition(":")
    return _publications(target, host, address.strip("[]"), _protocol(protocol))


def _publications(target: str, host: str, address: str, protocol: str) -> Iterator[Publication]:
    first, last = _range(target)
    low, high = _range(host) if host not in ("", "0") else (0, 0)
    if last > first and high > low and high - low != last - first:
        raise _WrongPortError(f"{host}:{target}: the two ranges have different lengths")
    pairwise = last > first and low > 0
    if pairwise and high == low:
        raise _WrongPortError(f"{host}:{target}: one port of the host cannot stand for several")
    for offset in range(last - first + 1):
        own = low + offset if pairwise else low
        end = high if high > low and not pairwise else 0
        yield Publication(port=first + offset, host_port=own, host_port_end=end, host_ip=address, protocol=protocol)


def _range(written: str) -> tuple[int, int]:
    first, dash, last = written.partition("-")
    low, high = _port(first), _port(last if dash else first)
    if high < low:
        raise _WrongPortError(f"{written}: the range ends before it begins")
    if high - low >= MAX_PORTS:
        raise _WrongPortError(f"{written}: more than {MAX_PORTS} ports")
    return low, high


def _port(written: str) -> int:
    if not (written.isascii() and written.isdigit() and 0 < int(written[:6]) <= MAX_PORT):
        raise _WrongPortError(repr(written))
    return int(written)


def _protocol(written: str) -> str:
    if (written or "tcp") not in PROTOCOLS:
        raise _WrongPortError(f"{written!r} is no protocol")
    return written or "tcp"


def _wrong(findings: Findings, path: Path, what: str) -> None:
    mend = 'write "80", "8080:80", "127.0.0.1:8080:80", "3000-3005:3000-3005" or "53:53/udp"'
    findings.error(BAD_PORT, path, f"{dotted(path)} names no port: {what}", mend)
