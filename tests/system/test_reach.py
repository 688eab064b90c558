"""A container started with one label is reachable by host name and resolvable by DNS, wherever it stands."""

from __future__ import annotations

import asyncio
import contextlib
import time

import dns.asyncquery
import dns.message
import dns.rdatatype
import dns.reversename
import pytest

from tests.support.containers import PYTHON, PYTHON_PATH
from tests.support.images import BUSYBOX
from tests.support.serve import free_port, running, until

pytestmark = pytest.mark.system

HOST = "web.example.test"
ROUTE = {"aliyun.routing.port_80": f"http://{HOST}"}

FETCH = r"""
import socket
one = socket.create_connection(("web.shop", 80), 5)
one.sendall(b"GET / HTTP/1.1\r\nHost: web.shop\r\n\r\n")
print(one.recv(65536).decode())
"""


async def ask(tidegate, name, kind="A", *, tcp=False):
    """The answer message of Tidegate's DNS server."""
    query = dns.message.make_query(name, kind)
    send = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await send(query, tidegate.dns[0], port=tidegate.dns[1], timeout=5)


def data(message):
    return [rdata.to_text() for rrset in message.answer for rdata in rrset]


async def test_docker_run_with_one_label_is_served_within_a_second_of_the_container_being_ready(box, tmp_path, say):
    async with running(tmp_path, docker=box.url) as tidegate:
        page = "echo hello > /www/index.html && exec httpd -f -p 80 -h /www"
        name = await box.run("web", "sh", "-c", page, image=BUSYBOX, labels=ROUTE)
        address = await box.address(name)
        await until(lambda: _accepts(address, 80), what="the container's port")
        ready = time.monotonic()
        body = await tidegate.answers(HOST, deadline=1.0)
        say(f"route live {1000 * (time.monotonic() - ready):.0f} ms after the port was seen open")
        curl = await asyncio.create_subprocess_exec(
            *("curl", "-sf", "-H", f"Host: {HOST}", f"http://{tidegate.http[0]}:{tidegate.http[1]}/"),
            stdout=asyncio.subprocess.PIPE,
        )
        assert (await curl.communicate())[0] == body == b"hello\n"
        assert (await tidegate.request("other.example.test"))[0] == 404
        await until(lambda: _has(tidegate, f"{name}.mesh.internal", address), deadline=1.0)


async def test_dns_answers_names_addresses_and_pointers_of_a_container(box, tmp_path):
    labels = {**ROUTE, "tidegate.service": "shop/web"}
    name = await box.serve("web", labels)
    address = await box.address(name)
    async with running(tmp_path, docker=box.url) as tidegate:
        await tidegate.answers(HOST)
        for known in (f"{name}.mesh.internal", name, "web.mesh.internal", "web.shop.mesh.internal", "web", "web.shop"):
            assert data(await ask(tidegate, known)) == [address], known
            assert data(await ask(tidegate, known, tcp=True)) == [address], known
        nodata = await ask(tidegate, "web.mesh.internal", "AAAA")
        assert nodata.rcode() == 0
        assert not nodata.answer
        assert nodata.authority[0].rdtype == dns.rdatatype.SOA
        pointers = data(await ask(tidegate, dns.reversename.from_address(address), "PTR"))
        assert f"{name}.mesh.internal." in pointers
        services = data(await ask(tidegate, "_80._tcp.web.mesh.internal", "SRV"))
        assert [text.split()[2] for text in services] == ["80"]
        assert (await ask(tidegate, "nobody.mesh.internal")).rcode() == 3
        assert data(await ask(tidegate, HOST)) == ["127.0.0.1"]  # the router stands where the question came in
        await box.docker("rm", "-f", name)
        await until(lambda: _is_gone(tidegate, "web.mesh.internal"), what="the name is gone")


@pytest.mark.parametrize("where", ["network", "bridge"])
async def test_a_container_with_tidegate_as_its_dns_reaches_another_by_name(box, tmp_path, where, say):
    network = await box.network("mesh") if where == "network" else "bridge"
    gateway = await box.gateway(network)
    web = await box.serve(
        "web", {"tidegate.service": "shop/web", "tidegate.port": "80"}, options=("--network", network)
    )
    address = await box.address(web)
    options = ("--network", network, "--dns", gateway, "--dns-search", "mesh.internal")
    async with running(tmp_path, docker=box.url, dns=(gateway, 53)) as tidegate:
        await until(lambda: _has(tidegate, "web.shop", address))
        static = await box.run("static", "sleep", "600", image=BUSYBOX, options=options)
        glibc = await box.run("glibc", "/bin/busybox", "sleep", "600", image=PYTHON, options=options)
        for full in ("web.mesh.internal", "web.shop.mesh.internal", "web.shop"):
            assert address in await box.execute(static, "nslookup", full)
            assert (await box.execute(glibc, "getent", "ahostsv4", full)).split()[0] == address
        assert (await box.execute(glibc, "getent", "hosts", "web")).split()[0] == address  # completed by search
        assert (await box.execute(glibc, "getent", "hosts", address)).split()[1].startswith((web, "web"))
        for client in (static, glibc):
            body = await box.execute(client, "wget", "-q", "-O", "-", "http://web.mesh.internal/")
            assert body.splitlines()[0] == "web"
            say(f"{where}: {client.rpartition('-')[2]} fetched http://web.mesh.internal/ from {address}")
        assert "\r\nweb\n" in (await box.execute(glibc, PYTHON_PATH, "-c", FETCH))


async def test_a_container_on_the_hosts_network_is_routed(box, tmp_path):
    port = free_port()
    labels = {f"aliyun.routing.port_{port}": f"http://{HOST}"}
    await box.serve("hosted", labels, port=port, options=("--network", "host"))
    async with running(tmp_path, docker=box.url) as tidegate:
        assert (await tidegate.answers(HOST)).startswith(b"hosted")


async def test_a_container_that_only_its_published_port_reaches_is_routed(box, tmp_path, say):
    port = free_port()
    front = await box.gateway(await box.network("front"))
    options = ("--network", await box.network("aside"), "-p", f"{front}:{port}:80")
    address = await box.address(await box.serve("published", ROUTE, options=options))
    async with _dropped(address), running(tmp_path, docker=box.url) as tidegate:
        assert (await tidegate.answers(HOST)).startswith(b"published")
        (endpoint,) = (await tidegate.api("/v1/endpoints"))["endpoints"]
        say(f"{address}:80 does not answer, reached over {front}:{port}")
        assert endpoint["address"] == {"host": front, "port": port, "through": ""}


async def test_a_container_on_two_networks_is_reached_over_the_one_that_works(box, tmp_path, say):
    dead, alive = await box.network("a-dead"), await box.network("b-alive")
    name = await box.serve("twice", ROUTE, options=("--network", dead))
    await box.docker("network", "connect", alive, name)
    addresses = {network: await box.address(name, network) for network in (dead, alive)}
    async with _cut_off(addresses[dead]), running(tmp_path, docker=box.url) as tidegate:
        assert (await tidegate.answers(HOST)).startswith(b"twice")
        (endpoint,) = (await tidegate.api("/v1/endpoints"))["endpoints"]
        say(f"of {addresses} {endpoint['address']['host']} was chosen")
        assert endpoint["address"]["host"] == addresses[alive]
        text = (await tidegate.cli("explain", name)).out
        assert addresses[alive] in text


async def _accepts(host, port):
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.transport.abort()
    return True


async def _has(tidegate, name, address):
    return address in data(await ask(tidegate, name))


async def _is_gone(tidegate, name):
    return (await ask(tidegate, name)).rcode() == 3


@contextlib.asynccontextmanager
async def _cut_off(address):
    """Inside, this host has no route to the address."""
    await _command("ip", "route", "add", "unreachable", address)
    try:
        yield
    finally:
        await _command("ip", "route", "del", "unreachable", address)


@contextlib.asynccontextmanager
async def _dropped(address):
    """Inside, what this host sends to the address is dropped; what it sends to a published port is not, because this
    table comes before the translation."""
    rule = ("OUTPUT", "-d", address, "-j", "DROP")
    await _command("iptables", "-t", "raw", "-I", *rule)
    try:
        yield
    finally:
        await _command("iptables", "-t", "raw", "-D", *rule)


async def _command(*command):
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0, command
