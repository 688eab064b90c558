from __future__ import annotations

import asyncio
import contextlib
import json
import signal

from tests.support.dns_load import DnsLoad
from tests.support.serve import Tidegate, assert_clean, until

STATIC = """\
services:
  web:
    endpoints: ["{}:{}"]
routes:
  - {{host: web.example.test, path: /, backends: {{web: 100}}}}
"""


async def test_one_process_serves_http_dns_and_admin_and_drains_on_sigterm(tmp_path):
    release = asyncio.Event()

    async def serve(reader, writer):
        with contextlib.suppress(EOFError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"/slow" in head:
                    await release.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfine\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as upstream:
        file = tmp_path / "static.yaml"
        file.write_text(STATIC.format(*upstream.sockets[0].getsockname()))
        tidegate = await Tidegate(tmp_path, "--file", str(file), workers=0).start(ready=False)
        assert await tidegate.answers("web.example.test") == b"fine\n"
        assert (await tidegate.api("/v1/status"))["routes"] == 1
        assert "127.0.0.1" in (await tidegate.cli("resolve", "web.example.test")).out
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(tidegate.request("web.example.test", "/slow"))
            await until(lambda: _in_flight(tidegate))
            tidegate.process.send_signal(signal.SIGTERM)
            await until(lambda: _refuses(tidegate.http), what="it refuses new connections")
            assert not slow.done()
            release.set()
        assert slow.result() == (200, b"fine\n")
        assert await tidegate.ended() == 0
        assert_clean(tidegate)


async def test_sighup_opens_the_access_log_anew_and_ends_nothing(tmp_path):
    tidegate = await Tidegate(tmp_path, workers=0).start(ready=False)
    moved = tmp_path / "access.log.1"
    await tidegate.request("nobody.test")
    await until(tidegate.access_path.read_text, what="the first record")
    tidegate.access_path.rename(moved)
    tidegate.process.send_signal(signal.SIGHUP)
    await tidegate.request("nobody.test")
    await until(tidegate.access_path.exists, what="the new file")
    await until(tidegate.access_path.read_text, what="the second record")
    assert await tidegate.stop() == 0
    assert_clean(tidegate)


async def test_sighup_opens_the_query_log_anew_too(tmp_path):
    path, moved = tmp_path / "queries.log", tmp_path / "queries.log.1"
    tidegate = await Tidegate(tmp_path, "--query-log", str(path), workers=0).start(ready=False)
    async with DnsLoad(tidegate.dns, ["nope.mesh.internal"], rate=50):
        await until(lambda: path.exists() and path.read_text(), what="the first line")
        path.rename(moved)
        tidegate.process.send_signal(signal.SIGHUP)
        await until(lambda: path.exists() and path.read_text(), what="the new file")
    assert await tidegate.stop() == 0
    assert_clean(tidegate)
    assert {json.loads(line)["name"] for line in path.read_text().splitlines()} == {"nope.mesh.internal"}


async def _in_flight(tidegate):
    _, body = await tidegate.get("/metrics")
    lines = [line for line in body.decode().splitlines() if line.startswith("tidegate_router_service_in_flight{")]
    return any(float(line.split()[-1]) >= 1 for line in lines)


async def _refuses(where):
    try:
        _, writer = await asyncio.open_connection(*where)
    except ConnectionRefusedError:
        return True
    writer.transport.abort()
    return False
