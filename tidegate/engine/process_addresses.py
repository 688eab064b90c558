"""Loopback addresses 127.77.x.y, one for each local process, so that all of them can listen on the same port.

An address is held by an abstract Unix socket of its name: the kernel frees it with its holder, so two Tidegates on one
host never share one, and a crash leaves none taken.
"""

from __future__ import annotations

import socket

from tidegate.errors import EngineError, Problem

SUBNET = "127.77.0.0/16"
FIRST, LAST = 1, (1 << 16) - 2
MOVED_PORTS = 20_000


class AddressPool:
    """Addresses in use by this process. A freed one is not given again before all the others were."""

    def __init__(self) -> None:
        self._holders: dict[str, socket.socket] = {}
        self._next = FIRST

    def take(self) -> str:
        """An address nobody on this host holds; raises EngineError when there is none."""
        for _ in range(FIRST, LAST + 1):
            address = f"127.77.{self._next >> 8}.{self._next & 255}"
            self._next = FIRST if self._next == LAST else self._next + 1
            holder = _hold(address)
            if holder is not None:
                self._holders[address] = holder
                return address
        raise EngineError(
            Problem(code="T1122", text="no loopback address is free", place=SUBNET, mend="remove some processes first")
        )

    def free(self, address: str) -> None:
        self._holders.pop(address).close()

    def close(self) -> None:
        for address in tuple(self._holders):
            self.free(address)


def listen_port(address: str, port: int) -> int:
    """The port a process should listen on for `port`: the same, or, where only root may bind it, 20000 above."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except PermissionError:
            return port + MOVED_PORTS
        except OSError:
            return port  # taken already: the process itself will say so
    return port


def _hold(address: str) -> socket.socket | None:
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        holder.bind(f"\0tidegate-{address}")
    except OSError:
        holder.close()
        return None
    return holder
