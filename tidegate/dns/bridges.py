"""The host's own addresses on its bridges: where containers reach a server on the host whatever else holds port 53."""

from __future__ import annotations

import fcntl
import socket
import struct
from pathlib import Path

from tidegate.model import Address

_SIOCGIFADDR = 0x8915  # linux/sockios.h: the IPv4 address of an interface, in a struct ifreq of 40 octets
_NAME_SIZE = 16


def gateways(interfaces: str = "/sys/class/net") -> list[tuple[str, str]]:
    """Name and IPv4 address of each bridge of this host, by name; `docker0` is one. Empty where nothing can be seen."""
    try:
        names = sorted(each.name for each in Path(interfaces).iterdir() if (each / "bridge").is_dir())
    except OSError:  # not a Linux host, or nothing of it is shown to us
        return []
    return [(name, address) for name in names if (address := _address(name))]


def free(addresses: list[tuple[str, str]], port: int) -> list[tuple[str, str]]:
    """Those at which nobody holds `port`, neither UDP nor TCP. Raises PermissionError where we may hold none."""
    return [each for each in addresses if _is_free(Address(host=each[1], port=port))]


def _address(interface: str) -> str:
    request = struct.pack("40s", interface.encode()[: _NAME_SIZE - 1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, _SIOCGIFADDR, request)
        except OSError:  # it has none
            return ""
    return socket.inet_ntoa(answer[20:24])


def _is_free(address: Address) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            if kind is socket.SOCK_STREAM:  # as our listeners: connections that ended a minute ago do not hold a port
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((address.host, address.port))
            except PermissionError:
                raise
            except OSError:
                return False
    return True
