import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.settings import addresses, fields, kinds
from tidegate.settings.fault import Fault

ALL = {
    "flag": kinds.flag(),
    "whole": kinds.whole(0, 100),
    "decimal": kinds.decimal(0, 100),
    "size": kinds.size(1 << 40),
    "choice": kinds.choice("a", "b"),
    "status": kinds.status(301, 308),
    "name": kinds.name(),
    "host": addresses.host(),
    "path": addresses.path(),
    "token": fields.token(),
    "line": kinds.line(),
    "quoted": kinds.quoted(),
    "page": kinds.page(),
    "hash_key": fields.hash_key("all"),
    "url": addresses.url(),
    "service": addresses.service(own=True),
    "any_service": addresses.service(own=False),
    "networks": kinds.several(addresses.network(), "networks"),
    "origins": kinds.several(addresses.origin(), "origins"),
    "users": kinds.several(fields.user(), "users"),
    "methods": kinds.several(fields.method(), "methods"),
    "fields": kinds.several(fields.field_name(), "headers"),
    "media_types": kinds.several(fields.media_type(), "media types"),
}
BCRYPT = "$2b$12$" + "a" * 53
SHA = "{SHA256}" + "0" * 64


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("size", "10MiB", 10 << 20),
        ("size", "10 MiB", 10 << 20),
        ("size", "2gb", 2_000_000_000),
        ("size", "7b", 7),
        ("status", "301", 301),
        ("host", "A.test", "a.test"),
        ("path", "/a/b%20c", "/a/b%20c"),
        ("hash_key", "ALL", "all"),
        ("hash_key", "cookie:Sid", "cookie:Sid"),
        ("url", "http://auth:4181/verify?x=1", "http://auth:4181/verify?x=1"),
        ("service", "auth:4181:/verify?x=1", "auth:4181:/verify?x=1"),
        ("any_service", "shop/auth", "shop/auth"),
        ("url", "https://[::1]:80/", "https://[::1]:80/"),
        ("networks", "10.0.0.0/8,192.0.2.1, fd00::/8", ("10.0.0.0/8", "192.0.2.1/32", "fd00::/8")),
        ("networks", "10.0.0.0/8,10.0.0.0/8", ("10.0.0.0/8",)),
        ("origins", "https://App.test:8443, https://*.a.test", ("https://app.test:8443", "https://*.a.test")),
        ("origins", "*", ("*",)),
        ("users", f"al:{BCRYPT}, bo:{SHA}", (("al", BCRYPT), ("bo", SHA))),
        ("methods", "get,POST", ("GET", "POST")),
        ("fields", "X-A", ("x-a",)),
        ("media_types", "text/*, Text/HTML", ("text/*", "text/html")),
        ("page", "a\n\tb", "a\n\tb"),
    ],
)
def test_a_value_is_read(kind, text, value):
    assert ALL[kind].read(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("size", "1.5MiB"),
        ("size", "2TiBs"),
        ("size", "9999999 TiB"),
        ("status", "302"),
        ("status", "\u0663\u0660\u0661"),
        ("host", "a_b"),
        ("host", "a..b"),
        ("host", "a" * 300),
        ("path", "a"),
        ("path", "/a/../b"),
        ("path", "/a?b"),
        ("path", "//a"),
        ("line", "a\r\nb"),
        ("line", "\u00e9"),
        ("quoted", 'a"b'),
        ("page", "a\0"),
        ("page", "a\rb"),
        ("page", "\ud800"),
        ("hash_key", "header:"),
        ("hash_key", "ip"),
        ("url", "ftp://a/"),
        ("url", "http://a:99999/"),
        ("url", "http://user@a/"),
        ("url", "http://a/#x"),
        ("service", "shop/auth"),
        ("service", "auth:0"),
        ("service", "auth:99999"),
        ("service", "http://auth/"),
        ("service", "auth/verify"),
        ("any_service", "a/b/c"),
        ("networks", "10.0.0.1/8"),
        ("networks", "10.0.0.0/8,"),
        ("networks", "fe80::1%eth0"),
        ("origins", "app.test"),
        ("origins", "https://-/"),
        ("users", "al:secret"),
        ("users", f"a b:{BCRYPT}"),
        ("methods", "GE T"),
        ("fields", "X A"),
        ("media_types", "html"),
    ],
)
def test_another_is_refused(kind, text):
    assert isinstance(ALL[kind].read(text), Fault)


def test_a_network_with_host_bits_is_told_with_the_one_that_was_meant():
    assert ALL["networks"].read("10.1.2.3/8").mend == "did you mean 10.0.0.0/8?"


def test_a_password_is_never_repeated():
    fault = ALL["users"].read("al:hunter2")
    assert "hunter2" not in fault.text + fault.mend


@pytest.mark.parametrize("kind", ALL)
@given(data=st.data())
def test_any_text_is_read_and_what_is_shown_reads_as_the_same(kind, data):
    text = data.draw(st.text(max_size=40) | st.text("0123456789.:/*,$abB%GMiTe- ", max_size=20))
    value = ALL[kind].read(text)
    if not isinstance(value, Fault):
        assert ALL[kind].read(ALL[kind].show(value)) == value
