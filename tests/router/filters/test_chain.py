from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
from base64 import b64encode

import bcrypt
import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.asks import ask
from tests.support.client import GET, get, post
from tests.support.origin import ok, polite, saying, serving
from tests.support.router import asking, filtered, running
from tidegate.policy import (
    BasicAuth,
    Compress,
    Cors,
    FieldMatch,
    Filters,
    HeaderEdits,
    Limits,
    Match,
    Policy,
    RateLimit,
    Redirect,
)
from tidegate.router.filters.answer import Answer
from tidegate.router.filters.chain import build_chain


def test_a_policy_without_filters_has_no_chain():
    assert build_chain(Policy(), "/", 1, b"") is None
    assert build_chain(Policy(limits=Limits(body_bytes=5)), "/", 1, b"") is not None


def test_steps_run_in_their_order_and_the_first_answer_ends_them():
    policy = Policy(filters=Filters(deny=("192.0.2.1",), redirect=Redirect(scheme="https"), strip_prefix=True))
    chain = build_chain(policy, "/api", 1, b"")
    refused = chain.request(ask("/api/x"))
    assert isinstance(refused, Answer) and refused.status == 403
    other = ask("/api/x", client=b"192.0.2.2")
    assert chain.request(other).status == 308
    assert other.head.target == b"/api/x"


async def test_paths_and_fields_are_edited_on_the_way_to_the_container():
    edits = HeaderEdits(set=(("X-Env", "prod"),), remove=("cookie",))
    route_ = filtered("/api", strip_prefix=True, add_prefix="/v1", request_headers=edits)
    async with serving() as origin, running(origin, routes=[route_]) as mesh:
        client = await mesh.client()
        response = await client.ask(get("/api/x?y", extra=b"Cookie: a=1\r\nX-Env: dev\r\n"))
    assert response.status == 200
    request = origin.requests[0]
    assert request.target == "/v1/x?y"
    assert (request.field("x-env"), request.field("cookie"), request.field("x-forwarded-prefix")) == (
        "prod",
        None,
        "/api",
    )


async def test_the_answers_fields_are_edited_and_cors_is_ours():
    edits = HeaderEdits(set=(("X-Served-By", "mesh"),), remove=("Server",))
    route_ = filtered(response_headers=edits, cors=Cors(origins=("https://app.test",)))
    answer = ok(extra=b"Server: x\r\nAccess-Control-Allow-Origin: *\r\n")
    async with serving(saying(answer)) as origin, running(origin, routes=[route_]) as mesh:
        client = await mesh.client()
        response = await client.ask(get(extra=b"Origin: https://app.test\r\n"))
        assert response.headers["x-served-by"] == "mesh"
        assert response.headers["access-control-allow-origin"] == "https://app.test"
        assert "server" not in response.headers
        preflight = b"OPTIONS / HTTP/1.1\r\nHost: a.test\r\nOrigin: https://app.test\r\nAccess-Control-Request-Method: GET\r\n\r\n"
        response = await client.ask(preflight)
        assert (response.status, response.body) == (204, b"")
        assert (await client.ask(get(extra=b"Origin: https://b.test\r\n"))).status == 200
    assert len(origin.requests) == 2


async def patient(peer):
    """As `polite`, but takes a body that is cut off."""
    with contextlib.suppress(h11.RemoteProtocolError):
        await polite(peer)


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_over_the_limit_is_refused(chunked):
    body = b"x" * 5000
    request = post(body)
    if chunked:
        head = b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        request = head + b"".join(b"3e8\r\n%b\r\n" % body[:1000] for _ in range(5)) + b"0\r\n\r\n"
    async with serving(patient) as origin, running(origin, routes=[filtered(limits=Limits(body_bytes=4999))]) as mesh:
        client = await mesh.client()
        response = await client.ask(request)
        assert (response.status, response.headers["x-tidegate-reason"]) == (413, "body-too-large")
        client = await mesh.client()
        assert (await client.ask(post(body[:4999]))).status == 200
        client.close()
        await mesh.at_rest()


async def test_a_rate_limit_is_per_client_and_tells_when_to_come_back():
    async with (
        serving() as origin,
        running(origin, routes=[filtered(rate=RateLimit(per_second=0.01, burst=2))]) as mesh,
    ):
        client = await mesh.client()
        statuses = [(await client.ask(GET)).status for _ in range(3)]
        assert statuses == [200, 200, 429]


async def test_pages_of_the_route_stand_for_our_own_errors():
    route_ = filtered(deny=("127.0.0.1",), pages=((403, "<h1>members only</h1>"),))
    async with serving() as origin, running(origin, routes=[route_]) as mesh:
        response = await (await mesh.client()).ask(GET)
        assert (response.status, response.body) == (403, b"<h1>members only</h1>")
        assert response.headers["content-type"].startswith("text/html")


def basic(user, password):
    return b"Authorization: Basic " + b64encode(f"{user}:{password}".encode()) + b"\r\n"


async def test_basic_auth_verifies_a_slow_digest_beside_the_traffic():
    digest = bcrypt.hashpw(b"sesame", bcrypt.gensalt(5)).decode()
    guarded = filtered(basic_auth=BasicAuth(users=(("ali", digest),)))
    async with serving() as origin, running(origin, routes=[guarded]) as mesh:
        client = await mesh.client()
        response = await client.ask(GET)
        assert response.status == 401
        assert response.headers["www-authenticate"].startswith("Basic realm=")
        assert (await client.ask(get(extra=basic("ali", "wrong")))).status == 401
        for _ in range(2):
            assert (await client.ask(get(extra=basic("ali", "sesame")))).status == 200
        assert (await client.ask(post(b"body", extra=basic("ali", "sesame")))).status == 200
    assert [request.field("x-remote-user") for request in origin.requests] == ["ali"] * 3
    assert all(request.field("authorization") is None for request in origin.requests)
    assert origin.requests[-1].body == b"body"


async def test_an_authority_lets_pass_or_answers_itself():
    async def script(peer):
        while (request := await peer.request()) is not None:
            if request.field("cookie") == "s=1":
                await peer.send(b"HTTP/1.1 200 OK\r\nX-User: ali\r\nContent-Length: 0\r\n\r\n")
            else:
                await peer.send(b"HTTP/1.1 302 Found\r\nLocation: https://login.test/\r\nContent-Length: 2\r\n\r\ngo")

    async with (
        serving(script) as authority,
        serving() as origin,
        running(origin, routes=[asking(authority, copy_headers=("X-User",))]) as mesh,
    ):
        client = await mesh.client()
        response = await client.ask(get("/x", extra=b"X-User: root\r\n"))
        assert (response.status, response.headers["location"], response.body) == (302, "https://login.test/", b"go")
        response = await client.ask(post(b"b" * 100_000, extra=b"Cookie: s=1\r\n"))
        assert response.status == 200
    assert [(request.field("x-user"), len(request.body)) for request in origin.requests] == [("ali", 100_000)]
    assert authority.requests[0].field("x-forwarded-uri") == "/x"
    assert authority.requests[0].field("x-user") is None
    assert authority.requests[1].field("content-length") is None


async def test_an_authority_that_is_silent_or_absent_refuses():
    async with (
        serving(lambda peer: peer.ended()) as silent,
        serving() as origin,
        running(origin, routes=[asking(silent, timeout_seconds=0.2)]) as mesh,
    ):
        client = await mesh.client()
        response = await client.ask(GET)
        assert (response.status, response.headers["x-tidegate-reason"]) == (503, "authority-silent")
    assert origin.requests == []


TEXT = json.dumps(list(range(3000))).encode()


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_answers_are_compressed_whatever_their_framing(framing, version):
    kind = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    said = {
        "length": kind + b"Content-Length: %d\r\n\r\n" % len(TEXT) + TEXT,
        "chunked": kind + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(TEXT), TEXT),
        "close": kind + b"Connection: close\r\n\r\n" + TEXT,
    }[framing]

    async def script(peer):
        while await peer.request() is not None:
            await peer.send(said)
            if framing == "close":
                return

    async with serving(script) as origin, running(origin, routes=[filtered(compress=Compress())]) as mesh:
        client = await mesh.client()
        await client.send(
            b"GET / HTTP/%b\r\nHost: a.test\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n" % version
        )
        raw = await client.rest()
        reading = h11.Connection(h11.CLIENT)
        reading.send(h11.Request(method="GET", target="/", headers=[("Host", "a.test")]))
        reading.send(h11.EndOfMessage())
        reading.receive_data(raw)
        reading.receive_data(b"")
        head = reading.next_event()
        body = b""
        while isinstance(event := reading.next_event(), h11.Data):
            body += bytes(event.data)
        assert dict(head.headers)[b"content-encoding"] == b"gzip"
        assert len(body) < len(TEXT)
        assert gzip.decompress(body) == TEXT


BETA = Match(headers=(FieldMatch(name="x-beta", value="1"),))


async def test_a_route_with_conditions_takes_only_what_fulfils_them():
    plain = filtered(response_headers=HeaderEdits(set=(("X-Route", "plain"),)))
    beta = filtered(match=BETA, response_headers=HeaderEdits(set=(("X-Route", "beta"),)))
    api = filtered("/api", match=BETA, response_headers=HeaderEdits(set=(("X-Route", "api"),)))
    async with serving() as origin, running(origin, routes=[plain, beta, api]) as mesh:
        client = await mesh.client()

        async def served(target, extra=b""):
            return (await client.ask(get(target, extra=extra))).headers["x-route"]

        assert await served("/") == "plain"
        assert await served("/", b"X-Beta: 1\r\n") == "beta"
        assert await served("/api/x", b"X-Beta: 1\r\n") == "api"
        assert await served("/api/x") == "plain"
        mesh.publish(routes=[beta])
        assert (await client.ask(GET)).status == 404
        mesh.publish(routes=[plain])
        assert await served("/", b"X-Beta: 1\r\n") == "plain"


TEXTS = st.text("abc/-_.", min_size=0, max_size=6)
NAMES = st.sampled_from(["X-A", "X-B", "Cookie"])
CHAINS = st.builds(
    Filters,
    strip_prefix=st.booleans(),
    add_prefix=TEXTS.map("/{}".format),
    replace_prefix=TEXTS.map("/{}".format),
    request_headers=st.none()
    | st.builds(
        HeaderEdits,
        add=st.lists(st.tuples(NAMES, TEXTS), max_size=2).map(tuple),
        set=st.lists(st.tuples(NAMES, TEXTS), max_size=2).map(tuple),
        remove=st.lists(NAMES, max_size=2).map(tuple),
    ),
    basic_auth=st.none() | st.just(BasicAuth(users=(("u", "{SHA256}" + hashlib.sha256(b"p").hexdigest()),))),
)


@given(CHAINS, st.sampled_from(["/api", "/api/", "/api/x?y=/z", "/api//"]))
def test_whatever_filters_do_the_head_stays_one_request(filters, target):
    chain = build_chain(Policy(filters=filters), "/api", 1, b"")
    asked = ask(target, basic("u", "p").decode().strip(), "X-A: 1", "Cookie: a=1")
    if chain is not None:
        assert chain.request(asked) is None
    head = asked.head
    assert head.target.startswith(b"/")
    assert head.target.partition(b"?")[0] == head.path
    reading = h11.Connection(h11.SERVER)
    reading.receive_data(b"GET %b HTTP/1.1\r\n%b\r\n" % (head.target, head.fields))
    assert isinstance(reading.next_event(), h11.Request)
    assert isinstance(reading.next_event(), h11.EndOfMessage)
    assert reading.trailing_data[0] == b""


async def test_polite_origins_see_nothing_of_a_route_without_filters():
    async with serving(polite) as origin, running(origin) as mesh:
        client = await mesh.client()
        assert (await client.ask(get(extra=b"Authorization: Basic eA==\r\n"))).status == 200
    assert origin.requests[0].field("authorization") == "Basic eA=="
