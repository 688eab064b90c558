from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.store.address import EtcdAddress, parse


def test_a_host_alone_is_enough():
    assert parse("etcd://a.example") == EtcdAddress(members=("a.example:2379",), prefix="/tidegate")


def test_everything_that_can_be_said():
    found = parse("etcd://me%40x:p%3Aw@10.0.0.1:1,[::1]:2,b/mesh/one?ca=/c.pem&cert=/d.pem&key=/k.pem")
    assert found.urls == ("https://10.0.0.1:1", "https://[::1]:2", "https://b:2379")
    assert (found.user, found.password, found.prefix) == ("me@x", "p:w", "/mesh/one")
    assert (found.ca, found.cert, found.key) == ("/c.pem", "/d.pem", "/k.pem")


def test_without_files_of_tls_it_is_plain():
    assert parse("etcd://a").scheme == "http"
    assert parse("etcd://a?ca=system").scheme == "https"


def test_what_is_shown_has_no_password():
    assert str(parse("etcd://me:secret@a")) == "etcd://me:***@a:2379/tidegate"
    assert "***" not in str(parse("etcd://me@a?password-file=/f"))


def test_a_member_named_twice_is_one():
    assert parse("etcd://a,a:2379,b").members == ("a:2379", "b:2379")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis://a",
        "etcd://",
        "etcd://a,,b",
        "etcd://a:0",
        "etcd://a:65536",
        "etcd://a:b",
        "etcd://a b",
        "etcd://::1",
        "etcd://a/x?y=1",
        "etcd://a?ca=",
        "etcd://a?ca=x&ca=y",
        "etcd://a?cert=x",
        "etcd://a?key=x",
        "etcd://a/sp ace",
        "etcd://a/../b//c",
        "etcd://:secret@a",
        "etcd://me:x@a?password-file=/f",
        "etcd://a?password-file=/f",
    ],
)
def test_what_names_no_store_is_refused_in_words(url):
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        parse(url)


texts = st.text(min_size=1, max_size=12)


@given(user=texts, password=texts, files=st.tuples(texts, texts, texts))
def test_an_address_written_is_read_back(user, password, files):
    address = EtcdAddress(
        members=("a:1", "[::1]:2"), user=user, password=password, ca=files[0], cert=files[1], key=files[2]
    )
    assert parse(address.url()) == address
