"""Addresses as people write them: `8080`, `:8080`, `127.0.0.1:8080`, `[::]:8080`, `localhost:8080`, `*:8080`."""

from __future__ import annotations

import ipaddress

from tidegate.config import ForwardZone
from tidegate.model import Address, Nameserver

ANY, LOOPBACK = "0.0.0.0", "127.0.0.1"  # noqa: S104  a proxy listens on all addresses unless told otherwise


def listener(text: str, default_host: str) -> Address:
    """Where to listen. A missing host is `default_host`; port 0 asks the system for a free one.

    Raises ValueError with a sentence that names what is wrong.
    """
    host, port = _split(text)
    return Address(host=_host(host) if host else default_host, port=_port(port))


def nameserver(text: str) -> Nameserver:
    """Whom to ask: an IP literal, the port 53 unless it is given; over TLS as `tls://1.1.1.1:853#one.one.one.one`, the
    port 853 unless it is given and the name what its certificate says. Raises ValueError."""
    text = text.strip()
    tls = text.startswith("tls://")
    place, _, name = text.removeprefix("tls://").partition("#")
    if name and not tls:
        raise ValueError("a name is for upstreams over TLS: tls://ADDRESS#NAME")
    bare = place.strip("[]")
    if _is_ip(bare):
        return Nameserver(host=bare, port=853 if tls else 53, tls=tls, name=name)
    host, port = _split(place)
    if not host:
        raise ValueError("an upstream needs an address, not only a port")
    return Nameserver(host=_host(host), port=_port(port), tls=tls, name=name)


def forward_zone(text: str) -> ForwardZone:
    """`ZONE=ADDRESS,ADDRESS`: who knows the names of a zone. Raises ValueError."""
    zone, equals, servers = text.partition("=")
    if not equals or not servers.strip():
        raise ValueError("say which servers know which zone: corp.example=10.0.0.2,10.0.0.3")
    return ForwardZone(zone=dns_zone(zone), upstreams=tuple(nameserver(each) for each in servers.split(",")))


def dns_zone(text: str) -> str:
    """A zone's name, in lower case, without a dot at its end; the root is a dot. Raises ValueError."""
    name = text.strip().lower()
    if name == ".":
        return name
    name = name.removesuffix(".")
    if not name or len(name) > 253 or not all(1 <= len(label.encode()) <= 63 for label in name.split(".")):
        raise ValueError(f"{text.strip() or 'nothing'} is no name of a zone")
    return name


def literal(text: str) -> str:
    """An IP address in canonical form, or nothing. Raises ValueError."""
    bare = text.strip().strip("[]")
    return _host(bare) if bare else ""


def cidr(text: str) -> str:
    """A network in canonical form; a single address is a network of one. Raises ValueError."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError("not an address or a network such as 10.0.0.0/8") from None


def is_loopback(address: Address) -> bool:
    """Can only this host reach it?"""
    return ipaddress.ip_address(address.host).is_loopback


def _split(text: str) -> tuple[str, str]:
    text = text.strip()
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not rest.startswith(":"):
            raise ValueError("an IPv6 address and its port are written [address]:port")
        return host, rest[1:]
    host, _, port = text.rpartition(":")
    if ":" in host:
        raise ValueError("an IPv6 address and its port are written [address]:port")
    return host, port


def _host(text: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    if text == "*":
        return "0.0.0.0"  # noqa: S104  what the star means
    if not _is_ip(text):
        raise ValueError(f"{text} is not an IP address")
    return str(ipaddress.ip_address(text))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535):
        raise ValueError(f"{text or 'nothing'} is not a port between 0 and 65535")
    return int(text)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text
