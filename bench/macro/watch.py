"""Good traffic under a disturbance: open loop, tolerant, in a process that comes before all others on the load's core.

`openloop` gives up at the first wrong answer; this counts it. Connections are made first, then the program says `ready` and waits for a
line, so that a disturbance can begin in between. Every `FRESH_EVERY`th answer its connection is replaced by a new one, unless told not to.
A request without an answer after five seconds has failed and counts with those five seconds.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress

from msgspec.json import encode

from bench.macro.openloop import Timer, request_bytes
from bench.macro.program import LOAD_CORE
from bench.macro.sample import Absent, Value
from bench.macro.summary import percentile

CONNECTIONS = 32
FRESH_EVERY = 20
ANSWER_SECONDS = 5.0
READY_SECONDS = 20.0


class Seen(Value):
    """What good traffic met: milliseconds from scheduled to answered."""

    requests: int
    failed: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


class Watch:
    """Starts the program; `go` begins the traffic, `result` waits for its end."""

    def __init__(self, port: int, host: str, *, rate: float, seconds: float, fresh: bool = True) -> None:
        first = (
            ("chrt", "-f", "1") if os.geteuid() == 0 else ()
        )  # before the disturbance's own client, which shares the core
        argv = (*first, "taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "bench.macro.watch")
        arguments = (str(port), host, str(rate), str(seconds), str(int(fresh)))
        self._seconds = seconds
        self._process = subprocess.Popen((*argv, *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        if self._process.stdout.readline().strip() != "ready":
            self.stop()
            raise Absent("good traffic could not connect")

    def go(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self) -> Seen:
        try:
            output, _ = self._process.communicate(timeout=self._seconds + ANSWER_SECONDS + READY_SECONDS)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Absent("good traffic did not end") from None
        if self._process.returncode:
            raise Absent(f"good traffic failed with {self._process.returncode}")
        return Seen(**json.loads(output))

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Traffic:
    """The schedule, the connections and the outcomes so far. Answers are small."""

    def __init__(self, port: int, host: str, rate: float, seconds: float, *, fresh: bool) -> None:
        self.latencies: list[float] = []
        self.failed = 0
        self._port = port
        self._request = request_bytes(host)
        self._interval = 1 / rate
        self._total = round(rate * seconds)
        self._fresh = fresh
        self._sent = 0
        self._scheduled: dict[int, float] = {}  # socket -> when its request was due; oldest first
        self._partial: dict[int, bytes] = {}
        self._sockets: dict[int, socket.socket] = {}
        self._free: deque[int] = deque()
        self._epoll = select.epoll()
        self._timer = Timer()
        self._epoll.register(self._timer.number, select.EPOLLIN)
        for _ in range(CONNECTIONS):
            self._connect()

    def run(self) -> Seen:
        began = time.monotonic() + 0.01
        self._timer.set(began)
        while len(self.latencies) < self._total:
            for number, _ in self._epoll.poll(0.2):
                if number == self._timer.number:
                    self._timer.clear()
                elif number in self._sockets:
                    self._receive(number)
            self._give_up()
            self._send_due(began)
        shares = [percentile(self.latencies, share) * 1e3 for share in (0.5, 0.99)]
        return Seen(
            requests=self._total, failed=self.failed, p50_ms=shares[0], p99_ms=shares[1],
            worst_ms=max(self.latencies) * 1e3,
        )  # fmt: skip

    def _connect(self) -> None:
        made = socket.create_connection(("127.0.0.1", self._port), timeout=1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        self._sockets[made.fileno()] = made
        self._free.append(made.fileno())
        self._epoll.register(made.fileno(), select.EPOLLIN)

    def _replace(self, number: int) -> None:
        """A new connection for an old one; there are fewer from now on if none is to be had."""
        self._sockets.pop(number).close()
        with suppress(ValueError):
            self._free.remove(number)
        with suppress(OSError):
            self._connect()

    def _send_due(self, began: float) -> None:
        now = time.monotonic()
        while self._sent < self._total and (due := began + self._sent * self._interval) <= now:
            if not self._free:
                if self._sockets:
                    return
                self._sent += 1
                self._fail(now - due)
                with suppress(OSError):
                    self._connect()
                continue
            number = self._free.popleft()
            self._scheduled[number] = due
            self._sent += 1
            try:
                self._sockets[number].send(self._request)
            except OSError:
                self._broken(number)
            now = time.monotonic()
        if self._sent < self._total:
            self._timer.set(began + self._sent * self._interval)

    def _receive(self, number: int) -> None:
        try:
            data = self._sockets[number].recv(65536)
        except OSError:
            data = b""
        if number not in self._scheduled:  # closed while idle: no request is lost
            self._replace(number)
            return
        if not data:
            self._broken(number)
            return
        data = self._partial.pop(number, b"") + data
        status = complete(data)
        if status is None:
            self._partial[number] = data
            return
        self.latencies.append(time.monotonic() - self._scheduled.pop(number))
        self.failed += status != 200
        if status != 200 or (self._fresh and len(self.latencies) % FRESH_EVERY == 0):
            self._replace(number)
        else:
            self._free.append(number)

    def _broken(self, number: int) -> None:
        self._partial.pop(number, None)
        self._fail(time.monotonic() - self._scheduled.pop(number))
        self._replace(number)

    def _fail(self, seconds: float) -> None:
        self.failed += 1
        self.latencies.append(max(seconds, ANSWER_SECONDS))

    def _give_up(self) -> None:
        now = time.monotonic()
        for number in [n for n, due in self._scheduled.items() if now - due > ANSWER_SECONDS]:
            self._broken(number)


def complete(data: bytes) -> int | None:
    """The status of the answer in `data` once all of it is there: with a Content-Length, or chunks; None before that."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return None
    lower = head.lower()
    start = lower.find(b"\r\ncontent-length:")
    whole = body.endswith(b"0\r\n\r\n") if start < 0 else len(body) >= int(lower[start + 17 :].split(b"\r\n", 1)[0])
    return int(head.split(b" ", 2)[1]) if whole else None


def _main() -> None:
    port, host, rate, seconds, fresh = sys.argv[1:]
    traffic = Traffic(int(port), host, float(rate), float(seconds), fresh=fresh == "1")
    print("ready", flush=True)
    sys.stdin.readline()
    sys.stdout.write(encode(traffic.run()).decode())


if __name__ == "__main__":
    _main()
