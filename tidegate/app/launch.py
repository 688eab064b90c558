"""How a child process gets its settings and sockets: one inherited memory file, and inherited descriptors by number.

A child is `python -m tidegate.app.child ROLE DESCRIPTOR`; the memory file holds a `Launch`. Nothing stands on the command
line or in the environment that should not be seen there.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from msgspec import Struct, msgpack, structs

from tidegate.config import Config


class Launch(Struct, frozen=True, kw_only=True):
    """What a child is given. Descriptors are numbers that are the same in parent and child."""

    config: Config
    parent: int = 0
    slot: int = 0
    http: tuple[int, ...] = ()
    https: tuple[int, ...] = ()
    peers: tuple[int, ...] = ()
    dns_udp: tuple[int, ...] = ()
    dns_tcp: tuple[int, ...] = ()
    admin: tuple[int, ...] = ()
    channel: int = -1
    channel_path: str = ""
    pulse: int = -1  # where the child beats
    generation: int = 1

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All descriptors the child inherits."""
        channel = () if self.channel < 0 else (self.channel,)
        return (*self.http, *self.https, *self.peers, *self.dns_udp, *self.dns_tcp, *self.admin, *channel)


def command(role: str, launch: Launch) -> tuple[list[str], int]:
    """(argv, descriptor of the memory file) to start a child with; the caller closes the descriptor afterwards."""
    memory = os.memfd_create(f"tidegate-{role}", 0)
    os.write(memory, msgpack.encode(launch))
    os.lseek(memory, 0, os.SEEK_SET)
    return [sys.executable, "-m", "tidegate.app.child", role, str(memory)], memory


def spawn(role: str, launch: Launch) -> tuple[int, int]:
    """Start a child in a session of its own: its pid, and the read end of its pulse. Raises OSError."""
    read, write = os.pipe()
    memory = -1
    try:
        argv, memory = command(role, structs.replace(launch, pulse=write))
        inherited = (memory, write, *launch.descriptors)
        child = subprocess.Popen(argv, pass_fds=inherited, start_new_session=True)  # noqa: S603  our own interpreter
    except OSError:
        os.close(read)
        raise
    finally:
        os.close(write)
        if memory >= 0:
            os.close(memory)
    child.returncode = 0  # the pidfd tells us of its end, and it is not this object's to reap
    return child.pid, read


def received(descriptor: int) -> Launch:
    """The launch that the parent wrote."""
    with os.fdopen(descriptor, "rb") as memory:
        return msgpack.decode(memory.read(), type=Launch)


def adopt(descriptors: tuple[int, ...]) -> list[socket.socket]:
    """Socket objects for inherited descriptors."""
    return [socket.socket(fileno=descriptor) for descriptor in descriptors]
