"""Every listening socket of the program, bound before anything is started, so that a port in use stops the start.

One socket per listener and worker slot (SO_REUSEPORT). The supervisor holds them for the life of the program: a worker
or control process that dies loses nothing that waits in an accept queue. On a reload they go to the next generation by
number (`Kept`), so that nothing is closed and opened again.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from tidegate.config import Config
from tidegate.dns.listener import bind as bind_dns
from tidegate.dns.listener import join as join_dns
from tidegate.errors import ConfigError, Problem
from tidegate.model import Address
from tidegate.router.listener import bind as bind_http


class Kept(Struct, frozen=True, kw_only=True):
    """A bound socket on its way to the next generation, known by what the settings said of it."""

    kind: str  # http, https, peers, dns_udp, dns_tcp, admin or channel
    address: str
    slot: int
    descriptor: int


class Inherited:
    """Sockets of the generation before. `close` closes what nobody took: no setting names it any more."""

    def __init__(self, kept: Iterable[Kept] = ()) -> None:
        self._kept = {(each.kind, each.address, each.slot): each.descriptor for each in kept}

    def take(self, kind: str, address: str, slot: int = 0) -> socket.socket | None:
        """The socket that these settings named before."""
        descriptor = self._kept.pop((kind, address, slot), None)
        return None if descriptor is None else socket.socket(fileno=descriptor)

    def close(self) -> None:
        """Close what is left."""
        for descriptor in self._kept.values():
            os.close(descriptor)
        self._kept.clear()


@dataclass(frozen=True, slots=True)
class Sockets:
    """What is bound: per worker slot, and for control. `kept` describes all of it for the next generation."""

    http: list[list[socket.socket]] = field(default_factory=list)
    https: list[list[socket.socket]] = field(default_factory=list)
    peers: list[list[socket.socket]] = field(default_factory=list)
    dns_udp: list[list[socket.socket]] = field(default_factory=list)
    dns_tcp: list[list[socket.socket]] = field(default_factory=list)
    admin: list[socket.socket] = field(default_factory=list)
    channel: list[socket.socket] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)

    def add(self, group: list[socket.socket], one: socket.socket, kind: str, address: str, slot: int = 0) -> None:
        """Put a socket into one of the groups; `address` is what the settings said, port 0 where they left it to us."""
        group.append(one)
        self.kept.append(Kept(kind=kind, address=address, slot=slot, descriptor=one.fileno()))


def bind_all(config: Config) -> Sockets:
    """Bind everything. Raises ConfigError naming every address that could not be had."""
    bound, problems = bind_rest(config, Inherited())
    if problems:
        close_all(bound)
        raise ConfigError(*problems)
    return bound


def bind_rest(config: Config, inherited: Inherited) -> tuple[Sockets, list[Problem]]:
    """Take what is inherited, bind what is not, close what is not named any more; and which addresses cannot be had."""
    bound = Sockets()
    problems: list[Problem] = []
    slots = max(1, config.workers)
    for _ in range(slots):
        bound.http.append([])
        bound.https.append([])
        bound.peers.append([])
        bound.dns_udp.append([])
        bound.dns_tcp.append([])
    for kind, groups, addresses in (
        ("http", bound.http, config.http.listeners),
        ("https", bound.https, config.http.tls_listeners),
        ("peers", bound.peers, config.cluster.peers if config.state.store else ()),
    ):
        for address in addresses:
            problems += _bind_slots(kind, address, bound, groups, inherited)
    for address in config.dns.listeners:
        _bind_dns_slots(address, bound, problems, inherited)
    for address in config.admin.listeners:
        try:
            one = inherited.take("admin", str(address)) or _bind_tcp(address)
        except OSError as error:
            problems.append(_taken(address, "--admin", error))
        else:
            bound.add(bound.admin, one, "admin", str(address))
    if not problems:
        one = inherited.take("channel", "") or _bind_unix(Path(config.state.folder) / "channel.sock")
        bound.add(bound.channel, one, "channel", "")
    inherited.close()
    return bound, problems


def close_all(bound: Sockets) -> None:
    """Close every socket."""
    for group in (*bound.http, *bound.https, *bound.peers, *bound.dns_udp, *bound.dns_tcp, bound.admin, bound.channel):
        for one in group:
            one.close()


def close_data(bound: Sockets) -> None:
    """Close those of the data plane only."""
    for group in (*bound.http, *bound.https, *bound.peers, *bound.dns_udp, *bound.dns_tcp):
        for one in group:
            one.close()


def _bind_slots(
    kind: str, address: Address, bound: Sockets, groups: list[list[socket.socket]], inherited: Inherited
) -> list[Problem]:
    # the first bind picks the port where 0 was asked for; the others must share it
    named = str(address)
    for slot, group in enumerate(groups):
        try:
            one = inherited.take(kind, named, slot)
            if one is None:
                if slot == 0:
                    _claim(address)
                one = bind_http(address)
        except OSError as error:
            return [_taken(address, f"--{kind}", error)]
        bound.add(group, one, kind, named, slot)
        address = Address(host=address.host, port=one.getsockname()[1])
    return []


def _bind_dns_slots(address: Address, bound: Sockets, problems: list[Problem], inherited: Inherited) -> None:
    named = str(address)
    for slot, (udp_slot, tcp_slot) in enumerate(zip(bound.dns_udp, bound.dns_tcp, strict=True)):
        udp, tcp = inherited.take("dns_udp", named, slot), inherited.take("dns_tcp", named, slot)
        try:
            if udp is None or tcp is None:
                udp, tcp = join_dns(address) if slot else bind_dns(address)
        except ConfigError as error:
            problems.extend(error.problems)
            return
        bound.add(udp_slot, udp, "dns_udp", named, slot)
        bound.add(tcp_slot, tcp, "dns_tcp", named, slot)
        address = Address(host=address.host, port=udp.getsockname()[1])


def _claim(address: Address) -> None:
    """SO_REUSEPORT would share a port with another Tidegate without a word: try once without it. Raises OSError."""
    if address.port:
        _bind_tcp(address).close()


def _bind_tcp(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    one = socket.create_server((address.host, address.port), family=family, backlog=128)
    one.setblocking(False)
    return one


def _bind_unix(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        one.bind(str(path))
    finally:
        os.umask(before)
    one.listen(128)
    one.setblocking(False)
    return one


def _taken(address: Address, flag: str, error: OSError) -> Problem:
    return Problem(
        code="T1010",
        text=f"cannot listen on {address}",
        place=flag,
        cause=error.strerror or str(error),
        mend=f"ports below 1024 need CAP_NET_BIND_SERVICE; or choose another with {flag}"
        if error.errno == errno.EACCES
        else f"choose another address with {flag} ADDRESS:PORT, or stop what uses this one",
        kept="nothing was started",
    )
