"""Events of releases, told to web hooks: at least once each while we run, in order to each of them, never waited for.

Each hook has a queue and a task of its own, so that one that is away keeps nobody else waiting. A message that is not taken is
tried again, less and less often, until its time is over. What does not fit into the queue, is refused, or came too late is
dropped and counted; the record of the release and its history (`/v1/releases`) tell the same and are never dropped.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from tidegate.config import ReleasesConfig
from tidegate.control.outgoing import Answer, Outgoing
from tidegate.control.signature import headers
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics, NullMetrics, logger
from tidegate.value import Value

QUEUE = 256  # messages that may wait for one hook
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before the next try; the last again and again
_LATER = frozenset((408, 425, 429))  # of the 4xx, those that ask for another try
_METRIC = "tidegate_release_webhooks_total"
_log = logger("webhooks")


class Notice(Value):
    """One event. `identity` is the same whenever it is told again, also after a restart; `at` seconds since the epoch;
    `kind` such as `release.shifting`; `data` fit for JSON."""

    identity: str
    at: float
    kind: str
    data: dict[str, Any]


class Webhooks:
    """Tells every hook of the configuration. `wall` gives seconds since the epoch."""

    def __init__(
        self, outgoing: Outgoing, config: ReleasesConfig, wall: Callable[[], float], metrics: Metrics | None = None
    ) -> None:
        self._outgoing = outgoing
        self._config = config
        self._wall = wall
        self._metrics = metrics or NullMetrics()
        self._queues: dict[str, asyncio.Queue[Notice]] = {url: asyncio.Queue(QUEUE) for url in config.webhooks}

    def tell(self, notice: Notice) -> None:
        """Have it told, without waiting."""
        for url, queue in self._queues.items():
            try:
                queue.put_nowait(notice)
            except asyncio.QueueFull:
                self._dropped(url, notice, "full", f"{QUEUE} messages wait already")

    async def run(self) -> None:
        """Deliver until cancelled; what waits then is lost."""
        async with Tasks("webhooks") as tasks:
            for url, queue in self._queues.items():
                tasks.spawn(urlsplit(url).netloc, self._deliver_all(url, queue))

    async def _deliver_all(self, url: str, queue: asyncio.Queue[Notice]) -> None:
        while True:
            await self._deliver(url, await queue.get())

    async def _deliver(self, url: str, notice: Notice) -> None:
        """Until it is taken, refused, or its time is over; one try at least."""
        body = _body(notice)
        for tried in count():
            signed = headers(notice.identity, self._wall(), body, self._config.webhook_secret)
            answer = await self._outgoing.post(url, body, signed, self._config.hook_timeout_seconds)
            if answer.good:
                self._metrics.count(_METRIC, outcome="delivered")
                return
            if not _again(answer):
                self._dropped(url, notice, "refused", answer.says)
                return
            pause = PAUSES[min(tried, len(PAUSES) - 1)]
            if self._wall() + pause > notice.at + self._config.webhook_deadline_seconds:
                self._dropped(url, notice, "late", answer.says)
                return
            await asyncio.sleep(pause)

    def _dropped(self, url: str, notice: Notice, outcome: str, why: str) -> None:
        self._metrics.count(_METRIC, outcome=outcome)
        where = urlsplit(url).hostname or ""  # the path of a web hook is often its password
        _log.warning(
            "a web hook was not told",
            extra={"host": where, "event": notice.kind, "id": notice.identity, "outcome": outcome, "cause": why},
        )


def _body(notice: Notice) -> bytes:
    """As Standard Webhooks wants a payload."""
    at = datetime.fromtimestamp(notice.at, UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"type": notice.kind, "timestamp": at, "data": notice.data}).encode()


def _again(answer: Answer) -> bool:
    """Whether a later try may do better."""
    return answer.status == 0 or answer.status >= 500 or answer.status in _LATER
