"""Sends spans to a collector (OTLP over HTTP) from a thread, batched and bounded. Nobody waits for it.

A batch that the collector cannot take now (connection refused, 429, 502, 503, 504) is kept and tried again, less and less
often; one that it refuses is dropped. While it is away spans collect up to a bound; what comes beyond is dropped. Every
dropped span is counted by reason.
"""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from tidegate.config import TracingConfig
from tidegate.span import Attribute, Span
from tidegate.telemetry import logger
from tidegate.tracing.otlp import export_request, rejected

MAX_WAITING = 4096
MAX_BATCH = 512
BATCH_SECONDS = 1.0
SEND_SECONDS = 5.0
MAX_PAUSE_SECONDS = 30.0
MAX_ANSWER = 65536
_LATER = frozenset((429, 502, 503, 504))  # OTLP specification, "retryable response codes"
_log = logger("tracing")


class Exporter:
    """Takes finished spans by `add`. `sent` and `dropped` (by reason: `full`, `refused`, `closing`) only grow."""

    def __init__(self, config: TracingConfig, resource: Sequence[Attribute], version: str) -> None:
        self.sent = 0
        self.dropped: Counter[str] = Counter()
        self._url = urlsplit(config.otlp)
        self._path = self._url.path if self._url.path.strip("/") else "/v1/traces"
        self._headers = {name: value for name, _, value in (each.partition("=") for each in config.headers)}
        self._resource = tuple(resource)
        self._version = version
        self._waiting: list[Span] = []
        self._ready = threading.Condition()
        self._closing = False
        self._away = False  # told once per outage
        self._pause = 0.0
        self._connection: http.client.HTTPConnection | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the sending thread."""
        self._thread = threading.Thread(target=self._run, name="tidegate-spans", daemon=True)
        self._thread.start()

    def add(self, span: Span) -> None:
        """Take a span; dropped and counted if too many wait already."""
        with self._ready:
            if len(self._waiting) >= MAX_WAITING:
                self.dropped["full"] += 1
                return
            self._waiting.append(span)
            if len(self._waiting) == MAX_BATCH:
                self._ready.notify()

    def close(self, timeout_seconds: float = 2.0) -> None:
        """Send what waits, once and within the time; the rest is dropped."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    # --- the thread

    def _run(self) -> None:
        while True:
            with self._ready:
                if not self._closing and len(self._waiting) < MAX_BATCH:
                    self._ready.wait(BATCH_SECONDS)
                batch = self._waiting[:MAX_BATCH]
                closing = self._closing
            if batch:
                self._handle(batch)
            if closing and (self._away or not self._waiting):
                break
        with self._ready:
            self.dropped["closing"] += len(self._waiting)
            self._waiting.clear()
        self._disconnect()

    def _handle(self, batch: list[Span]) -> None:
        status, answer = self._post(export_request(batch, self._resource, self._version))
        if status in _LATER or status == 0:
            self._wait_for_it(status)
            return
        refused = rejected(answer) if 200 <= status < 300 else len(batch)
        if refused:
            _log.warning("the collector refused spans", extra={"status": status, "spans": refused})
        with self._ready:
            del self._waiting[: len(batch)]
            self.sent += len(batch) - refused
            self.dropped["refused"] += refused
        self._away, self._pause = False, 0.0

    def _wait_for_it(self, status: int) -> None:
        """The collector is away: pause before the next try, longer each time, unless we are to close."""
        if not self._away:
            _log.warning(
                "the collector takes no spans, trying again", extra={"status": status, "url": self._url.netloc}
            )
        self._away = True
        self._pause = min(MAX_PAUSE_SECONDS, max(BATCH_SECONDS, self._pause * 2))
        with self._ready:
            self._ready.wait_for(lambda: self._closing, self._pause)

    def _post(self, body: bytes) -> tuple[int, bytes]:
        """Status (0: no answer) and body."""
        headers = {"Content-Type": "application/x-protobuf", "User-Agent": f"tidegate/{self._version}", **self._headers}
        try:
            if self._connection is None:
                self._connection = self._connect()
            target = f"{self._path}?{self._url.query}" if self._url.query else self._path
            self._connection.request("POST", target, body, headers)
            with self._connection.getresponse() as response:
                answer = response.read(MAX_ANSWER)
                if response.will_close or not response.isclosed():
                    self._disconnect()
                return response.status, answer
        except (OSError, http.client.HTTPException):
            self._disconnect()
            return 0, b""

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        return kind(self._url.hostname or "", self._url.port, timeout=SEND_SECONDS)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
