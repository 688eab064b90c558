"""The resolvers that containers have, asking in real containers: by `--dns` alone, and with Docker's own DNS in front.

What each client makes of an answer is what it prints. Whether it was stalled is told by the queries that pass the bridge:
a client that waits for nothing has asked each question once, and each was answered. No test looks at a clock; the times
are said, and docs/dns-clients.md has them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import Counter
from dataclasses import dataclass

import dns.message
import dns.rdatatype
import pytest

from tests.support.containers import Containers
from tests.support.resolvers import CLIENTS, Said, command, resolvers_image, said
from tests.support.serve import free_port, running, until
from tests.support.upstream import ScriptedUpstream, answer
from tests.support.wiretap import Wiretap, queries, resent, span

pytestmark = pytest.mark.system

MANY = [f"127.77.0.{host}" for host in range(1, 61)]
SIX = "::1"
ABSENT = ()
FOREIGN = "198.51.100.77"
FAILURES = {"formerr": 1, "servfail": 2, "notimp": 4, "refused": 5, "dropped": None}
SOA = "60 SOA ns.example.net. hostmaster.example.net. 1 3600 600 86400 60"
CALLS = 200
CHI_SQUARE = 16.27  # of four replicas: chance passes it once in a thousand runs
NO_SEARCH = ("--dns-search", ".")


@dataclass(frozen=True)
class Place:
    """Where the clients of a test stand: a network, its bridge, the address Tidegate answers at."""

    box: Containers
    image: str
    network: str
    gateway: str
    tap: Wiretap
    say: object

    async def run(self, short, *options):
        """A container with all clients in it and Tidegate as its DNS."""
        options = ("--network", self.network, "--dns", self.gateway, *options)
        return await self.box.run(short, "/bin/busybox", "sleep", "600", image=self.image, options=options)

    async def serve(self, short, service, **labels):
        """A container of a service; gives its address."""
        labels = {"tidegate.service": service, "tidegate.port": "80", **labels}
        name = await self.box.serve(short, labels, options=("--network", self.network))
        return await self.box.address(name)

    async def ask(self, container, client, name, verb="lookup"):
        """What the client said of `name`, and what passed the bridge meanwhile."""
        self.tap.taken()
        output = await self.box.docker("exec", container, *command(client, verb, name), check=client != "busybox")
        return said(client, output), self.tap.taken()

    async def expect(self, container, client, name, expected, verb="lookup", rounds=1):
        """Ask; compare what was found, and that nothing was asked twice or left without an answer. Gives both."""
        got, seen = await self.ask(container, client, name, verb)
        taken = got.milliseconds or span(seen)
        told = f"{got.code:7} {len(got.found):2} found {taken:6.1f} ms {sum(queries(seen).values())} queries"
        self.say(f"{client:8} {verb} {name:34} {told}")
        wanted = Said("ok" if expected else "absent", frozenset(expected), got.milliseconds)
        assert got == wanted, (client, name, got, queries(seen))
        assert_not_stalled(seen, rounds)
        return got, seen


def assert_not_stalled(seen, rounds=1):
    """Nothing was sent again, each question was asked at most `rounds` times in one way, and none was left without its
    answer: nobody waited for a time-out."""
    asked = queries(seen)
    assert not resent(seen), asked
    assert set(asked.values()) <= set(range(rounds + 1)), asked
    assert Counter((*one.question, one.transport) for one in seen if one.is_reply) == asked


@pytest.fixture(params=["bridge", "network"])
async def place(request, box, say):
    """The default bridge, where a container's resolver asks Tidegate itself; or a network of its own, where Docker's
    127.0.0.11 stands before it."""
    network = "bridge" if request.param == "bridge" else await box.network("mesh")
    image = await resolvers_image(box.url)
    gateway = await box.gateway(network)
    (found,) = json.loads(await box.docker("network", "inspect", network))
    bridge = found["Options"].get("com.docker.network.bridge.name", f"br-{found['Id'][:12]}")
    with Wiretap(bridge) as tap:
        yield Place(box, image, network, gateway, tap, say)


@pytest.fixture
async def static_file(tmp_path):
    """Services of many addresses and of none but an IPv6 one; all of them lead to one port of this host."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), ["0.0.0.0", "::1"], port := free_port())
    services = {"many": [f"{address}:{port}" for address in MANY], "six": [f"[{SIX}]:{port}"]}
    path = tmp_path / "static.yaml"
    path.write_text(json.dumps({"services": {name: {"endpoints": each} for name, each in services.items()}}))
    async with server:
        yield str(path)


@contextlib.asynccontextmanager
async def serving(place, tmp_path, static_file, *upstreams):
    """Tidegate with its DNS at the place's gateway; all there is has been found healthy."""
    flags = [flag for upstream in upstreams for flag in ("--upstream-dns", str(upstream.address))]
    where = (place.gateway, 53)
    async with running(tmp_path, "--file", static_file, *flags, docker=place.box.url, dns=where) as tidegate:
        await until(lambda: all_healthy(tidegate), what="all endpoints are healthy")
        yield tidegate


async def all_healthy(tidegate):
    endpoints = (await tidegate.api("/v1/endpoints"))["endpoints"]
    return len(endpoints) > len(MANY) and {each["state"] for each in endpoints} == {"healthy"}


async def test_every_client_resolves_our_names_with_each_question_asked_once(place, tmp_path, static_file):
    web = await place.serve("web", "shop/web", **{"aliyun.routing.port_80": "http://web.example.test"})
    async with serving(place, tmp_path, static_file):
        container = await place.run("client", *NO_SEARCH)
        for client in CLIENTS:
            for name in ("web.mesh.internal", "web.shop.mesh.internal", "web.shop", "web"):
                await place.expect(container, client, name, [web])
            await place.expect(container, client, "six.mesh.internal", [SIX])
            await place.expect(container, client, "web.example.test", [place.gateway])
            for name in ("nobody.mesh.internal", "shop.mesh.internal", "nobody", "nobody.invalid"):
                await place.expect(container, client, name, ABSENT)


async def test_every_client_is_told_at_once_who_has_an_address_and_that_nobody_has(place, tmp_path, static_file):
    web = await place.serve("web", "shop/web")
    async with serving(place, tmp_path, static_file):
        container = await place.run("client", *NO_SEARCH)
        for client in CLIENTS:
            (name,) = (await place.ask(container, client, web, "reverse"))[0].found
            assert name.startswith(("web", place.box.name("web")))
            await place.expect(container, client, "10.98.76.54", ABSENT, "reverse")


async def test_sixty_addresses_reach_every_client_in_whole_or_as_many_as_it_takes(place, tmp_path, static_file):
    async with serving(place, tmp_path, static_file):
        container = await place.run("client", *NO_SEARCH)
        for client in CLIENTS:
            # glibc asks again whenever its buffer was too small for the answer, at 1, 2 and 4 KiB
            rounds = 3 if client == "glibc" else 1
            got, seen = await place.ask(container, client, "many.mesh.internal")
            place.say(
                f"{client:8} {len(got.found)} of 60, {got.milliseconds or span(seen):.1f} ms {dict(queries(seen))}"
            )
            assert_not_stalled(seen, rounds)
            assert got.code == "ok"
            assert len(got.found) == 60 if client in ("glibc", "c-ares") else 28 <= len(got.found) <= 60
            assert got.found <= set(MANY)


async def test_a_search_list_is_walked_to_the_suffix_that_has_the_name(place, tmp_path, static_file):
    web, db = await place.serve("web", "shop/web"), await place.serve("db", "back/db")
    suffixes = ("shop.mesh.internal", "back.mesh.internal", "mesh.internal")
    async with serving(place, tmp_path, static_file):
        search = [option for suffix in suffixes for option in ("--dns-search", suffix)]
        usual, kubernetes = await place.run("usual", *search), await place.run("five", *search, "--dns-opt", "ndots:5")
        for client in CLIENTS:
            for name, address in (("web", web), ("db", db), ("db.back", db), ("web.mesh.internal", web)):
                await place.expect(usual, client, name, [address])
                await place.expect(kubernetes, client, name, [address])
            for container in (usual, kubernetes):
                await place.expect(container, client, "nobody", ABSENT)


async def test_a_suffix_that_has_the_name_without_addresses_ends_the_search_where_it_does_and_stalls_nobody(
    place, tmp_path, static_file
):
    await place.serve("web", "shop/web")
    other = await place.serve("other", "back/web")
    async with serving(place, tmp_path, static_file) as tidegate:
        await tidegate.cli("drain", place.box.name("web"), "--wait")
        search = [f"--dns-search={suffix}" for suffix in ("shop.mesh.internal", "back.mesh.internal")]
        container = await place.run("client", *search, "--dns-opt=ndots:1")
        for client in CLIENTS:
            await place.expect(container, client, "web.shop.mesh.internal", ABSENT)
            # to musl NODATA is an answer, the others ask on; nobody waits
            await place.expect(container, client, "web", ABSENT if client == "musl" else [other])


async def test_every_option_of_resolv_conf_is_served(place, tmp_path, static_file):
    web = await place.serve("web", "shop/web")
    async with serving(place, tmp_path, static_file):
        for number, options in enumerate(
            (["edns0"], ["use-vc"], ["single-request"], ["single-request-reopen", "trust-ad"])
        ):
            container = await place.run(f"client{number}", *NO_SEARCH, *(f"--dns-opt={option}" for option in options))
            for client in CLIENTS:
                _, seen = await place.expect(container, client, "web.mesh.internal", [web])
                by_tcp = client == "glibc" and options == ["use-vc"]
                assert {one.transport for one in seen} == ({"tcp"} if by_tcp else {"udp"})
                extended = client == "c-ares" or (client == "glibc" and options == ["edns0"])
                assert {one.message.edns for one in seen} == ({0} if extended else {-1})
                await place.expect(container, client, "nobody.mesh.internal", ABSENT)


async def test_no_client_sees_that_the_first_upstream_fails(place, tmp_path, static_file):
    web = await place.serve("web", "shop/web")
    script, failed = failing_first()
    async with ScriptedUpstream(script) as one, ScriptedUpstream(script) as other:
        async with serving(place, tmp_path, static_file, one, other):
            container = await place.run("client", *NO_SEARCH)
            for number, client in enumerate(CLIENTS):
                for failure in FAILURES:
                    for types in ("aaaa", "all"):
                        await place.expect(container, client, f"{failure}-{types}-{number}.example.net", [FOREIGN])
                await place.expect(container, client, f"missing-{number}.example.net", ABSENT)
                got, seen = await place.ask(container, client, f"sixty-{number}.example.net")
                place.say(f"{client:8} {len(got.found)} of 60 from upstream by TCP, {dict(queries(seen))}")
                assert_not_stalled(seen, 3 if client == "glibc" else 1)
                assert len(got.found) >= 28
                await place.expect(container, client, "web.shop", [web])
                await place.expect(container, client, "nobody.mesh.internal", ABSENT)
                await place.expect(container, client, "nobody", ABSENT)
        assert len(failed) == len(CLIENTS) * len(FAILURES) * 3  # AAAA alone, then A and AAAA
        asked = {dns.message.from_wire(data).question[0].name.to_text() for data in one.asked + other.asked}
        assert not {name for name in asked if name.endswith("internal.") or name.startswith(("web", "nobody"))}


@pytest.mark.parametrize("mode", ["one", "direct"])
async def test_clients_that_call_a_name_spread_over_its_replicas(place, tmp_path, static_file, mode):
    replicas = [await place.serve(f"web{number}", "shop/web", **{"tidegate.dns": mode}) for number in range(4)]
    async with serving(place, tmp_path, static_file):
        container = await place.run("client", *NO_SEARCH)
        dual = await place.run("dual", *NO_SEARCH, "--sysctl", "net.ipv6.conf.all.disable_ipv6=0")
        for client, where in (("glibc", container), ("glibc", dual), ("musl", dual), ("c-ares", dual)):
            program = command(client, "connect", "web.shop", "80", str(CALLS))
            lines = (await place.box.execute(where, *program)).splitlines()
            calls = {address: int(times) for address, times in map(str.split, lines)}
            place.say(f"{mode}: {client} {'with IPv6 ' if where == dual else ''}called {calls}")
            assert sum(calls.values()) == CALLS
            assert calls.keys() <= set(replicas)
            # where it has IPv6, glibc sorts the addresses of one answer by how much they are like its own (RFC 6724)
            if mode == "one" or (client, where) != ("glibc", dual):
                assert chi_square([calls.get(address, 0) for address in replicas]) < CHI_SQUARE
        shell = f"i=0; while [ $i -lt {CALLS} ]; do wget -q -O - http://web.shop/; i=$((i+1)); done"
        names = Counter(re.findall(r"^web\d$", await place.box.execute(container, "sh", "-c", shell), re.MULTILINE))
        place.say(f"{mode}: busybox wget called {dict(names)}")
        assert names.total() == CALLS
        assert chi_square([names[f"web{number}"] for number in range(4)]) < CHI_SQUARE


def sound(data, stream):
    """Foreign names: `sixty` has sixty addresses that only TCP carries, `missing` none, all others have one."""
    question = dns.message.from_wire(data).question[0]
    name = question.name.labels[0]
    if name.startswith(b"missing"):
        return [answer(data, rcode=3, authority=[SOA])]
    if question.rdtype != dns.rdatatype.A:
        return [answer(data, authority=[SOA])]
    if not name.startswith(b"sixty"):
        return [answer(data, f"60 A {FOREIGN}")]
    return (
        [answer(data, *(f"60 A 198.51.100.{host}" for host in range(1, 61)))]
        if stream
        else [answer(data, truncated=True)]
    )


def failing_first():
    """A script for several upstreams: whichever is asked first fails at the names that say how and for which types, such
    as `refused-aaaa-1`; and the questions that it failed at."""
    failed = set()

    def script(data, stream):
        question = dns.message.from_wire(data).question[0]
        failure, _, rest = question.name.labels[0].decode().partition("-")
        is_meant = rest.startswith("all") or question.rdtype == dns.rdatatype.AAAA
        key = (question.name, question.rdtype)
        if failure not in FAILURES or not is_meant or key in failed:
            return sound(data, stream)
        failed.add(key)
        return [] if FAILURES[failure] is None else [answer(data, rcode=FAILURES[failure])]

    return script, failed


def chi_square(counts):
    expected = sum(counts) / len(counts)
    return sum((count - expected) ** 2 / expected for count in counts)
