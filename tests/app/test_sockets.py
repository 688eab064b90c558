from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from tidegate.app.sockets import bind_all, close_all, close_data
from tidegate.config import AdminConfig, Config, DnsConfig, HttpConfig, StateConfig
from tidegate.errors import ConfigError
from tidegate.model import Address


def config(folder, *, http=0, dns=0, admin=0, workers=2):
    def listeners(port):
        return (Address(host="127.0.0.1", port=port),)

    return Config(
        http=HttpConfig(listeners=listeners(http)),
        dns=DnsConfig(listeners=listeners(dns)),
        admin=AdminConfig(listeners=listeners(admin)),
        state=StateConfig(folder=str(folder)),
        workers=workers,
    )


def port(one):
    return one.getsockname()[1]


def test_every_worker_slot_has_its_own_sockets_on_one_port(tmp_path):
    bound = bind_all(config(tmp_path, workers=3))
    try:
        for slots in (bound.http, bound.dns_udp, bound.dns_tcp):
            assert [len(slot) for slot in slots] == [1, 1, 1]
            assert len({port(one) for slot in slots for one in slot}) == 1
        assert port(bound.dns_udp[0][0]) == port(bound.dns_tcp[0][0])
    finally:
        close_all(bound)


def test_the_channel_is_for_us_alone_and_one_left_behind_is_replaced(tmp_path):
    path = Path(tmp_path) / "channel.sock"
    for _ in range(2):
        bound = bind_all(config(tmp_path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        close_all(bound)


def test_all_ports_in_use_are_told_at_once_and_nothing_stays_bound(tmp_path):
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    http, dns, admin = map(port, taken)
    free = config(tmp_path, http=http, dns=dns, admin=admin)
    with pytest.raises(ConfigError) as caught:
        bind_all(free)
    assert [(each.code, each.place) for each in caught.value.problems] == [
        ("T1010", "--http"),
        ("T1802", f"dns listener 127.0.0.1:{dns}"),
        ("T1010", "--admin"),
    ]
    assert str(http) in caught.value.problems[0].text
    for one in taken:
        one.close()
    close_all(bind_all(free))


def test_a_port_shared_by_another_tidegate_counts_as_in_use(tmp_path):
    first = bind_all(config(tmp_path))
    try:
        with pytest.raises(ConfigError):
            bind_all(config(tmp_path, http=port(first.http[0][0])))
    finally:
        close_all(first)


def test_closing_the_data_plane_refuses_new_connections_and_leaves_admin(tmp_path):
    bound = bind_all(config(tmp_path))
    http, admin = bound.http[0][0].getsockname(), bound.admin[0].getsockname()
    close_data(bound)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(http, 5)
    socket.create_connection(admin, 5).close()
    close_all(bound)
