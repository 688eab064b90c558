"""Access records as the settings want them: which exchanges are recorded, what is struck out of them, in which format.

Only where something differs from the default (every exchange, as JSON, whole): else `accesslog.line` is called straight.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote_to_bytes

from tidegate.config import AccessLogConfig
from tidegate.router.accesslog import line
from tidegate.router.exchange import Exchange
from tidegate.router.logformat import Template, template_of

_STRUCK = b"REDACTED"
_STATUS = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?|([1-5])xx")


class Recorder:
    """`chance` gives evenly distributed numbers from 0 to 1. `stamp_common` is the time of `{time_common}`."""

    def __init__(self, config: AccessLogConfig, chance: Callable[[], float]) -> None:
        self.template: Template | None = _template(config)
        self.stamp_common = b""
        self._sample = config.sample
        self._chance = chance
        self._always = [False] * 600
        for status in statuses(config.always_status):
            self._always[status] = True
        self._slow_us = int(config.slow_seconds * 1e6)
        hidden = {name.lower() for name in config.hide_headers}
        self._hide_agent = "user-agent" in hidden
        self._hide_referer = "referer" in hidden
        self._strike = struck(config.redact_query)

    def record(self, exchange: Exchange, stamp: bytes, duration_us: int) -> bytes:
        """The line of a finished exchange, or nothing if it is not to be recorded. Strikes out in the exchange itself."""
        if self._sample < 1.0 and not self._wanted(exchange, duration_us):
            return b""
        if self._strike is not None:
            exchange.target = self._strike(exchange.target)
            exchange.referer = self._strike(exchange.referer)
        if self._hide_agent:
            exchange.agent = b""
        if self._hide_referer:
            exchange.referer = b""
        if self.template is None:
            return line(exchange, stamp, duration_us)
        return self.template.render(exchange, stamp, self.stamp_common, duration_us)

    def _wanted(self, exchange: Exchange, duration_us: int) -> bool:
        """Errors and slow requests always, of the rest a share."""
        if self._always[exchange.status] or duration_us >= self._slow_us:
            return True
        if exchange.reason is not None and self._always[exchange.reason.status]:
            return True  # an answer that began with 200 and was cut
        return self._sample > 0.0 and self._chance() < self._sample


def _template(config: AccessLogConfig) -> Template | None:
    if config.format == "json":
        return None
    return template_of(config.format, {name.lower() for name in config.hide_headers})


def needed(config: AccessLogConfig) -> bool:
    """Whether the settings ask for more than the default record of every exchange."""
    return config.format != "json" or config.sample < 1.0 or bool(config.redact_query or config.hide_headers)


def statuses(texts: Iterable[str]) -> set[int]:
    """The status codes that `404`, `5xx` or `400-499` mean. Raises ValueError."""
    found: set[int] = set()
    for text in texts:
        match = _STATUS.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError("a status is 404, 5xx or 400-499")
        low = int(match[3]) * 100 if match[3] else int(match[1])
        high = low + 99 if match[3] else int(match[2] or match[1])
        found.update(range(low, high + 1))
    return found


def struck(names: Iterable[str]) -> Callable[[bytes], bytes] | None:
    """A function that strikes the values of these query parameters (`*`: all) out of a target or URL; None for none."""
    wanted = frozenset(name.lower().encode() for name in names)
    if not wanted:
        return None

    def strike(target: bytes) -> bytes:
        path, mark, query = target.partition(b"?")
        if not mark:
            return target
        if b"*" in wanted:
            return path + mark + _STRUCK
        return path + mark + b"&".join([_strike_pair(pair, wanted) for pair in query.split(b"&")])

    return strike


def _strike_pair(pair: bytes, wanted: frozenset[bytes]) -> bytes:
    name, equals, _ = pair.partition(b"=")
    if equals and unquote_to_bytes(name.replace(b"+", b" ")).lower() in wanted:
        return name + equals + _STRUCK
    return pair
