from __future__ import annotations

import json
import re

from tests.support.client import get
from tests.support.origin import ok, serving
from tests.support.router import endpoint, quick, route, running, service, until
from tidegate.config import AccessLogConfig, TracingConfig
from tidegate.policy import Filters, Redirect, Timeouts

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SOUND = f"traceparent: 00-{TRACE}-{PARENT}-01\r\ntracestate: a=1\r\n".encode()


class Spans(list):
    add = list.append


async def answers(peer):
    while (await peer.request()) is not None:
        await peer.send(ok())


async def exchanged(request, *, config=None, sample=1.0, records=None, tracing=True):
    """The request as the container saw it, the answer, and the spans."""
    spans = Spans()
    parts = {"records": records or AccessLogConfig()}
    if tracing:
        parts |= {"tracing": TracingConfig(otlp="http://127.0.0.1:1", sample=sample), "spans": spans}
    async with serving(answers) as server, running(server, config=config or quick(), parts=parts) as mesh:
        client = await mesh.client()
        await client.send(request)
        answer = await client.response()
        await until(lambda: not any(one.in_flight for one in mesh.upstreams))
        seen = server.requests[0] if server.requests else None
        return seen, answer, spans


async def test_without_settings_trace_context_and_request_id_pass_as_they_came():
    seen, _, spans = await exchanged(get(extra=SOUND + b"X-Request-ID: mine\r\n"), tracing=False)
    assert seen.field("traceparent") == f"00-{TRACE}-{PARENT}-01"
    assert seen.field("tracestate") == "a=1"
    assert seen.field("x-request-id") == "mine"
    assert not spans


async def test_the_container_gets_our_span_as_parent_and_the_span_has_the_clients():
    seen, _, (span,) = await exchanged(get("/p?q=1", extra=SOUND + b"User-Agent: curl\r\n"), sample=0.0)
    assert seen.field("traceparent") == f"00-{TRACE}-{span.span_id.decode()}-01"
    assert seen.field("tracestate") == "a=1"
    assert (span.trace_id.decode(), span.parent_id.decode(), span.state) == (TRACE, PARENT, b"a=1")
    said = dict(span.attributes)
    assert span.name == "GET /"
    assert not span.failed
    assert span.end_ns >= span.start_ns
    expected = {
        "http.request.method": "GET",
        "http.route": "/",
        "http.response.status_code": 200,
        "http.response.body.size": 2,
        "url.path": "/p",
        "url.query": "q=1",
        "url.scheme": "http",
        "server.address": "a.test",
        "client.address": "127.0.0.1",
        "user_agent.original": "curl",
        "network.protocol.version": "1.1",
        "tidegate.route": "a.test/",
        "tidegate.service": "web",
        "tidegate.tries": 1,
    }
    assert expected.items() <= said.items()
    assert said["tidegate.upstream_seconds"] > 0


async def test_a_request_nobody_could_serve_is_a_failed_span_with_its_reason():
    spans = Spans()
    parts = {"tracing": TracingConfig(otlp="http://127.0.0.1:1", sample=1.0), "spans": spans}
    async with running(config=quick(), parts=parts) as mesh:
        mesh.publish([route(timeouts=Timeouts(hold=0.01))], [service("web", endpoint(("127.0.0.1", 1)))])
        client = await mesh.client()
        await client.send(get())
        assert (await client.response()).status >= 500
        await until(lambda: spans)
    (span,) = spans
    assert span.failed
    assert dict(span.attributes)["error.type"] == "connect-failed"
    assert dict(span.attributes)["tidegate.held_seconds"] > 0


async def test_of_traces_that_begin_here_none_is_recorded_with_share_0_but_the_container_is_told():
    seen, _, spans = await exchanged(get(), sample=0.0)
    assert not spans
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", seen.field("traceparent"))


async def test_a_method_nobody_knows_does_not_become_a_name():
    _, _, (span,) = await exchanged(get().replace(b"GET", b"FROBNICATE", 1))
    assert span.name == "HTTP /"
    said = dict(span.attributes)
    assert (said["http.request.method"], said["http.request.method_original"]) == ("_OTHER", "FROBNICATE")


async def test_what_the_log_must_not_tell_the_span_does_not_tell_either():
    _, _, (span,) = await exchanged(get("/p?token=s&q=1"), records=AccessLogConfig(redact_query=("token",)))
    assert dict(span.attributes)["url.query"] == "token=REDACTED&q=1"


async def test_a_request_gets_an_id_unless_it_brings_a_sound_one():
    config = quick(request_id="keep")
    seen, _, _ = await exchanged(get(extra=b"X-Request-ID: mine-1\r\n"), config=config, tracing=False)
    assert seen.field("x-request-id") == "mine-1"
    for given in (b"", b"X-Request-ID: b a d\r\n", b"X-Request-ID: a\r\nX-Request-ID: b\r\n"):
        seen, _, _ = await exchanged(get(extra=given), config=config, tracing=False)
        assert re.fullmatch("[0-9a-f]{32}", seen.field("x-request-id"))


async def test_every_request_gets_a_new_id_where_that_is_asked_for():
    seen, _, _ = await exchanged(get(extra=b"X-Request-ID: mine\r\n"), config=quick(request_id="new"), tracing=False)
    assert re.fullmatch("[0-9a-f]{32}", seen.field("x-request-id"))


async def test_the_answer_says_the_requests_id_where_that_is_asked_for_and_once():
    async def answering(peer):
        while (await peer.request()) is not None:
            await peer.send(ok(extra=b"X-Request-ID: the-container\r\n"))

    for told in (True, False):
        config = quick(request_id="keep", return_request_id=told)
        async with serving(answering) as server, running(server, config=config) as mesh:
            client = await mesh.client()
            await client.send(get(extra=b"X-Request-ID: mine\r\n"))
            head = (await client.until(b"\r\n\r\nok")).lower()
            assert head.count(b"x-request-id:") == 1
            assert (b"x-request-id: mine\r\n" if told else b"x-request-id: the-container\r\n") in head


async def test_answers_of_our_own_say_the_requests_id_too():
    config = quick(request_id="new", return_request_id=True)
    routes = [route(mode="maintenance"), route(path="/old", filters=Filters(redirect=Redirect(host="b.test")))]
    async with running(routes=routes, config=config) as mesh:
        client = await mesh.client()
        for target, status in (("/", 503), ("/old", 308)):
            answer = await client.ask(get(target))
            assert answer.status == status
            assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
        answer = await client.ask(get(host="unknown.test"))
        assert (answer.status, len(answer.headers["x-request-id"])) == (404, 32)


async def test_an_upgrade_says_the_requests_id_too():
    async def upgrading(peer):
        await peer.head()
        await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        await peer.ended()

    asked = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Request-ID: mine\r\n"
    )
    config = quick(request_id="keep", return_request_id=True)
    async with serving(upgrading) as server, running(server, config=config) as mesh:
        client = await mesh.client()
        await client.send(get(extra=asked))
        assert b"x-request-id: mine\r\n" in (await client.until(b"\r\n\r\n")).lower()


async def test_the_record_has_the_ids_that_the_container_got(tmp_path):
    path = tmp_path / "log"
    config = quick(request_id="new", access_log=str(path))
    seen, _, (span,) = await exchanged(get(extra=SOUND), config=config)
    await until(path.read_bytes)
    record = json.loads(path.read_bytes())
    assert record["request_id"] == seen.field("x-request-id")
    assert record["trace_id"] == TRACE == span.trace_id.decode()
    assert record["upstream_us"] > 0


async def test_a_template_may_name_headers_and_the_protocol(tmp_path):
    path = tmp_path / "log"
    records = AccessLogConfig(format="{method} {path} {protocol} {status} {header.x-tenant} {service}")
    request = get("/a?b=1", extra=b"X-Tenant: blue\r\n")
    await exchanged(request, config=quick(access_log=str(path)), records=records, tracing=False)
    await until(path.read_bytes)
    assert path.read_bytes() == b"GET /a HTTP/1.1 200 blue web\n"


async def test_a_route_can_be_left_out_of_the_log(tmp_path):
    path = tmp_path / "log"
    async with serving(answers) as server, running(config=quick(access_log=str(path))) as mesh:
        routes = [route("quiet.test", access_log=False), route("loud.test")]
        mesh.serve(server, routes=routes)
        client = await mesh.client()
        for host in ("quiet.test", "loud.test"):
            await client.send(get(host=host))
            assert (await client.response()).status == 200
        await until(path.read_bytes)
        assert [json.loads(line)["host"] for line in path.read_bytes().splitlines()] == ["loud.test"]
