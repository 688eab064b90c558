"""Memory of an idle keep-alive connection: 10 000 held, each after one answered request."""

from __future__ import annotations

import socket
import time

from bench.macro.backend import Backend
from bench.macro.http import HOST, running
from bench.macro.program import descriptors
from bench.macro.proxies import Running
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent

BENCH = "idle"
CONNECTIONS = 10000
CASE = f"{CONNECTIONS} idle connections"
SOURCES = tuple(f"127.0.0.{number}" for number in range(2, 6))  # several, so that no source runs out of ports
REQUEST = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: idle\r\nAccept: */*\r\n\r\n".encode()
SETTLE_SECONDS = 1.0


def measure(plan: Plan, record: Record) -> None:
    """Once for each peer: memory does not vary with the minute as CPU time does."""
    if descriptors() < CONNECTIONS + 500:
        record.miss(BENCH, CASE, "all", f"the limit of open files is {descriptors()}")
        return
    backend = Backend(plan.folder / "idle-backend")
    try:
        with running(plan, record, backend, (HOST,), bench=BENCH, case=CASE) as peers:
            for peer in peers:
                try:
                    record.add(BENCH, CASE, peer.name, 1, **_hold(peer))
                except (Absent, OSError) as why:
                    record.miss(BENCH, CASE, peer.name, str(why))
    finally:
        backend.stop()


def _hold(peer: Running) -> dict[str, float]:
    before = sum(peer.program.memory().values())
    held: list[socket.socket] = []
    try:
        held.extend(_open(peer.port, SOURCES[number % len(SOURCES)]) for number in range(CONNECTIONS))
        time.sleep(SETTLE_SECONDS)  # lets the peer's allocator and collector come to rest
        after = sum(peer.program.memory().values())
        for connection in held[::100]:
            _ask(connection)
    finally:
        for connection in held:
            connection.close()
    return {
        "bytes_per_connection": (after - before) / CONNECTIONS,
        "rss_mib": after / 2**20,
        "start_mib": before / 2**20,
    }


def _open(port: int, source: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(source, 0))
    _ask(connection)
    return connection


def _ask(connection: socket.socket) -> None:
    """One request; raises Absent unless it is answered with 200."""
    connection.sendall(REQUEST)
    answer = b""
    while b"\r\n\r\n" not in answer or not answer.endswith(b"\n"):
        if not (data := connection.recv(65536)):
            raise Absent("an idle connection was closed")
        answer += data
    if not answer.startswith(b"HTTP/1.1 200"):
        raise Absent(f"unexpected answer {answer[:40]!r}")
