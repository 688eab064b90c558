import asyncio
import json

import pytest

from tests.support.plane import DEADLINE, running
from tests.support.seen import instance
from tidegate.cli.catalogue import BY_KEY
from tidegate.config import AdminConfig
from tidegate.control.guard import check_config
from tidegate.errors import ConfigError
from tidegate.model import Address

TOKEN = "tide-token-1"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
BODIES = {
    "/v1/overrides/weights": {"target": "web", "weights": {"default": 1}},
    "/v1/overrides/mode": {"target": "web", "mode": "hold"},
    "/v1/overrides/drain": {"name": "c1", "drained": True},
    "/v1/settings/web": {"settings": {"retry.tries": 1}},
}
READS = (
    "/v1/status",
    "/v1/services",
    "/v1/services/web",
    "/v1/routes",
    "/v1/endpoints",
    "/v1/nodes",
    "/v1/settings/web",
    "/v1/certificates",
    "/v1/problems",
    "/v1/traffic",
    "/v1/events",
    "/v1/explain?url=http://a.test/",
    "/v1/resolve?name=web",
    "/v1/config",
    "/v1/stream",
    "/openapi.json",
    "/metrics",
    "/",
)
CHANGES = (
    ("PUT", "/v1/overrides/weights"),
    ("DELETE", "/v1/overrides/weights"),
    ("PUT", "/v1/overrides/mode"),
    ("DELETE", "/v1/overrides/mode"),
    ("PUT", "/v1/overrides/drain"),
    ("PUT", "/v1/settings/web"),
    ("DELETE", "/v1/settings/web"),
)
EVERY = [("GET", path) for path in READS] + list(CHANGES)


@pytest.fixture
async def world(tmp_path):
    async with running(tmp_path, token=TOKEN) as world:
        world.see(instance("c1", routes=["a.test/"]))
        yield world


def body_of(method, path):
    if method == "DELETE":
        return json.dumps({} if path.startswith("/v1/settings/") else {"target": "web"})
    return json.dumps(BODIES[path]) if path in BODIES else None


async def outcome(world, method, path, headers, data=...):
    """(status, code of the problem or None); the answer's body is not waited for, for the stream has no end."""
    data = body_of(method, path) if data is ... else data
    kind = {"Content-Type": "application/json"} if data is not None else {}
    async with world.http.request(method, world.url + path, headers={**kind, **headers}, data=data) as response:
        if response.content_type == "application/problem+json":
            answer = await response.json(content_type=None)
            assert "Traceback" not in str(answer)
            return response.status, answer["code"]
        return response.status, None


def test_every_operation_is_in_the_table_of_this_file():
    from tidegate.control.admin import Change, Look  # noqa: PLC0415
    from tidegate.control.settings import RouteSettings  # noqa: PLC0415

    marked = [
        method._tidegate_operation
        for holder in (Look, Change, RouteSettings)
        for method in vars(holder).values()
        if hasattr(method, "_tidegate_operation")
    ]
    known = {(method, path.partition("?")[0]) for method, path in EVERY}
    assert {(method, path.replace("{key:.*}", "web").replace("{target:.*}", "web")) for method, path in marked} <= known


@pytest.mark.parametrize(("method", "path"), EVERY)
async def test_the_right_token_opens(world, method, path):
    assert await outcome(world, method, path, RIGHT) == (200, None)


@pytest.mark.parametrize(("method", "path"), EVERY)
@pytest.mark.parametrize(
    "given", [None, "Bearer wrong", "Bearer ", "Basic dXNlcjp0aWRlLXRva2VuLTE=", TOKEN, "Bearer \u00e9"]
)
async def test_no_or_a_wrong_token_does_not(world, method, path, given):
    headers = {"Authorization": given} if given is not None else {}
    assert await outcome(world, method, path, headers) == (401, "T1605")


@pytest.mark.parametrize(("method", "path"), EVERY)
@pytest.mark.parametrize(
    "host", ["evil.test", "127.0.0.1.evil.test", "localhost.evil.test:9900", "10.0.0.1", "[::2]:9"]
)
async def test_a_foreign_host_name_is_refused_on_loopback(world, method, path, host):
    assert await outcome(world, method, path, {**RIGHT, "Host": host}) == (421, "T1606")


@pytest.mark.parametrize("host", ["localhost", "localhost:9900", "127.0.0.1:1", "127.9.9.9", "[::1]:9900", "LOCALHOST"])
async def test_every_name_of_loopback_is_served(world, host):
    assert await outcome(world, "GET", "/v1/status", {**RIGHT, "Host": host}) == (200, None)


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_foreign_page_changes_nothing(world, method, path, headers):
    assert await outcome(world, method, path, {**RIGHT, **headers}) == (403, "T1607")


async def test_our_own_page_may_change(world):
    headers = {**RIGHT, "Origin": world.url, "Sec-Fetch-Site": "same-origin"}
    assert await outcome(world, "PUT", "/v1/overrides/mode", headers) == (200, None)


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"{", (400, "T1602")),
        (b"", (400, "T1602")),
        (b"\xff\xfe", (400, "T1602")),
        (b"[]", (400, "T1602")),
        (b"NaN", (400, "T1602")),
        (b'{"target": "\\ud800"}', (400, "T1602")),
        (b'{"target": 7, "name": 7}', (400, "T1602")),
        (b'{"unknown": 1}', (400, "T1602")),
        (b"[" * 100_000 + b"]" * 100_000, (400, "T1602")),
        (b"[" * 40 + b"]" * 40, (400, "T1602")),
        (b'{"target": "' + b"x" * (1 << 20) + b'"}', (413, "T1609")),
    ],
)
async def test_a_body_that_cannot_be_is_refused(world, method, path, data, expected):
    before = world.cell.table
    assert await outcome(world, method, path, RIGHT, data) == expected
    assert world.cell.table is before


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_a_body_of_another_type_is_refused(world, method, path):
    headers = {**RIGHT, "Content-Type": "text/plain"}
    assert await outcome(world, method, path, headers) == (415, "T1608")


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_a_chunked_body_over_the_limit_is_cut_off(world, method, path):
    async def endless():
        for _ in range(40):
            yield b"x" * (1 << 16)

    assert await outcome(world, method, path, RIGHT, endless()) == (413, "T1609")


async def test_every_wrong_field_is_named_at_once(world):
    data = json.dumps({"target": "", "weights": {"v1": -1, "v2": "5"}, "more": 1})
    async with world.http.put(
        f"{world.url}/v1/overrides/weights?dry_run=perhaps",
        headers={**RIGHT, "Content-Type": "application/json"},
        data=data,
    ) as response:
        answer = await response.json(content_type=None)
    assert response.status == 400
    assert {error["pointer"] for error in answer["errors"]} == {
        "/query/dry_run", "/body/target", "/body/weights/v1", "/body/weights/v2", "/body/more"
    }  # fmt: skip


async def test_what_is_not_there_and_what_is_not_allowed_are_told_apart(world):
    assert await outcome(world, "GET", "/v1/nothing", RIGHT) == (404, "T1603")
    assert await outcome(world, "POST", "/v1/status", RIGHT) == (405, "T1604")


async def test_a_prober_needs_no_token(world):
    assert await outcome(world, "GET", "/healthz", {}) == (200, None)
    assert await outcome(world, "GET", "/readyz", {}) == (200, None)


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"\x00" * 64, b"GET / HTTP/9.9\r\n\r\n", b"A" * 70_000]
)
async def test_garbage_bytes_get_a_refusal_without_a_trace(world, garbage, caplog):
    address = world.plane.admin.addresses[0]
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(garbage + b"\r\n\r\n")
        answer = await reader.read(65536)
        writer.close()
    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert b"Traceback" not in answer
    assert not [record for record in caplog.records if record.exc_info and record.levelname == "ERROR"]
    assert await outcome(world, "GET", "/v1/status", RIGHT) == (200, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "tide.example"])
def test_off_loopback_without_a_token_it_refuses_to_start(host):
    with pytest.raises(ConfigError, match="T1601") as refused:
        check_config(AdminConfig(listeners=(Address(host=host, port=1),)))
    assert BY_KEY["admin.token"].variable in str(refused.value)
    check_config(AdminConfig(listeners=(Address(host=host, port=1),), token="x"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_on_loopback_it_starts_without_one(host):
    check_config(AdminConfig(listeners=(Address(host=host, port=1),)))
