"""The bound sockets of one DNS address: UDP and TCP on the same port, shared between workers by SO_REUSEPORT."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path

from tidegate.dns import bridges
from tidegate.errors import ConfigError, Problem
from tidegate.model import Address

RECEIVE_BUFFER = 4 * 1024 * 1024  # bytes; some 5 000 small datagrams, as the kernel counts their overhead too
_BACKLOG = 512
_GATEWAYS_TOLD = 4


def bind(address: Address) -> tuple[socket.socket, socket.socket]:
    """A UDP and a listening TCP socket on `address`, which nobody else has; port 0 picks one that is free for both.

    Raises ConfigError with T1802 where the address is taken, T1803 where we may not bind it, T1804 otherwise.
    """
    for attempt in range(8):
        udp = _bound(address, socket.SOCK_DGRAM, _share_later)
        try:
            port = udp.getsockname()[1]
            return udp, _bound(Address(host=address.host, port=port), socket.SOCK_STREAM, _share_later)
        except ConfigError:
            udp.close()
            if address.port or attempt == 7:  # another's TCP port may stand where our free UDP port is
                raise
    raise AssertionError("the last attempt returns or raises")


def join(address: Address) -> tuple[socket.socket, socket.socket]:
    """As `bind`, beside the sockets that `bind` made: for the next worker. Raises as `bind` does."""
    udp = _bound(address, socket.SOCK_DGRAM, _share)
    try:
        return udp, _bound(address, socket.SOCK_STREAM, _share)
    except ConfigError:
        udp.close()
        raise


def local_address(sock: socket.socket) -> bytes:
    """The address a socket is bound to, 4 or 16 octets; empty where it is bound to all of them."""
    packed = socket.inet_pton(sock.family, str(sock.getsockname()[0]).partition("%")[0])
    return b"" if not any(packed) else packed


def problem(address: Address, error: OSError) -> Problem:
    """Why we cannot listen at `address`, and what to do about it."""
    place = f"dns listener {address}"
    cause = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        return Problem(
            code="T1802",
            text=f"another program answers DNS at {address}",
            place=place,
            cause=cause,
            mend=_mend_for_taken(address),
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return Problem(
            code="T1803",
            text=f"not allowed to listen at {address}",
            place=place,
            cause=cause,
            mend="use a port above 1023, run as root, or grant CAP_NET_BIND_SERVICE",
        )
    return Problem(
        code="T1804",
        text=f"cannot listen at {address}",
        place=place,
        cause=cause,
        mend="give an address that this host has (`ip address` lists them)",
    )


def _bound(address: Address, kind: socket.SocketKind, claim: Callable[[socket.socket, Address], None]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        _configure(sock, family, kind)
        claim(sock, address)
        if kind is socket.SOCK_STREAM:
            sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise ConfigError(problem(address, error)) from error
    return sock


def _share_later(sock: socket.socket, address: Address) -> None:
    """Bound first, shared then. The other way round the kernel lets us join any program of the same user that shares,
    another Tidegate for one, without a word; and as a free UDP port gives one that somebody shares already."""
    sock.bind((address.host, address.port))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def _share(sock: socket.socket, address: Address) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((address.host, address.port))


def _configure(sock: socket.socket, family: int, kind: socket.SocketKind) -> None:
    sock.setblocking(False)
    if family == socket.AF_INET6:  # one socket per family, so that an address is never of two kinds
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if kind is socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    with contextlib.suppress(PermissionError):  # beyond net.core.rmem_max for root only; less is slower, not wrong
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
    # A reply must leave from the address the query came to (RFC 2181 4.1), and not in fragments because somebody told the
    # kernel of a small MTU on the path (RFC 9715): replies are small enough for every real one.
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_OMIT)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_OMIT)


_SO_RCVBUFFORCE = 33  # linux/asm-generic/socket.h; not in the socket module
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _PMTUDISC_OMIT = 10, 23, 5  # linux/in.h, linux/in6.h; not in it either
_IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)  # in the socket module from Python 3.12


def _mend_for_taken(address: Address) -> str:
    found = _free_gateways(address)
    if found:
        flags = " ".join(f"--dns {host}:{address.port}" for _, host in found)
        names = ", ".join(name for name, _ in found)
        return f"{_holder(address)}listen on the host's addresses on its bridges ({names}), which containers reach: {flags}"
    if _holder(address):
        return f"{_holder(address)}listen on another address or port"
    return f"stop it (`ss -lunpt sport = :{address.port}` names it) or choose another address with --dns"


def _free_gateways(address: Address) -> list[tuple[str, str]]:
    if not ipaddress.ip_address(address.host).is_unspecified:
        return []
    try:
        return bridges.free(bridges.gateways(), address.port)[:_GATEWAYS_TOLD]
    except PermissionError:  # another problem, told when this one is out of the way
        return []


def _holder(address: Address) -> str:
    if address.port == 53 and Path("/run/systemd/resolve").exists():
        return "systemd-resolved holds port 53 on 127.0.0.53; "
    return ""
