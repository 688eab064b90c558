import socket

import pytest

from tidegate.engine import process_addresses
from tidegate.engine.process_addresses import AddressPool, listen_port
from tidegate.errors import EngineError


@pytest.fixture
def pool():
    pool = AddressPool()
    yield pool
    pool.close()


def test_no_address_is_given_twice(pool):
    assert len({pool.take() for _ in range(600)}) == 600


def test_a_freed_address_is_not_given_to_the_next(pool):
    first = pool.take()
    pool.free(first)
    assert pool.take() != first


def test_two_pools_share_no_address(pool):
    other = AddressPool()
    try:
        assert not {pool.take() for _ in range(5)} & {other.take() for _ in range(5)}
    finally:
        other.close()


def test_an_empty_pool_says_so(pool, monkeypatch):
    monkeypatch.setattr(process_addresses, "_hold", lambda _: None)
    with pytest.raises(EngineError) as caught:
        pool.take()
    assert caught.value.problems[0].code == "T1122"


def test_a_port_that_may_be_bound_stays_where_it_is():
    assert listen_port("127.77.0.1", 8080) == 8080


def test_a_port_only_root_may_bind_is_moved(monkeypatch):
    def refuse(_self, _address):
        raise PermissionError

    monkeypatch.setattr(socket.socket, "bind", refuse, raising=False)
    assert listen_port("127.77.0.1", 80) == 20080
