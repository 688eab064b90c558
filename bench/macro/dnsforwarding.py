"""DNS answers from elsewhere per CPU second: from the cache, where the upstream is gone by then, and from an upstream each time
(Knot, names whose TTL is 0)."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from pathlib import Path

from dnslib import DNSRecord

from bench.macro import dnsload
from bench.macro.dnsload import Serving
from bench.macro.forwarders import FORWARDERS, ZONE, Forwarder, Place
from bench.macro.program import LOAD_CORE, PROXY_CORE, Launch, Program, free_port
from bench.macro.record import Plan, Record
from bench.macro.resolvers import Knot
from bench.macro.sample import Absent

BENCH = "dns"
COUNT = 10000
CASES = {"cached": 3600, "forwarded": 0}  # and the TTL of what the upstream says
READY_SECONDS = 30.0


def measure(plan: Plan, record: Record) -> None:
    """Cached and forwarded answers beside dnsmasq and Unbound."""
    names = [f"s{number:05}" for number in range(COUNT)]
    queries = dnsload.query_file(plan.folder, ZONE, names)
    for word, ttl in CASES.items():
        folder = plan.folder / f"dns-{word}"
        case = f"{word}, {COUNT} names, A and AAAA"
        upstream, upstream_port = _upstream(folder / "upstream", names, ttl)
        serving: list[Serving] = []
        try:
            for forwarder in (each for each in FORWARDERS if plan.wants(each.name)):
                try:
                    serving.append(_start(forwarder, folder / forwarder.name, upstream_port))
                except Absent as why:
                    record.miss(BENCH, case, forwarder.name, why)
            dnsload.warm(serving, queries)
            if ttl:  # who has not kept everything has to say so
                upstream.stop()
            dnsload.flood(plan, record, case, serving, queries)
        finally:
            for program in (*(each.program for each in serving), upstream):
                program.stop()


def _upstream(folder: Path, names: list[str], ttl: int) -> tuple[Program, int]:
    """Knot with an A and an AAAA record for each name, on the load's core."""
    folder.mkdir(parents=True)
    port = free_port()
    lines = [f"{ZONE}. {ttl} SOA ns.{ZONE}. admin.{ZONE}. 1 3600 600 86400 5\n{ZONE}. {ttl} NS ns.{ZONE}.\n"]
    lines.append(f"ns.{ZONE}. {ttl} A 93.184.0.1\n")
    for number, name in enumerate(names):
        address = f"93.184.{1 + number // 250}.{number % 250 + 1}"
        lines.append(f"{name}.{ZONE}. {ttl} A {address}\n{name}.{ZONE}. {ttl} AAAA 2606:2800::{number:x}\n")
    zone = folder / "zone"
    zone.write_text("".join(lines))
    config = folder / "knot.conf"
    config.write_text(Knot.CONFIG.format(port=port, folder=folder, zone=ZONE, file=zone))
    program = Program("upstream", Launch(argv=(Knot().find(), "-c", str(config))), folder, LOAD_CORE)
    try:
        _wait(program, port)
    except Absent:
        program.stop()
        raise
    return program, port


def _start(forwarder: Forwarder, folder: Path, upstream_port: int) -> Serving:
    folder.mkdir(parents=True)
    listen = free_port()
    place = Place(listen_port=listen, upstream_port=upstream_port, folder=str(folder))
    program = Program(forwarder.name, forwarder.launch(place), folder, PROXY_CORE)
    try:
        _wait(program, listen)
    except Absent:
        program.stop()
        raise
    return Serving(forwarder.name, listen, program)


def _wait(program: Program, port: int) -> None:
    """Returns once the first name has its address."""
    deadline = time.monotonic() + READY_SECONDS
    while program.alive() and time.monotonic() < deadline:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, suppress(OSError):
            client.settimeout(0.5)
            client.connect(("127.0.0.1", port))
            client.send(DNSRecord.question(f"s00000.{ZONE}", "A").pack())
            if [str(each.rdata) for each in DNSRecord.parse(client.recv(1500)).rr] == ["93.184.1.1"]:
                return
        time.sleep(0.1)
    raise Absent(f"does not answer for {ZONE}" if program.alive() else f"ended at start: {program.last_words()}")
