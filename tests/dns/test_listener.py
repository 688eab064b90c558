from __future__ import annotations

import contextlib
import errno
import socket

import pytest

from tidegate.dns import bridges
from tidegate.dns.listener import bind, join, local_address, problem
from tidegate.errors import ConfigError
from tidegate.model import Address


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_udp_and_tcp_share_a_port_and_never_block(host):
    udp, tcp = bind(Address(host=host, port=0))
    with udp, tcp:
        assert udp.getsockname()[1] == tcp.getsockname()[1]
        assert not udp.getblocking()
        assert not tcp.getblocking()


def test_workers_share_an_address():
    udp, tcp = bind(Address(host="127.0.0.1", port=0))
    port = udp.getsockname()[1]
    other_udp, other_tcp = join(Address(host="127.0.0.1", port=port))
    with udp, tcp, other_udp, other_tcp:
        assert other_udp.getsockname()[1] == other_tcp.getsockname()[1] == port
        for _ in range(200):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"query", ("127.0.0.1", port))
        assert waiting(udp) > 20
        assert waiting(other_udp) > 20


def waiting(sock):
    """Takes out what waits in a UDP socket; how many it were."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while sock.recv(64):
            count += 1
    return count


def test_an_address_that_others_share_is_taken_all_the_same():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        with pytest.raises(ConfigError) as caught:
            bind(Address(host="127.0.0.1", port=other.getsockname()[1]))
    assert [each.code for each in caught.value.problems] == ["T1802"]


def test_where_one_of_the_two_cannot_be_shared_neither_is():
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        udp.bind(tcp.getsockname())
        with pytest.raises(ConfigError) as caught:
            join(Address(host="127.0.0.1", port=udp.getsockname()[1]))
    assert [each.code for each in caught.value.problems] == ["T1802"]


def test_a_taken_address_is_told_with_its_mend():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConfigError) as caught:
            bind(Address(host="127.0.0.1", port=taken.getsockname()[1]))
    (told,) = caught.value.problems
    assert (told.code, bool(told.mend)) == ("T1802", True)


def test_where_another_program_holds_the_port_on_one_address_the_free_bridges_are_named(monkeypatch):
    monkeypatch.setattr(bridges, "gateways", lambda: [("docker0", "127.0.0.1"), ("br-web", "127.0.0.2")])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = problem(Address(host="0.0.0.0", port=port), OSError(errno.EADDRINUSE, "in use"))
        one = problem(Address(host="127.0.0.1", port=port), OSError(errno.EADDRINUSE, "in use"))
    assert (told.code, one.code) == ("T1802", "T1802")
    assert told.mend.endswith(f"(br-web), which containers reach: --dns 127.0.0.2:{port}")
    assert "br-web" not in one.mend


def test_an_address_of_another_host_is_told():
    with pytest.raises(ConfigError) as caught:
        bind(Address(host="192.0.2.1", port=0))
    assert caught.value.problems[0].code == "T1804"


@pytest.mark.parametrize(("host", "packed"), [("127.0.0.1", b"\x7f\0\0\1"), ("0.0.0.0", b""), ("::", b"")])
def test_the_local_address_is_empty_where_it_is_all_of_them(host, packed):
    udp, tcp = bind(Address(host=host, port=0))
    with udp, tcp:
        assert local_address(udp) == packed


@pytest.mark.parametrize(
    ("host", "level", "option"), [("127.0.0.1", socket.IPPROTO_IP, 10), ("::1", socket.IPPROTO_IPV6, 23)]
)
def test_replies_do_not_follow_what_is_told_of_the_path_s_mtu(host, level, option):
    omit = 5  # IP_PMTUDISC_OMIT
    udp, tcp = bind(Address(host=host, port=0))
    with udp, tcp:
        assert udp.getsockopt(level, option) == omit
