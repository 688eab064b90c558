"""Two hosts with an engine each, and one etcd: what runs on one is served on both, and goes on when one dies."""

from __future__ import annotations

import asyncio
import time

import dns.message
import dns.query
import pytest

from tests.support.containers import containers
from tests.support.hosts import hosts
from tests.support.load import Load
from tests.support.serve import fetch, until

pytestmark = pytest.mark.system

HOST = "web.example.test"
LABELS = {"aliyun.routing.port_80": f"http://{HOST}", "tidegate.service": "shop/web"}


async def answered(host):
    """Who answers on a host; empty while nobody does."""
    try:
        status, body = await fetch(host.http, "/", HOST)
    except (OSError, EOFError, TimeoutError):
        return ""
    return body.split(b"\n")[0].decode() if status == 200 else ""


async def test_what_runs_on_one_host_is_served_on_both_and_outlives_the_other(say):
    with hosts("a", "b") as ((a, b), store):
        async with containers(a.engine.url) as on_a, containers(b.engine.url) as on_b:
            started = time.monotonic()
            for host in (a, b):
                host.start(store)
            await on_a.serve("one", LABELS)
            try:
                assert await until(lambda: answered(b), what="b answers with what runs on a") == "one"
                assert await answered(a) == "one"
            except AssertionError:
                print(a.log(), b.log(), sep="\n--------\n")  # noqa: T201  for the report
                raise
            asked = dns.message.make_query("web.shop.mesh.internal", "A")
            told = await asyncio.to_thread(dns.query.udp, asked, b.address, 5.0, b.dns[1])
            assert [each.address for rrset in told.answer for each in rrset] == [b.address], "its router is asked"
            nodes = {each["name"]: each for each in await b.cli("ls", "nodes")}
            assert {name: (each["zone"], each["state"]) for name, each in nodes.items()} == {
                "a": ("zone-a", "ready"),
                "b": ("zone-b", "ready"),
            }
            assert sum(each["leader"] for each in nodes.values()) == 1
            say(f"the first answer across hosts {time.monotonic() - started:.1f} s after the start of both")

            await on_b.serve("two", LABELS)
            async with Load(b.http, HOST, rate=50, connections=4) as load:
                await load.met(lambda: set(load.who()) == {"one", "two"})
                await load.more(100)
                await asyncio.to_thread(a.die)
                died = time.monotonic()
                await load.more(200)
            failed = [each for each in load.failures if each.began > died + 2]
            say(f"kill -9 of a host: {load.told()}, {len(failed)} failed after the first 2 s")
            assert not failed
            assert set(load.who(since=died + 2)) == {"two"}
            assert "Traceback" not in a.log() + b.log()
