from __future__ import annotations

import asyncio
import json
import shutil
import socket
import time
from pathlib import Path

import dns.message
import pytest
from msgspec import structs

from tests.support.dns import name, publish, table, target
from tests.support.dns_server import CONFIG, DEADLINE, WEB, framed, query, rcode, running
from tests.support.serve import until
from tests.support.upstream import ScriptedUpstream, answer
from tidegate.control.metrics import Registry
from tidegate.dns.cookie import Jar
from tidegate.dns.forward import UpstreamForwarder
from tidegate.dns.record import packed
from tidegate.dns.server import DnsServer
from tidegate.dns.zone import Zone
from tidegate.routing import Delta
from tidegate.tasks import Tasks

CASES = json.loads(Path(__file__).with_name("cases.json").read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", [c for c in CASES if not c.get("tcp")], ids=lambda case: case["name"])
async def test_a_case_of_the_shared_table_is_met(case):
    packet = bytes.fromhex(case["hex"])
    wanted = {case["expect"], *case.get("also", [])}
    async with running() as server:
        reply = await server.first(packet)
        assert (await server.ask("web.mesh.test", "A")).answer
    if reply[:2] == b"\xbe\xef":
        assert wanted & {"drop", "either"}
        return
    assert reply[:2] == packet[:2]
    assert reply[2] & 0x80
    assert case["expect"] == "either" or rcode(reply) in wanted
    assert len(reply) <= 512
    if case.get("opt"):
        assert dns.message.from_wire(reply).edns == 0
    if "answers" in case:
        assert len(dns.message.from_wire(reply).answer) == case["answers"]


async def test_a_long_answer_is_cut_by_udp_and_whole_by_tcp():
    async with running() as server:
        cut = await server.ask("many", "A")
        assert cut.flags & 0x0200
        (whole,) = await server.tcp(framed(query("many")), answers=1)
        assert len(dns.message.from_wire(whole).answer[0]) == 100


async def test_many_queries_in_a_burst_are_all_answered():
    async with running() as server:
        replies = await server.udp(*(query(id=n) for n in range(200)))
        assert {int.from_bytes(reply[:2]) for reply in replies} == set(range(200))


async def test_a_wildcard_socket_answers_from_the_address_asked():
    async with running(host="0.0.0.0", reached="127.3.3.3") as server:  # a connected client takes nothing else
        assert (await server.ask("web", "A")).answer
        assert [rdata.address for rdata in (await server.ask("ns.mesh.test", "A")).answer[0]] == ["127.3.3.3"]


async def test_a_new_table_is_followed_also_on_an_open_connection():
    async with running() as server, asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        found = []
        for octet in (7, 8):
            publish(server.zone, name("web", target("1.web", f"10.1.0.{octet}")))
            writer.write(framed(query()))
            reply = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            found.append(dns.message.from_wire(reply).answer[0][0].address)
        assert found == ["10.1.0.7", "10.1.0.8"]
        writer.close()


async def test_foreign_names_are_forwarded_cached_and_marked_recursive():
    async with ScriptedUpstream(lambda data, _: [answer(data, "60 A 192.0.2.1")]) as upstream:
        async with running(upstreams=[upstream.address]) as server:
            for _ in range(2):
                reply = await server.ask("www.example.org", "A")
                assert (reply.answer[0][0].address, reply.flags & 0x0080) == ("192.0.2.1", 0x0080)
            (streamed,) = await server.tcp(framed(query("other.example.org")), answers=1, end=True)
            assert dns.message.from_wire(streamed).answer
        assert len(upstream.asked) == 2


async def test_own_dotless_reserved_and_private_names_never_go_upstream():
    async with ScriptedUpstream(lambda data, _: [answer(data, "60 A 192.0.2.1")]) as upstream:
        async with running(upstreams=[upstream.address]) as server:
            names = [
                "nope.mesh.test",
                "mesh.test",
                "nope",
                "x.local",
                "x.onion",
                "1.2.3.10.in-addr.arpa",
                "_80._tcp.web",
            ]
            for qname in names:
                for qtype in ("A", "AAAA", "SRV", "HTTPS", "ANY"):
                    await server.ask(qname, qtype)
        assert not upstream.asked


@pytest.mark.parametrize("more", [{"flags": 0}, {"rdtype": "ANY"}])
async def test_foreign_names_without_rd_and_any_of_them_are_refused(more):
    async with ScriptedUpstream(lambda data, _: [answer(data, "60 A 192.0.2.1")]) as upstream:
        async with running(upstreams=[upstream.address]) as server:
            asked = {"qname": "www.example.org", "rdtype": "A"} | more
            assert (await server.ask(**asked)).rcode().name == "REFUSED"
        assert not upstream.asked


async def test_without_a_forwarder_foreign_names_are_refused():
    async with running() as server:
        assert (await server.ask("www.example.org", "A")).rcode().name == "REFUSED"


class FaultyZone(Zone):
    """A zone with a fault at one name."""

    def resolve(self, query, asker):
        if query.name == b"\4boom\0":
            raise RuntimeError("a fault of ours")
        return super().resolve(query, asker)


async def test_a_fault_in_one_query_costs_that_query_only():
    async with running(zone=FaultyZone("mesh.test")) as server:
        assert (await server.first(query("boom")))[:2] == b"\xbe\xef"
        assert server.server.counters()["dropped.fault"] == 1


async def test_what_happened_is_counted():
    async with running() as server:
        await server.ask("web", "A")
        await server.udp(query(id=5)[:12])
        await server.first(b"\0\1\x80\0" + b"\0" * 8)
        counters = server.server.counters()
        assert counters["responses.A.NOERROR"] == 1
        assert counters["responses.other.FORMERR"] == 1
        assert counters["dropped.malformed"] == 1


async def test_a_query_that_was_taken_is_answered_after_the_stop():
    names = ["www.example.org", "www.example.net"]
    async with (
        ScriptedUpstream(lambda data, _: [answer(data, "60 A 192.0.2.1")], slow=True) as upstream,
        running(upstreams=[upstream.address]) as server,
    ):
        streamed = server.tasks.spawn("tcp", server.tcp(framed(query(names[0])), answers=1, end=True))
        plain = server.tasks.spawn("udp", server.ask(names[1], "A"))
        await until(lambda: len({packet[12:] for packet in upstream.asked}) == len(names))
        server.server.stop()
        for _ in range(3):  # turns of the loop: nobody reads any more
            await asyncio.sleep(0)
        assert not server.task.done()
        upstream.release()
        assert [dns.message.from_wire(reply).answer for reply in await streamed]
        assert (await plain).answer
        await server.task


async def test_foreign_names_are_resolved_from_the_first_datagram_on():
    class Late(UpstreamForwarder):
        async def run(self):
            await asked.wait()
            await super().run()

    asked = asyncio.Event()
    async with ScriptedUpstream(lambda data, _: [answer(data, "60 A 192.0.2.1")]) as upstream:
        config = structs.replace(CONFIG, upstreams=(upstream.address,))
        async with running(upstreams=[upstream.address], forwarder=Late(config)) as server:
            assert (await server.ask("www.example.org", "A")).answer
            asked.set()


async def test_after_the_stop_nothing_is_taken_from_the_sockets_that_a_successor_has_too():
    async with running() as server:
        server.server.stop()
        await server.task
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((server.host, server.port))
            await loop.sock_sendall(sock, query(id=9))
            successor = DnsServer(CONFIG, server.zone)
            async with Tasks("successor") as tasks:
                task = tasks.spawn("server", successor.run(server.udp_sockets, []))
                async with asyncio.timeout(DEADLINE):
                    assert (await loop.sock_recv(sock, 512))[:2] == b"\0\x09"
                task.cancel()


async def test_an_upstream_that_is_silent_does_not_hold_up_the_stop():
    async with ScriptedUpstream(lambda *_: []) as upstream, running(upstreams=[upstream.address]) as server:
        plain = server.tasks.spawn("udp", server.ask("www.example.net", "A"))
        await until(lambda: upstream.asked)
        server.server.stop()
        await server.task
        assert (await plain).rcode().name == "SERVFAIL"


async def test_queries_are_logged_whichever_way_they_went(tmp_path):
    path = tmp_path / "queries.log"
    config = structs.replace(CONFIG, query_log=str(path))
    async with (
        ScriptedUpstream(lambda data, _: [answer(data, "60 A 192.0.2.1")]) as upstream,
        running(upstreams=[upstream.address], config=config) as server,
    ):
        for qname, qtype in (("web", "A"), ("nope", "A"), ("www.example.org", "A"), ("www.example.org", "A")):
            await server.ask(qname, qtype)
        await server.tcp(framed(query("www.example.org", "ANY")), answers=1)
        server.server.stop()
        await server.task
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["name"], line["rcode"], line["source"], line["protocol"]) for line in lines[1:]] == [
        ("web", "NOERROR", "own-zone", "udp"),
        ("nope", "NXDOMAIN", "own-zone", "udp"),
        ("www.example.org", "NOERROR", "forward", "udp"),
        ("www.example.org", "NOERROR", "cache", "udp"),
        ("www.example.org", "REFUSED", "refused", "tcp"),
    ]
    assert all(line["duration_us"] >= 0 for line in lines)
    assert [line.get("upstream") for line in lines[1:]] == [None, None, str(upstream.address), None, None]


async def test_what_the_server_did_is_told_as_metrics():
    registry = Registry()
    async with running(metrics=registry) as server:
        await server.ask("web", "A")
        await server.tcp(framed(query()), answers=1)
        applied = server.zone.version
        server.server.apply(
            table(WEB, version=applied + 1),
            Delta(base=applied, version=applied + 1, since=time.monotonic(), names={"web": WEB}),
        )
        server.server.stop()
        await server.task
    text = registry.text().decode()
    assert registry.value("tidegate_dns_requests_total", type="A", proto="tcp", family="1") == 1
    assert 'tidegate_dns_request_duration_seconds_count{proto="udp"} 2.0' in text  # with the sentinel's
    assert 'tidegate_dns_request_duration_seconds_count{proto="tcp"} 1.0' in text
    assert "tidegate_dns_programming_duration_seconds_count 1.0" in text


# The checks of RFC 8906 8.1 and 8.2, by dig: arguments, what must stand in its output, what must not.
COMPLIANCE = [
    ("+noedns +noad +norec soa", ["status: NOERROR", "flags: qr aa ra;", "SOA"], ["OPT PSEUDO"]),
    ("+noedns +noad +norec type1000", ["status: NOERROR", "flags: qr aa ra;", "ANSWER: 0"], []),
    ("+noedns +noad +norec +cd soa", ["status: NOERROR", "SOA"], []),
    ("+noedns +norec +ad soa", ["status: NOERROR", "SOA"], []),
    ("+noedns +noad +norec +zflag soa", ["status: NOERROR", "SOA"], ["MBZ"]),
    ("+noedns +noad +rec soa", ["status: NOERROR", "flags: qr aa rd", "SOA"], []),
    ("+noedns +noad +norec +opcode=15 +header-only", ["status: NOTIMP", "opcode: RESERVED15"], []),
    ("+noedns +noad +norec +tcp soa", ["status: NOERROR", "(TCP)"], []),
    ("+edns=0 +noad +norec +nocookie soa", ["status: NOERROR", "EDNS: version: 0"], []),
    ("+edns=1 +noednsneg +noad +norec +nocookie soa", ["status: BADVERS", "EDNS: version: 0"], ["IN\tSOA\t"]),
    ("+edns=0 +noad +norec +nocookie +ednsopt=100 soa", ["status: NOERROR", "EDNS: version: 0"], ["OPT=100"]),
    ("+edns=0 +noad +norec +nocookie +ednsflags=0x40 soa", ["status: NOERROR", "EDNS: version: 0"], ["MBZ"]),
    ("+edns=1 +noednsneg +noad +norec +nocookie +ednsflags=0x40 soa", ["status: BADVERS"], ["MBZ"]),
    ("+edns=1 +noednsneg +noad +norec +nocookie +ednsopt=100 soa", ["status: BADVERS"], ["OPT=100"]),
    ("+edns=0 +noad +norec +nocookie +dnssec soa", ["status: NOERROR", "flags: do;"], []),
    ("+edns=0 +noad +norec +cookie +nsid +expire +subnet=0.0.0.0/0 soa", ["status: NOERROR", "version: 0"], []),
]  # fmt: skip


async def dig(server, *arguments):
    """What `dig` prints."""
    program = shutil.which("dig")
    assert program, "install bind9-dnsutils"
    async with asyncio.timeout(DEADLINE * 2):
        process = await asyncio.create_subprocess_exec(
            program, "@127.0.0.1", "-p", str(server.port), "+tries=1", *arguments, stdout=asyncio.subprocess.PIPE
        )
        return (await process.communicate())[0].decode()


@pytest.mark.parametrize(("arguments", "wanted", "unwanted"), COMPLIANCE, ids=[c[0] for c in COMPLIANCE])
async def test_dig_finds_the_server_compliant(arguments, wanted, unwanted):
    async with running(zone=Zone("mesh.test", jar=Jar(bytes(16), int(time.time())))) as server:
        output = await dig(server, *arguments.split(), "mesh.test")
    assert all(text in output for text in wanted), output
    assert not any(text in output for text in unwanted), output


async def test_dig_gets_a_cookie_and_finds_it_good_also_when_it_brings_it_back():
    jar = Jar(bytes(range(16)), int(time.time()))
    async with running(zone=Zone("mesh.test", jar=jar)) as server:
        output = await dig(server, "+cookie=0123456789abcdef", "web.mesh.test")
        (line,) = [line for line in output.splitlines() if line.startswith("; COOKIE:")]
        assert line.endswith("(good)")
        full = line.split()[2]
        assert f"; COOKIE: {full} (good)" in await dig(server, f"+cookie={full}", "nope.mesh.test", "+tcp")


async def test_a_query_for_a_cookie_alone_gets_one():
    packet = b"\0\1\0\0\0\0\0\0\0\0\0\1" + b"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08abcdefgh"
    jar = Jar(bytes(range(16)), int(time.time()))
    async with running(zone=Zone("mesh.test", jar=jar)) as server:
        (reply,) = await server.udp(packet)
        assert reply[:12] == b"\0\1\x80\x80\0\0\0\0\0\0\0\1"
        assert jar.is_ours(reply[-24:], packed("127.0.0.1"))
    async with running() as server:
        (reply,) = await server.udp(packet)
        assert rcode(reply) == "FORMERR"
