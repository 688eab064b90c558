from __future__ import annotations

import socket

from tidegate.dns.host import addresses
from tidegate.dns.record import packed

TRIE = """Main:
  +-- 0.0.0.0/0 3 0 4
     +-- 172.17.0.0/16 2 0 2
        |-- 172.17.0.0
           /16 link UNICAST
        |-- 172.17.0.1
           /32 host LOCAL
        |-- 172.17.255.255
           /32 link BROADCAST
Local:
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
        |-- 172.17.0.1
           /32 host LOCAL
"""
SIX = "fd000000000000000000000000000002 02 40 00 80     eth0\n"


def test_own_addresses_are_those_that_the_kernel_delivers_to_itself(tmp_path):
    (tmp_path / "fib_trie").write_text(TRIE)
    (tmp_path / "if_inet6").write_text(SIX)
    assert addresses(tmp_path) == {packed(text) for text in ("172.17.0.1", "127.0.0.1", "fd00::2")}


def test_where_nothing_is_told_there_are_none(tmp_path):
    assert addresses(tmp_path) == set()


def test_the_address_that_this_host_sends_from_is_one_of_its_own():
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", 9))
        assert packed(sock.getsockname()[0]) in addresses()
