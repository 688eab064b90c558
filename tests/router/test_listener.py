from __future__ import annotations

import socket

import pytest

from tidegate.model import Address
from tidegate.router.listener import bind


def test_worker_slots_share_a_port():
    with bind(Address(host="127.0.0.1", port=0)) as first:
        port = first.getsockname()[1]
        with bind(Address(host="127.0.0.1", port=port)) as second:
            assert second.getsockname() == first.getsockname()
            assert not second.getblocking()


def test_an_ipv6_listener_leaves_ipv4_alone():
    with bind(Address(host="::1", port=0)) as listening:
        assert listening.family == socket.AF_INET6
        assert listening.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


def test_a_port_in_use_by_somebody_else_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        bind(Address(host="127.0.0.1", port=other.getsockname()[1]))


def test_of_what_a_client_does_not_read_the_kernel_takes_little():
    with bind(Address(host="127.0.0.1", port=0)) as listening:
        listening.setblocking(True)
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            accepted.setblocking(False)
            assert taken_by(accepted) < 1 << 20


def taken_by(connection):
    """Bytes that can be sent before the kernel takes no more."""
    taken = 0
    while True:
        try:
            taken += connection.send(bytes(65536))
        except BlockingIOError:
            return taken
