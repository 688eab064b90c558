"""DNS answers from own zones per CPU second, with 1 000 and 10 000 names, and latency at half of dnsmasq's peak; then with
changing names (`dnschanges`), coming and going containers (`dnschurn`) and answers from elsewhere (`dnsforwarding`)."""

from __future__ import annotations

import random
import socket
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

from dnslib import DNSRecord

from bench.macro import dnschanges, dnschurn, dnsforwarding, dnsload, dnsperf, loopback
from bench.macro.dnsload import Serving
from bench.macro.program import PROXY_CORE, Program, free_port
from bench.macro.record import Plan, Record
from bench.macro.resolvers import RESOLVERS, ZONE, Resolver, Zone
from bench.macro.sample import Absent

BENCH = "dns"
COUNTS = (1000, 10000)
READY_SECONDS = 60.0


def measure(plan: Plan, record: Record) -> None:
    endpoints, port = loopback.start(plan.folder / "dns-endpoints")
    try:
        for count in COUNTS:
            _measure_size(plan, record, count, port)
    finally:
        endpoints.stop()
    dnschanges.measure(plan, record)
    dnschurn.measure(plan, record)
    dnsforwarding.measure(plan, record)


def _measure_size(plan: Plan, record: Record, count: int, port: int) -> None:
    names = {f"s{number:05}": ip for number, ip in enumerate(loopback.addresses(count))}
    queries = dnsload.query_file(plan.folder, ZONE, names)
    serving: list[Serving] = []
    try:
        for resolver in RESOLVERS.values():
            if not plan.wants(resolver.name):
                continue
            try:
                serving.append(_start(resolver, plan.folder / f"dns-{count}", names, port))
                record.note_version(resolver.name, (resolver.find(), resolver.version_argument))
            except Absent as why:
                record.miss(BENCH, _case(count), resolver.name, why)
        dnsload.warm(serving, queries)
        dnsload.flood(plan, record, _case(count), serving, queries)
        _half_load(plan, record, _case(count), serving, queries)
    finally:
        for server in serving:
            server.program.stop()


def _case(count: int) -> str:
    return f"{count} names, A and AAAA"


def _half_load(plan: Plan, record: Record, case: str, serving: list[Serving], queries: str) -> None:
    """All at one rate: half of dnsmasq's peak in this run, of the slowest server's where dnsmasq took no part."""
    peaks: dict[str, list[float]] = {}
    for sample in record.samples:
        if (sample.bench, sample.case) == (BENCH, case):
            peaks.setdefault(sample.peer, []).append(sample.values["answers_per_second"])
    medians = {peer: median(found) for peer, found in peaks.items()}
    rate = medians.get("dnsmasq", min(medians.values(), default=10000.0)) / 2
    for turn in range(1, plan.rounds + 1):
        for server in serving:
            try:
                middle, high = dnsperf.paced(server.port, queries, min(plan.seconds, 3), rate)
            except Absent as why:
                record.miss(BENCH, f"{case}, half load", server.name, why)
                continue
            record.add(BENCH, f"{case}, half load", server.name, turn, rate=rate, p50_ms=middle, p99_ms=high)


def _start(resolver: Resolver, folder: Path, names: dict[str, str], port: int) -> Serving:
    place = folder / resolver.name
    place.mkdir(parents=True)
    listen = free_port()
    zone = Zone(listen_port=listen, names=names, port=port, folder=str(place))
    program = Program(resolver.name, resolver.launch(zone), place, PROXY_CORE)
    try:
        _wait_answers(program, listen, names)
    except Absent:
        program.stop()
        raise
    return Serving(resolver.name, listen, program)


def _wait_answers(program: Program, port: int, names: dict[str, str]) -> None:
    """Returns once 200 names picked at random all answer with their address, as A and as AAAA."""
    deadline = time.monotonic() + READY_SECONDS
    wanted = random.Random(1).sample(sorted(names), 200)
    why = "no answer"
    while program.alive() and time.monotonic() < deadline:
        why = _first_wrong(port, wanted, names)
        if not why:
            return
        time.sleep(0.2)
    raise Absent(f"does not serve the zone: {why}" if program.alive() else f"ended at start: {program.last_words()}")


def _first_wrong(port: int, wanted: list[str], names: dict[str, str]) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        client.connect(("127.0.0.1", port))
        for name in wanted:
            for kind, right in (("A", names[name]), ("AAAA", "::1")):
                found = ""
                with suppress(OSError):
                    client.send(DNSRecord.question(f"{name}.{ZONE}", kind).pack())
                    found = ",".join(str(each.rdata) for each in DNSRecord.parse(client.recv(1500)).rr)
                if found != right:
                    return f"{name} {kind} gives {found or 'nothing'} instead of {right}"
    return ""
