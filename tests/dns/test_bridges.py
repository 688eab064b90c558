from __future__ import annotations

import socket

from tidegate.dns.bridges import free, gateways


def test_bridges_are_told_with_their_addresses(tmp_path):
    for interface in ("lo", "not-there"):
        (tmp_path / interface / "bridge").mkdir(parents=True)
    (tmp_path / "eth0").mkdir()
    assert gateways(str(tmp_path)) == [("lo", "127.0.0.1")]
    assert gateways(str(tmp_path / "nowhere")) == []


def test_an_address_is_free_where_nobody_holds_the_port_over_udp_or_tcp():
    both = [("a", "127.0.0.1"), ("b", "127.0.0.2")]
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", 0))
            assert free(both, taken.getsockname()[1]) == [("b", "127.0.0.2")]
