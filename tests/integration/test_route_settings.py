"""Settings and conditions from a file and from `tidegate set`, as clients of the real program meet them."""

from __future__ import annotations

import asyncio

from tests.support.origin import serving
from tests.support.serve import running

FILE = """
services:
  web: {{endpoints: ["127.0.0.1:{web}"]}}
  beta: {{endpoints: ["127.0.0.1:{beta}"]}}
defaults:
  filter: {{header: {{response: {{set: {{X-All: everybody}}}}}}}}
routes:
  - {{host: a.test, backends: {{web: 1}}}}
  - {{host: a.test, backends: {{beta: 1}}, match: {{query: {{beta: 1}}}}}}
  - {{host: b.test, backends: {{web: 1}}, filter: {{redirect: {{host: c.test}}}}}}
"""


async def head_of(tidegate, host, path="/"):
    reader, writer = await asyncio.open_connection(*tidegate.http)
    try:
        async with asyncio.timeout(10):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            data = await reader.read()
    finally:
        writer.close()
    status, _, rest = data.decode("latin-1").partition("\r\n")
    return int(status.split()[1]), rest


async def test_what_a_file_and_the_operator_say_is_what_clients_meet(tmp_path):
    async with serving() as web, serving() as beta:
        (tmp_path / "routes.yaml").write_text(FILE.format(web=web.address[1], beta=beta.address[1]))
        async with running(tmp_path, "--file", str(tmp_path / "routes.yaml")) as tidegate:
            await tidegate.answers("a.test")
            await tidegate.answers("a.test", "/?beta=1")
            status, head = await head_of(tidegate, "a.test")
            assert (status, "x-all: everybody" in head.lower()) == (200, True)
            status, head = await head_of(tidegate, "b.test", "/x?y=1")
            assert (status, "http://c.test/x?y=1" in head) == (308, True)

            seen = len(beta.requests)
            assert (await head_of(tidegate, "a.test", "/?beta=1"))[0] == 200
            assert (await head_of(tidegate, "a.test", "/?beta=2"))[0] == 200
            assert len(beta.requests) == seen + 1

            await tidegate.cli("set", "a.test", "filter.deny=127.0.0.0/8", "--why", "closed for a while")
            assert (await head_of(tidegate, "a.test"))[0] == 403
            assert (await head_of(tidegate, "a.test", "/?beta=1"))[0] == 403
            explained = await tidegate.cli("explain", "http://a.test/")
            assert "filter.deny = 127.0.0.0/8 (override of a.test)" in explained.out
            assert "filter.header.response.set.x-all = everybody (defaults of file:" in explained.out
            await tidegate.cli("unset", "a.test")
            assert (await head_of(tidegate, "a.test"))[0] == 200
            refused = await tidegate.cli("set", "a.test", "filter.alow=127.0.0.0/8", code=1)
            assert "did you mean filter.allow?" in refused.err
