"""What HTTP means survives the way through Tidegate: fields, targets, events as they come, early answers, closing."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from tests.support.apps import contract
from tests.support.asking import program, reply
from tests.support.client import Client, get
from tests.support.servers import SERVERS

UPLOAD = 8 << 20
OURS = {"connection", "keep-alive", "date", "transfer-encoding", "server"}


def those_that(*can):
    """The servers that can do all that."""
    found = [server for server in SERVERS if set(can) <= server.can]
    return pytest.mark.parametrize("server", found, ids=[server.name for server in found])


def direct(lab, server):
    return lab.servers[server.name].address


async def head(where, request):
    """The fields of an answer, as they came, without those of one hop."""
    client = await Client.connect(where)
    await client.send(request)
    lines = (await client.until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    client.close()
    fields = [tuple(line.split(": ", 1)) for line in lines[1:] if line]
    return lines[0].split(" ")[1], [(name.lower(), value) for name, value in fields if name.lower() not in OURS]


@those_that("cookies")
async def test_repeated_fields_come_in_their_order(lab, server):
    status, fields = await head(lab.where, get("/cookies", server.host))
    assert status == "200"
    for name in ("Set-Cookie", "X-Many", "Link"):
        wanted = [value for given, value in contract.COOKIES if given == name]
        assert [value for given, value in fields if given == name.lower()] == wanted


@pytest.mark.parametrize("path", ["/bytes/65535", "/nothing", "/stream/65535", "/status/204", "/status/304"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@those_that()
async def test_the_head_of_an_answer_is_what_the_server_said(lab, server, path, method):
    request = get(server.path(path), server.host).replace(b"GET", method.encode())
    assert await head(lab.where, request) == await head(direct(lab, server), request)


@those_that("fields")
async def test_repeated_request_fields_arrive_in_their_order(lab, server):
    extra = b"Cookie: a=1\r\nX-Dup: 1\r\nCookie: b=2\r\nX-Dup: 2\r\n"
    client = await Client.connect(lab.where)
    answer = await client.ask(get("/fields", server.host, extra))
    fields = json.loads(answer.body)
    assert ",".join(value for name, value in fields if name == "x-dup").replace(" ", "") == "1,2"
    cookies = "; ".join(value for name, value in fields if name == "cookie").replace(",", "; ")
    assert cookies == "a=1; b=2"
    client.close()


@pytest.mark.parametrize(
    "target",
    ["/target/%C3%A9t%C3%A9/a%20b%2Fc?q=%26&empty=&x=%E2%82%AC", "/target/;v=1,2:3@4!$'()*+~", "/target/" + "x" * 4000],
    ids=["escaped", "signs", "4000-bytes"],
)
@those_that("target")
async def test_a_target_arrives_as_it_was_sent(lab, server, target):
    client = await Client.connect(lab.where)
    assert (await client.ask(get(target, server.host))).body == target.encode()
    client.close()


async def test_a_target_of_16_000_bytes_passes(lab):
    target = "/target/" + "x" * 15_000
    client = await Client.connect(lab.where)
    assert (await client.ask(get(target, "node.test"))).body == target.encode()
    client.close()


@those_that("events")
async def test_server_sent_events_arrive_as_they_are_sent(lab, server):
    """The server sends the next one only when it hears that the one before was seen."""
    name = f"semantics-{server.name}"
    url = f"http://{lab.where[0]}:{lab.where[1]}/events/{name}"
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session,
        session.get(url, headers={"Host": server.host}) as answer,
    ):
        assert answer.headers["Content-Type"] == "text/event-stream"
        for number in range(contract.EVENTS):
            assert await answer.content.readuntil(b"\n\n") == contract.event(number)
            lab.saw(name, number)
        assert await answer.content.read() == b""


async def test_curl_shows_events_as_they_are_sent(lab):
    url = f"http://node.test:{lab.where[1]}/events/curl"
    process = await asyncio.create_subprocess_exec(
        *("curl", "-sSN", "-m", "10", "--resolve", f"node.test:{lab.where[1]}:{lab.where[0]}", url),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(10):
        for number in range(contract.EVENTS):
            assert await process.stdout.readuntil(b"\n\n") == contract.event(number)
            lab.saw("curl", number)
        assert await process.wait() == 0


@pytest.mark.parametrize("expect", [True, False], ids=["waiting-for-100", "sending-at-once"])
@those_that("refuse")
async def test_a_refusal_reaches_a_client_that_is_still_uploading(lab, server, expect, tmp_path):
    (tmp_path / "in").write_bytes(contract.content(UPLOAD))
    wait = ["-H", "Expect: 100-continue" if expect else "Expect:"]
    where = ["--resolve", f"{server.host}:{lab.where[1]}:{lab.where[0]}", f"http://{server.host}:{lab.where[1]}/refuse"]
    out, _ = await program(
        "curl", "-sS", "-m", 15, "-w", "%{http_code}", "-o", tmp_path / "out", "-T", tmp_path / "in", *wait, *where
    )
    assert out == b"413"


@those_that("chunked")
async def test_curl_uploads_what_it_reads_from_a_pipe(lab, server, tmp_path):
    where = ["--resolve", f"{server.host}:{lab.where[1]}:{lab.where[0]}", f"http://{server.host}:{lab.where[1]}/echo"]
    command = ["curl", "-sS", "-m", 15, "-w", "%{http_code}", "-o", tmp_path / "out", "-T", "-", *where]
    out, _ = await program(*command, given=contract.content(1 << 20))
    assert reply(out, (tmp_path / "out").read_bytes()) == reply(200, contract.content(1 << 20))


@those_that()
async def test_curl_keeps_one_connection_for_all_it_asks(lab, server):
    urls = [f"http://{server.host}:{lab.where[1]}{server.path('/bytes/1')}", "-o", "/dev/null"] * 5
    resolve = ["--resolve", f"{server.host}:{lab.where[1]}:{lab.where[0]}"]
    out, _ = await program("curl", "-sS", "-m", 15, "-w", "%{http_code} %{num_connects}\n", *resolve, *urls)
    assert out == b"200 1\n" + b"200 0\n" * 4


@those_that("last")
async def test_a_server_that_closes_its_connection_does_not_close_the_clients(lab, server):
    client = await Client.connect(lab.where)
    for _ in range(3):
        assert (await client.ask(get("/last", server.host))).body == b"last"
        assert (await client.ask(get("/bytes/1", server.host))).status == 200
    client.close()


@those_that()
async def test_a_client_that_wants_to_close_is_closed_after_its_answer(lab, server):
    client = await Client.connect(lab.where)
    answer = await client.ask(get(server.path("/bytes/65535"), server.host, b"Connection: close\r\n"))
    assert (answer.headers["connection"], len(answer.body)) == ("close", 65535)
    assert await client.closed()
    client.close()


async def test_early_hints_pass_to_http_1_1_and_not_to_http_1_0(lab):
    client = await Client.connect(lab.where)
    await client.send(get("/hints", "node.test"))
    hint = await client.until(b"\r\n\r\n")
    assert hint.startswith(b"HTTP/1.1 103 ")
    assert b"</style.css>; rel=preload; as=style" in hint
    assert (await client.response()).body == b"hinted"
    await client.send(get("/hints", "node.test").replace(b"HTTP/1.1", b"HTTP/1.0"))
    old = await client.response()
    assert (old.body, old.interim) == (b"hinted", ())
    client.close()


async def test_ranges_and_conditions_reach_the_server(lab):
    client = await Client.connect(lab.where)
    part = await client.ask(get("/bytes/65535", "nginx.test", b"Range: bytes=100-199\r\n"))
    assert (part.status, part.headers["content-range"]) == (206, "bytes 100-199/65535")
    assert part.body == contract.content(200)[100:]
    tag = part.headers["etag"].encode()
    same = await client.ask(get("/bytes/65535", "nginx.test", b"If-None-Match: %b\r\n" % tag))
    assert (same.status, same.body) == (304, b"")
    several = await client.ask(get("/bytes/65535", "nginx.test", b"Range: bytes=0-0,-1\r\n"))
    assert several.headers["content-type"].startswith("multipart/byteranges")
    client.close()


async def test_a_packed_answer_passes_as_it_is(lab, tmp_path):
    url = ["--resolve", f"nginx.test:{lab.where[1]}:{lab.where[0]}", f"http://nginx.test:{lab.where[1]}/packed/1048576"]
    await program("curl", "-sS", "-m", 15, "--compressed", "-D", tmp_path / "head", "-o", tmp_path / "out", *url)
    assert b"content-encoding: gzip" in (tmp_path / "head").read_bytes().lower()
    assert (tmp_path / "out").read_bytes() == contract.content(1 << 20)


@those_that("echo")
async def test_an_expectation_other_than_100_continue_is_refused(lab, server):
    client = await Client.connect(lab.where)
    await client.send(b"POST /echo HTTP/1.1\r\nHost: %b\r\nExpect: wonders\r\n\r\n" % server.host.encode())
    assert (await client.response("POST")).status == 417
    client.close()
