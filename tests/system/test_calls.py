"""Containers that ask Tidegate for names and call what they were told, on a real engine: through the router where a service's names
are its to answer, and foreign names for those who are containers."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import dns.asyncquery
import dns.edns
import dns.message
import dns.rcode
import pytest

from tests.support.containers import PYTHON
from tests.support.serve import running, until
from tests.support.upstream import ScriptedUpstream, answer

pytestmark = pytest.mark.system

CALLS = 60
FOREIGN = "198.51.100.77"
STRANGER = "10.213.7.9"  # a private address of this host that is in no network of the engine
LOOKUP = r"""
import socket, sys
try:
    print(socket.gethostbyname(sys.argv[1]))
except OSError as error:
    print(error)
"""


@pytest.fixture(params=["bridge", "network"])
async def place(request, box):
    """A network and the host's address on it: the engine's own bridge, and one where Docker's resolver stands in between."""
    network = "bridge" if request.param == "bridge" else await box.network("mesh")
    return network, await box.gateway(network)


async def caller(box, network, gateway, *options):
    """A container that has nothing but Tidegate as its DNS."""
    options = ("--network", network, "--dns", gateway, "--dns-search", ".", *options)
    return await box.run("caller", "/bin/busybox", "sleep", "600", image=PYTHON, options=options)


async def called(box, container, url, times):
    """Who answered the calls of `url`, by name."""
    shell = f"i=0; while [ $i -lt {times} ]; do wget -q -O - {url} | {{ read name; echo $name; }}; i=$((i+1)); done"
    return Counter((await box.execute(container, "sh", "-c", shell)).split())


async def test_calls_to_a_name_that_the_router_answers_for_go_by_weight_through_the_router(box, place, tmp_path):
    network, gateway = place
    for version, weight in (("v1", "90"), ("v2", "10")):
        labels = {
            "tidegate.service": "shop/web", "tidegate.port": "80", "tidegate.dns": "proxy",
            "tidegate.version": version, "tidegate.weight": weight,
        }  # fmt: skip
        await box.serve(version, labels, options=("--network", network))
    async with running(tmp_path, docker=box.url, dns=(gateway, 53), http_host=gateway) as tidegate:
        await until(lambda: _healthy(tidegate, 2), what="both versions are healthy")
        container = await caller(box, network, gateway)
        for name in ("web.shop.mesh.internal", "web.mesh.internal", "web.shop", "web"):
            url = f"http://{name}:{tidegate.http[1]}/"
            assert await called(box, container, url, 10) == {"v1": 9, "v2": 1}, name
        await tidegate.cli("shift", "shop/web", "v1=50", "v2=50")
        url = f"http://web.shop.mesh.internal:{tidegate.http[1]}/"
        shares = await called(box, container, url, CALLS)
        assert abs(shares["v1"] - shares["v2"]) <= 1
        assert shares.total() == CALLS
        asked = {"web.shop.mesh.internal": CALLS + 10, "web.mesh.internal": 10, "web.shop": 10, "web": 10}
        await until(lambda: hosts_of(tidegate) == asked, what="every call stands in the access log")


async def test_containers_may_have_foreign_names_on_any_network_of_the_engine_and_others_may_not(box, place, tmp_path):
    network, gateway = place
    async with ScriptedUpstream(lambda data, _: [answer(data, f"60 A {FOREIGN}")]) as upstream:
        flags = ("--upstream-dns", str(upstream.address))
        async with running(tmp_path, *flags, docker=box.url, dns=(gateway, 53)) as tidegate:
            await box.serve("web", {"tidegate.port": "80"}, options=("--network", network))
            await until(lambda: _healthy(tidegate, 1), what="a container is followed")
            later = await box.network("later")
            for number, where in enumerate((network, later, "host")):
                options = ("--network", where, "--dns", gateway, "--label=tidegate.enable=false")
                name = f"caller{number}"
                program = ("/python/bin/python3", "-S", "-c", LOOKUP, f"{name}.example.net")
                container = await box.run(name, *program, image=PYTHON, options=options)
                await box.docker("wait", container)
                assert await box.docker("logs", container) == FOREIGN
            assert await _rcode(gateway, gateway) == ("NOERROR", [])
            async with address_of_this_host(STRANGER):
                assert await _rcode(gateway, STRANGER) == ("REFUSED", [18])


def hosts_of(tidegate):
    return Counter(each["host"].partition(":")[0] for each in tidegate.access())


@contextlib.asynccontextmanager
async def address_of_this_host(address):
    await _ip("add", address)
    try:
        yield
    finally:
        await _ip("del", address)


async def _ip(verb, address):
    process = await asyncio.create_subprocess_exec("ip", "address", verb, f"{address}/32", "dev", "lo")
    async with asyncio.timeout(10):
        assert await process.wait() == 0


async def _rcode(server, source):
    """Code and extended errors of the answer to a foreign name asked from an address of this host."""
    query = dns.message.make_query("host.example.net", "A", use_edns=0)
    reply = await dns.asyncquery.udp(query, server, source=source, timeout=5)
    extended = [option.code for option in reply.options if option.otype == dns.edns.OptionType.EDE]
    return dns.rcode.to_text(reply.rcode()), extended


async def _healthy(tidegate, count):
    endpoints = (await tidegate.api("/v1/endpoints"))["endpoints"]
    return len(endpoints) == count and {each["state"] for each in endpoints} == {"healthy"}
