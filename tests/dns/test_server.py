from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import time
from pathlib import Path

import dns.message
import pytest
from msgspec import structs

from tests.support.dns import name, publish, table, target
from tests.support.serve import until
from tests.support.upstream import ScriptedUpstream, answer
from tidegate.config import DnsConfig
from tidegate.control.metrics import Registry
from tidegate.dns import server as serving
from tidegate.dns.forward import UpstreamForwarder
from tidegate.dns.listener import bind
from tidegate.dns.server import DnsServer
from tidegate.dns.zone import Zone
from tidegate.model import Address
from tidegate.routing import Delta
from tidegate.tasks import Tasks

CASES = json.loads(Path(__file__).with_name("cases.json").read_text("utf-8"))["cases"]
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 16: "BADVERS"}
WEB = name("web", target("1.web", "127.0.0.2", ports=[80]))
MANY = name("many", *(target(f"{n}.many", f"10.1.0.{n}") for n in range(1, 101)))
CONFIG = DnsConfig(domain="mesh.test", forward_timeout_seconds=0.2, forward_total_seconds=1.0, loop_check=False)
DEADLINE = 10


class Running:
    """A server with the zone `mesh.test` on loopback, and ways to ask it."""

    def __init__(self, server, zone, tasks, task, udp, host):
        self.server, self.zone, self.tasks, self.task, self.host = server, zone, tasks, task, host
        self.udp_sockets, self.port = [udp], udp.getsockname()[1]

    async def udp(self, *packets):
        """Send all packets from one socket, then wait for as many answers."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((self.host, self.port))
            for packet in packets:
                await loop.sock_sendall(sock, packet)
            async with asyncio.timeout(DEADLINE):
                return [await loop.sock_recv(sock, 65535) for _ in packets]

    async def first(self, packet):
        """The first answer on a socket that sent `packet`, then a good query: tells a dropped query without waiting."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((self.host, self.port))
            for data in (packet, SENTINEL):
                await loop.sock_sendall(sock, data)
            async with asyncio.timeout(DEADLINE):
                return await loop.sock_recv(sock, 65535)

    async def ask(self, *args, **more):
        (reply,) = await self.udp(dns.message.make_query(*args, **more).to_wire())
        return dns.message.from_wire(reply)

    async def tcp(self, *chunks, answers, end=False):
        """Write the chunks one by one; the messages that come back."""
        async with asyncio.timeout(DEADLINE):
            reader, writer = await asyncio.open_connection(self.host, self.port)
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
            if end:
                writer.write_eof()
            replies = [await reader.readexactly(int.from_bytes(await reader.readexactly(2))) for _ in range(answers)]
            if end:
                assert await reader.read() == b""
            writer.close()
            return replies


SENTINEL = dns.message.make_query("sentinel.mesh.test", "A", id=0xBEEF).to_wire()


@contextlib.asynccontextmanager
async def running(
    *names, upstreams=(), host="127.0.0.1", reached="127.0.0.1", zone=None, forwarder=None, config=CONFIG, metrics=None
):
    zone = zone or Zone("mesh.test")
    publish(zone, WEB, MANY, *names)
    config = structs.replace(config, upstreams=tuple(upstreams))
    forwarder = forwarder or (UpstreamForwarder(config) if upstreams else None)
    server = DnsServer(config, zone, forwarder, metrics)
    udp, tcp = bind(Address(host=host, port=0))
    for sock in (udp, tcp):
        sock.setblocking(True)  # as a socket made from an inherited descriptor may be
    with udp, tcp:
        async with Tasks("test") as tasks:
            task = tasks.spawn("server", server.run([udp], [tcp]))
            made = Running(server, zone, tasks, task, udp, reached)
            await made.udp(SENTINEL)
            yield made
            task.cancel()


def query(qname="web.mesh.test", qtype="A", **more):
    return dns.message.make_query(qname, qtype, **more).to_wire()


def framed(data):
    return len(data).to_bytes(2) + data


def rcode(reply):
    return RCODES[dns.message.from_wire(reply, ignore_trailing=False).rcode()]


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


async def test_two_queries_in_one_segment_get_two_answers():
    async with running() as server:
        replies = await server.tcp(framed(query(id=1)) + framed(query(id=2)), answers=2)
        assert [reply[:2] for reply in replies] == [b"\0\1", b"\0\2"]


async def test_a_query_in_single_octets_is_answered():
    async with running() as server:
        assert len(await server.tcp(*(bytes((octet,)) for octet in framed(query())), answers=1)) == 1


async def test_a_half_closed_client_still_gets_its_answers():
    async with running() as server:
        assert len(await server.tcp(framed(query()), answers=1, end=True)) == 1


@pytest.mark.parametrize("data", [b"\0\0", b"\0\5hello"])
async def test_a_length_below_a_header_closes_the_connection(data):
    async with running() as server, asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(data)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()


async def test_a_message_that_stalls_ends_its_connection_even_if_it_drips(monkeypatch):
    monkeypatch.setattr(serving, "MESSAGE_SECONDS", 0.01)
    async with running() as server, asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"\xff\xffGET /")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()


async def test_connections_are_capped_and_udp_goes_on(monkeypatch):
    monkeypatch.setattr(serving, "MAX_STREAMS", 2)
    async with running() as server, asyncio.timeout(DEADLINE):
        kept = [await asyncio.open_connection(server.host, server.port) for _ in range(2)]
        reader, writer = await asyncio.open_connection(server.host, server.port)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        for _, other in kept:
            other.write(framed(query()))
        assert all([await other.readexactly(2) for other, _ in kept])
        assert (await server.ask("web", "A")).answer
        for each in (writer, *(other for _, other in kept)):
            each.close()


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


@pytest.mark.parametrize(("arguments", "wanted", "unwanted"), COMPLIANCE, ids=[c[0] for c in COMPLIANCE])
async def test_dig_finds_the_server_compliant(arguments, wanted, unwanted):
    dig = shutil.which("dig")
    assert dig, "install bind9-dnsutils"
    async with running() as server, asyncio.timeout(DEADLINE * 2):
        process = await asyncio.create_subprocess_exec(
            dig, "@127.0.0.1", "-p", str(server.port), "+tries=1", *arguments.split(), "mesh.test",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output = (await process.communicate())[0].decode()
    assert all(text in output for text in wanted), output
    assert not any(text in output for text in unwanted), output
