from __future__ import annotations

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.tls.hello import Hello, NotHello, read_hello


def spoken(name, protocols=(), version=None):
    """What OpenSSL says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version is not None:
        context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(list(protocols))
    outgoing = ssl.MemoryBIO()
    session = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


def in_records(data, size):
    """The same message, spread over records of `size` bytes."""
    message = data[5:]
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)


@pytest.mark.parametrize("version", [None, ssl.TLSVersion.TLSv1_2])
def test_name_and_protocols_are_read_from_what_openssl_says(version):
    data = spoken("www.A.test", ("h2", "http/1.1"), version)
    assert read_hello(data) == Hello(name="www.a.test", protocols=(b"h2", b"http/1.1"))
    assert read_hello(spoken(None, (), version)) == Hello()


@pytest.mark.parametrize("size", [1, 3, 100, 16384])
def test_however_it_is_cut_it_says_the_same_once_it_is_whole(size):
    data = in_records(spoken("a.test", ("http/1.1",)), size)
    step = 1 if size > 50 else 7
    assert all(read_hello(data[:end]) is None for end in range(0, len(data), step))
    assert read_hello(data) == Hello(name="a.test", protocols=(b"http/1.1",))
    assert read_hello(data + b"\x17\x03\x03\x00\x05early") == Hello(name="a.test", protocols=(b"http/1.1",))


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x80\x2e\x01\x03\x01",
        b"\x16\x02\x00\x00\x05",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x40\x01",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
        b"\x17\x03\x03\x00\x05hello",
    ],
)
def test_what_does_not_begin_a_connection_is_refused(data):
    with pytest.raises(NotHello):
        read_hello(data)


def named(raw):
    """A ClientHello that names `raw`."""
    entry = b"\x00" + len(raw).to_bytes(2, "big") + raw
    listed = len(entry).to_bytes(2, "big") + entry
    extensions = b"\x00\x00" + len(listed).to_bytes(2, "big") + listed
    body = b"\x03\x03" + bytes(32) + b"\x00\x00\x02\x13\x01\x01\x00" + len(extensions).to_bytes(2, "big") + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


def test_a_name_is_one_way_to_write_a_host():
    assert read_hello(named(b"A.Test.")) == Hello(name="a.test")
    for raw in (b"", b"a..b", b"a b", b"a\x00.test", b"*.a.test", b"\xc3\xa4.test", b"a" * 64 + b".test", b"-a.test"):
        with pytest.raises(NotHello):
            read_hello(named(raw))


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(tail):
    for data in (tail, b"\x16\x03\x01" + len(tail).to_bytes(2, "big") + tail):
        try:
            read_hello(data)
        except NotHello:
            continue


@given(st.data())
def test_a_damaged_message_raises_nothing_else(data):
    whole = bytearray(spoken("a.test", ("http/1.1",)))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(NotHello):
        read_hello(bytes(whole))
