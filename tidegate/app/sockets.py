"""Every listening socket of the program, bound before anything is started, so that a port in use stops the start.

One socket per listener and worker slot (SO_REUSEPORT). The supervisor holds them for the life of the program: a worker
or control process that dies loses nothing that waits in an accept queue.
"""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from tidegate.config import Config
from tidegate.dns.listener import bind as bind_dns
from tidegate.errors import ConfigError, Problem
from tidegate.model import Address
from tidegate.router.listener import bind as bind_http


@dataclass(frozen=True, slots=True)
class Sockets:
    """What was bound: per worker slot, and for control. `http` and `dns` say where, with real ports."""

    http: list[list[socket.socket]] = field(default_factory=list)
    https: list[list[socket.socket]] = field(default_factory=list)
    dns_udp: list[list[socket.socket]] = field(default_factory=list)
    dns_tcp: list[list[socket.socket]] = field(default_factory=list)
    admin: list[socket.socket] = field(default_factory=list)
    channel: list[socket.socket] = field(default_factory=list)


def bind_all(config: Config) -> Sockets:
    """Bind everything. Raises ConfigError naming every address that could not be had."""
    bound = Sockets()
    problems: list[Problem] = []
    slots = max(1, config.workers)
    for _ in range(slots):
        bound.http.append([])
        bound.https.append([])
        bound.dns_udp.append([])
        bound.dns_tcp.append([])
    for address in config.http.listeners:
        _bind_slots(address, bound.http, problems, "--http")
    for address in config.http.tls_listeners:
        _bind_slots(address, bound.https, problems, "--https")
    for address in config.dns.listeners:
        _bind_dns_slots(address, bound, problems)
    for address in config.admin.listeners:
        try:
            bound.admin.append(_bind_tcp(address))
        except OSError as error:
            problems.append(_taken(address, "--admin", error))
    if problems:
        close_all(bound)
        raise ConfigError(*problems)
    bound.channel.append(_bind_unix(Path(config.state.folder) / "channel.sock"))
    return bound


def close_all(bound: Sockets) -> None:
    """Close every socket."""
    for group in (*bound.http, *bound.https, *bound.dns_udp, *bound.dns_tcp, bound.admin, bound.channel):
        for one in group:
            one.close()


def close_data(bound: Sockets) -> None:
    """Close those of the data plane only."""
    for group in (*bound.http, *bound.https, *bound.dns_udp, *bound.dns_tcp):
        for one in group:
            one.close()


def _bind_slots(address: Address, slots: list[list[socket.socket]], problems: list[Problem], flag: str) -> None:
    # the first bind picks the port where 0 was asked for; the others must share it
    for slot in slots:
        try:
            if slot is slots[0]:
                _claim(address)
            one = bind_http(address)
        except OSError as error:
            problems.append(_taken(address, flag, error))
            return
        slot.append(one)
        address = Address(host=address.host, port=one.getsockname()[1])


def _bind_dns_slots(address: Address, bound: Sockets, problems: list[Problem]) -> None:
    for udp_slot, tcp_slot in zip(bound.dns_udp, bound.dns_tcp, strict=True):
        try:
            if udp_slot is bound.dns_udp[0]:
                _claim(address)
            udp, tcp = bind_dns(address)
        except ConfigError as error:
            problems.extend(error.problems)
            return
        except OSError as error:
            problems.append(_taken(address, "--dns", error))
            return
        udp_slot.append(udp)
        tcp_slot.append(tcp)
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
