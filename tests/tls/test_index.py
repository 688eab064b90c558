from __future__ import annotations

from tidegate.tls.certificate import Certificate, Pair
from tidegate.tls.index import Index


def pair(name, *hosts, since=0.0, until=100.0):
    certificate = Certificate(names=hosts, subject=name, issuer="", not_before=since, not_after=until, fingerprint=name)
    return Pair(name=name, origin=name, certificate=certificate, chain=b"", key=b"")


def found(index, host):
    pair = index.find(host)
    return pair.name if pair is not None else None


def test_an_exact_name_comes_before_a_wildcard_of_one_label():
    index = Index([pair("exact", "x.a.test"), pair("wild", "*.a.test")], now=50.0)
    assert [found(index, host) for host in ("x.a.test", "y.a.test", "z.y.a.test", "a.test", ".a.test", "")] == [
        "exact",
        "wild",
        None,
        None,
        None,
        None,
    ]


def test_a_valid_one_comes_before_an_expired_one_and_the_newest_of_those():
    old, new, over = pair("old", "a.test"), pair("new", "a.test", since=10.0), pair("over", "a.test", until=40.0)
    future = pair("future", "a.test", since=60.0, until=900.0)
    for order in ([old, new, over, future], [future, over, new, old]):
        assert found(Index(order, now=50.0), "a.test") == "new"
    assert found(Index([over, future], now=70.0), "a.test") == "future"
    assert found(Index([over], now=70.0), "a.test") == "over"


def test_it_says_which_hosts_of_routes_are_covered():
    index = Index([pair("exact", "x.b.test"), pair("wild", "*.a.test")])
    covered = [index.covers(host) for host in ("x.b.test", "*.b.test", "*.a.test", "y.a.test", "c.test")]
    assert covered == [True, False, True, True, False]
