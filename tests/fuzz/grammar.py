"""Messages by the grammar of RFC 9112, as hypothesis draws them: octets, and what a reader must make of them."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from tests.fuzz.conversation import Message

TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD", "M-SEARCH")


class Written(NamedTuple):
    """Octets on the wire, and the message they are."""

    octets: bytes
    message: Message


def _octets(alphabet, *, least=0, most=20):
    return st.text(alphabet, min_size=least, max_size=most).map(lambda text: text.encode("latin-1"))


spaces = st.sampled_from([b"", b" ", b" ", b" ", b"\t", b"  ", b" \t "])
names = _octets(TOKEN, least=1, most=12).map(lambda name: b"X-" + name)
visible = st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="".join(map(chr, range(0x7F, 0xA1))))
values = st.lists(_octets(visible, least=1, most=8), max_size=3).map(b" ".join)
paths = _octets(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#")).map(
    lambda rest: b"/" + rest
)
bodies = st.binary(max_size=60)


@st.composite
def field_lines(draw):
    lines = draw(st.lists(st.tuples(names, spaces, values, spaces), max_size=4))
    return [b"%b:%b%b%b\r\n" % line for line in lines]


quoted = _octets(TOKEN + ' ,;="\\\t', most=6).map(
    lambda text: b'"%b"' % text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
)
extension = st.tuples(
    _octets(TOKEN, least=1, most=5), st.one_of(st.just(b""), _octets(TOKEN, least=1, most=5), quoted)
).map(lambda pair: b";" + pair[0] + (b"=" + pair[1] if pair[1] else b""))
extensions = st.lists(extension, max_size=2).map(b"".join)
sizes = st.sampled_from([b"%x", b"%X", b"0%x", b"00000%X"])


@st.composite
def chunked(draw, body):
    """The body in chunks of any size, with extensions and trailers."""
    out, at = [], 0
    while at < len(body):
        size = draw(st.integers(1, len(body) - at))
        out.append(draw(sizes) % size + draw(extensions) + b"\r\n" + body[at : at + size] + b"\r\n")
        at += size
    out.append(draw(st.sampled_from([b"0", b"000"])) + draw(extensions) + b"\r\n")
    out += [*draw(field_lines()), b"\r\n"]
    return b"".join(out)


@st.composite
def framed(draw, body):
    """(field lines that frame the body, the body on the wire)."""
    way = draw(st.sampled_from(["length", "zeros", "chunked"] if body else ["none", "length", "chunked"]))
    if way == "none":
        return [], b""
    if way == "chunked":
        name = draw(
            st.sampled_from(
                [b"Transfer-Encoding: chunked", b"transfer-encoding:Chunked", b"TRANSFER-ENCODING:  CHUNKED\t"]
            )
        )
        return [name + b"\r\n"], draw(chunked(body))
    return [(b"Content-Length: 000%d\r\n" if way == "zeros" else b"Content-Length: %d\r\n") % len(body)], body


@st.composite
def requests(draw):
    """One request on a connection that stays."""
    method, path, body = draw(st.sampled_from(METHODS)), draw(paths), draw(bodies)
    framing, wire = draw(framed(body))
    host = draw(st.sampled_from([b"Host: a.test\r\n", b"host:A.Test:80\r\n", b"HOST: a.test. \r\n"]))
    lines = draw(st.permutations([host, *framing, *draw(field_lines())]))
    form = b"%b" if b"a.test:80" in host.lower() else draw(st.sampled_from([b"%b", b"http://a.test%b"]))
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method.encode(), form % path, b"".join(lines))
    lead = draw(st.sampled_from([b"", b"", b"\r\n"]))
    return Written(lead + head + wire, Message(method.encode(), path, body))


pipelines = st.lists(requests(), min_size=1, max_size=3)


@st.composite
def responses(draw):
    """Interim heads and one final response with a length or chunks."""
    status, body = draw(st.sampled_from([200, 200, 206, 301, 404, 418, 503, 599])), draw(bodies)
    framing, wire = draw(framed(body).filter(lambda pair: pair[0]))
    interim = draw(
        st.sampled_from([b"", b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 100 C\r\n\r\n"])
    )
    lines = draw(st.permutations([*framing, *draw(field_lines())]))
    reason = draw(st.sampled_from([b" OK", b" ", b"", b" Caf\xe9 au lait"]))
    head = b"HTTP/1.1 %d%b\r\n%b\r\n" % (status, reason, b"".join(lines))
    return Written(interim + head + wire, Message(b"%d" % status, b"", body))
