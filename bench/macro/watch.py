"""Good traffic under a disturbance: open loop, tolerant, in a process of its own that comes before all others on its core.

`openloop` gives up at the first wrong answer; this counts it. The program takes one line per phase on standard input, makes its
connections, says `ready` and waits for another line, so that a disturbance can begin in between; then it sends, and tells what it saw.
Every `FRESH_EVERY`th answer its connection is replaced by a new one, unless told not to. A request without an answer after five seconds
has failed and counts with those five seconds.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress

from msgspec import json

from bench.macro.openloop import Timer, request_bytes
from bench.macro.program import Alarm
from bench.macro.sample import Absent, Value
from bench.macro.summary import percentile

CONNECTIONS = 32
FRESH_EVERY = 20
ANSWER_SECONDS = 5.0
READY_SECONDS = 20.0


class Seen(Value):
    """What good traffic met. `latencies` are milliseconds from scheduled to answered."""

    failed: int
    latencies: tuple[float, ...]

    @property
    def requests(self) -> int:
        return len(self.latencies)

    @property
    def p50_ms(self) -> float:
        return percentile(self.latencies, 0.5)

    @property
    def p99_ms(self) -> float:
        return percentile(self.latencies, 0.99)

    @property
    def worst_ms(self) -> float:
        return max(self.latencies)

    def __add__(self, other: Seen) -> Seen:
        """Both phases as one."""
        return Seen(failed=self.failed + other.failed, latencies=self.latencies + other.latencies)


class Watch:
    """The program on `core`, as long as it is wanted; a phase is `prepare`, `go`, `result`."""

    def __init__(self, port: int, host: str, *, rate: float, core: int) -> None:
        first = ("chrt", "-f", "2") if os.geteuid() == 0 else ()
        argv = (*first, "taskset", "-c", str(core), sys.executable, "-m", "bench.macro.watch")
        arguments = (str(port), host, str(rate))
        self._process = subprocess.Popen((*argv, *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._seconds = 0.0

    def prepare(self, seconds: float, *, fresh: bool = True) -> None:
        """Connect for a phase of that length; raises Absent if that is not to be had."""
        self._seconds = seconds
        self._say(f"{seconds} {int(fresh)}")
        if self._hear(READY_SECONDS) != "ready":
            self.stop()
            raise Absent("good traffic could not connect")

    def go(self) -> None:
        self._say("go")

    def result(self) -> Seen:
        """What the phase saw, once it is over."""
        told = self._hear(self._seconds + ANSWER_SECONDS + READY_SECONDS)
        if not told:
            self.stop()
            raise Absent("good traffic did not end")
        return json.decode(told, type=Seen)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _say(self, line: str) -> None:
        assert self._process.stdin
        with suppress(BrokenPipeError):  # that it is gone shows when nothing is heard of it
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _hear(self, seconds: float) -> str:
        assert self._process.stdout
        with Alarm(self._process, seconds):
            return self._process.stdout.readline().strip()


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
        return Seen(failed=self.failed, latencies=tuple(round(each * 1e3, 3) for each in self.latencies))

    def close(self) -> None:
        for each in self._sockets.values():
            each.close()
        self._epoll.close()
        self._timer.close()

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
    port, host, rate = sys.argv[1:]
    while line := sys.stdin.readline():
        seconds, fresh = line.split()
        traffic = Traffic(int(port), host, float(rate), float(seconds), fresh=fresh == "1")
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.encode(traffic.run()).decode(), flush=True)
        traffic.close()


if __name__ == "__main__":
    _main()
