"""The demo's own gentle traffic: one thread, about twenty requests a second through the router, counted by who answered."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable

from tidegate.value import Value

RATE = 20.0
MIXTURE = ("hello.localhost", "hello.localhost", "hello.localhost", "api.localhost", "web.localhost")
HOSTS = tuple(dict.fromkeys(MIXTURE))
TIMEOUT_SECONDS = 5.0


class Row(Value, frozen=True):
    """One service and version over the last reading: requests a second, share of its host's, and totals."""

    host: str
    answered_by: str
    per_second: float
    share_percent: float
    requests: int
    errors: int


class Counts:
    """(host, who answered) -> requests and errors. One writer, the traffic thread; readers copy under the lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str], int] = {}
        self._errors: dict[tuple[str, str], int] = {}

    def add(self, host: str, answered_by: str, *, failed: bool) -> None:
        key = (host, answered_by)
        with self._lock:
            self._requests[key] = self._requests.get(key, 0) + 1
            self._errors[key] = self._errors.get(key, 0) + failed

    def read(self) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
        """Copies of requests and errors so far."""
        with self._lock:
            return self._requests.copy(), self._errors.copy()


class Meter:
    """Turns counts into rows, each over the time since the last reading."""

    def __init__(self, counts: Counts, now: Callable[[], float] = time.monotonic) -> None:
        self._counts = counts
        self._now = now
        self._before: dict[tuple[str, str], int] = {}
        self._at = now()

    def read(self) -> list[Row]:
        """Rows ordered by host, then by who answered."""
        requests, errors = self._counts.read()
        now = self._now()
        elapsed = max(now - self._at, 1e-9)
        fresh = {key: total - self._before.get(key, 0) for key, total in requests.items()}
        per_host = {host: sum(count for (of, _), count in fresh.items() if of == host) for host, _ in fresh}
        self._before, self._at = requests, now
        return [
            Row(
                host=host,
                answered_by=by,
                per_second=fresh[host, by] / elapsed,
                share_percent=100.0 * fresh[host, by] / per_host[host] if per_host[host] else 0.0,
                requests=requests[host, by],
                errors=errors[host, by],
            )
            for host, by in sorted(requests)
        ]


class Traffic:
    """Sends until stopped. `answers(host)` asks once, which is also how the demo learns that it is ready."""

    def __init__(self, port: int, counts: Counts) -> None:
        self._port = port
        self._counts = counts
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-traffic", daemon=True)
        self._connection: http.client.HTTPConnection | None = None  # kept between requests of one thread

    def start(self) -> None:
        """Begin sending."""
        self._thread.start()

    def stop(self) -> None:
        """End after the request in flight."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT_SECONDS + 1.0)
        self._drop()

    def answers(self, host: str) -> bool:
        """Did one request get a good answer from the example?"""
        _, good = self._ask(host)
        return good

    def _run(self) -> None:
        while not self._stopping.wait(1.0 / RATE):
            # by chance: a fixed order would fall in step with the router's round robin and show wrong shares
            host = random.choice(MIXTURE)  # noqa: S311  nothing is secret here
            answered_by, good = self._ask(host)
            self._counts.add(host, answered_by, failed=not good)

    def _ask(self, host: str) -> tuple[str, bool]:
        """(who answered, was it good); a status or a word stands for who, where nobody of the example answered."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        try:
            self._connection.request("GET", "/", headers={"Host": host})
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            return f"({type(error).__name__})", False
        return response.getheader("X-Demo-Service") or f"(status {response.status})", response.status == 200

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
