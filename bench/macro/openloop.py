"""Open-loop load: requests leave on a fixed schedule, whatever the answers do, and latency counts from the scheduled time.

A closed loop (wrk) waits when the proxy stalls and so hides the stall. This one does not: a request that finds no free
connection waits, and its waiting counts. Runs as a program of its own (`python -m bench.macro.openloop`) on the load's core:
one thread, epoll and a timerfd (nanoseconds; an event loop's timers have milliseconds, which would send in clumps).
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections import deque

from bench.macro.program import LOAD_CORE
from bench.macro.sample import Absent, Value
from bench.macro.summary import percentile

CONNECTIONS = 64
TFD_NONBLOCK = 0o4000
CLOCK_MONOTONIC = 1
DRAIN_SECONDS = 5.0


class Latency(Value):
    """Milliseconds from scheduled to answered, and what the generator itself used: CPU per request, requests that left late
    (more than 1 ms) for its own slowness or for want of a connection."""

    requests: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    own_cpu_us: float
    late_share: float


def run(port: int, *, rate: float, seconds: float, host: str = "www.bench.test") -> Latency:
    """One open-loop run in a process of its own; raises Absent if it fails."""
    argv = ("taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "bench.macro.openloop")
    arguments = (str(port), str(rate), str(seconds), host)
    done = subprocess.run((*argv, *arguments), capture_output=True, text=True, timeout=seconds + 30, check=False)
    if done.returncode:
        raise Absent(f"open loop failed: {done.stderr.strip()[-160:]}")
    return Latency(**json.loads(done.stdout))


def measure(port: int, rate: float, seconds: float, host: str) -> Latency:
    """Sends `rate * seconds` requests over 64 connections and waits for every answer."""
    spent = time.process_time()
    generator = Generator(port, request_bytes(host), rate, round(rate * seconds))
    generator.run(deadline=time.monotonic() + seconds + DRAIN_SECONDS)
    spent = time.process_time() - spent
    count = len(generator.latencies)
    if count < generator.total:
        raise Absent(f"{generator.total - count} of {generator.total} requests were not answered")
    share = [percentile(generator.latencies, p) * 1e3 for p in (0.5, 0.9, 0.99, 0.999)]
    return Latency(
        requests=count, p50_ms=share[0], p90_ms=share[1], p99_ms=share[2], p999_ms=share[3],
        own_cpu_us=spent / count * 1e6, late_share=generator.late / count,
    )  # fmt: skip


def request_bytes(host: str) -> bytes:
    """A request with twelve headers besides Host, none of them long."""
    extra = "".join(f"X-Bench-Header-{number}: value-{number:024}\r\n" for number in range(10))
    return f"GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: openloop\r\nAccept: */*\r\n{extra}\r\n".encode()


class Generator:
    """The schedule, the free connections and the answers so far. Answers are small and come in one or two reads."""

    def __init__(self, port: int, request: bytes, rate: float, total: int) -> None:
        self.total = total
        self.latencies: list[float] = []
        self.late = 0
        self._request = request
        self._interval = 1 / rate
        self._sent = 0
        self._started = 0.0
        self._scheduled: dict[int, float] = {}
        self._partial: dict[int, bytes] = {}
        self._sockets = {s.fileno(): s for s in (_connect(port) for _ in range(CONNECTIONS))}
        self._free = deque(self._sockets)
        self._epoll = select.epoll()
        for number in self._sockets:
            self._epoll.register(number, select.EPOLLIN)
        self._timer = Timer()
        self._epoll.register(self._timer.number, select.EPOLLIN)

    def run(self, deadline: float) -> None:
        self._started = time.monotonic() + 0.01
        self._timer.set(self._started)
        while len(self.latencies) < self.total and time.monotonic() < deadline:
            for number, _ in self._epoll.poll(0.5):
                if number == self._timer.number:
                    self._timer.clear()
                else:
                    self._receive(number)
            self._send_due()

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._sent < self.total and (due := self._started + self._sent * self._interval) <= now:
            if not self._free:
                return
            number = self._free.popleft()
            self._scheduled[number] = due
            self._sent += 1
            self.late += now - due > 0.001
            self._sockets[number].send(self._request)
            now = time.monotonic()
        if self._sent < self.total:
            self._timer.set(self._started + self._sent * self._interval)

    def _receive(self, number: int) -> None:
        data = self._partial.pop(number, b"") + self._sockets[number].recv(65536)
        if not data:
            raise Absent("the proxy closed a kept-alive connection")
        if not _complete(data):
            self._partial[number] = data
            return
        self.latencies.append(time.monotonic() - self._scheduled.pop(number))
        self._free.append(number)


class Timer:
    """A timerfd (timerfd_create(2)) through libc: Python has none before 3.13."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.number = self._libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)

    def set(self, at: float) -> None:
        """Fires once at `at` seconds of the monotonic clock, at once if that is past."""
        whole = int(at)
        value = struct.pack("qqqq", 0, 0, whole, int((at - whole) * 1e9))
        self._libc.timerfd_settime(self.number, 1, value, None)  # 1: TFD_TIMER_ABSTIME

    def clear(self) -> None:
        try:
            os.read(self.number, 8)
        except BlockingIOError:
            return

    def close(self) -> None:
        os.close(self.number)


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    return connection


def _complete(data: bytes) -> bool:
    """Whether one whole answer is there. Raises Absent for anything but a 200 with a Content-Length or chunks."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise Absent(f"unexpected answer {head[:40]!r}")
    lower = head.lower()
    start = lower.find(b"\r\ncontent-length:")
    if start < 0:
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(lower[start + 17 :].split(b"\r\n", 1)[0])


if __name__ == "__main__":
    from msgspec.json import encode

    _port, _rate, _seconds, _host = sys.argv[1:]
    sys.stdout.write(encode(measure(int(_port), float(_rate), float(_seconds), _host)).decode())
