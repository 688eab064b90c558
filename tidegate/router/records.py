"""What a worker records of its exchanges: set up at its start, stamped and written several times a second."""

from __future__ import annotations

import random
import time

from tidegate.config import AccessLogConfig, HttpConfig, TracingConfig
from tidegate.logfile import LogFile
from tidegate.router.core import Core
from tidegate.router.observer import Observer, SpanSink
from tidegate.router.recorder import Recorder, needed, struck
from tidegate.router.trace import Tracer

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Records:
    """Sets the `recorder` and `observer` of `core`, where the settings ask for them, and its `stamp`; writes its `lines`."""

    def __init__(
        self,
        core: Core,
        config: HttpConfig,
        records: AccessLogConfig,
        tracing: TracingConfig,
        spans: SpanSink | None,
    ) -> None:
        self._core = core
        self._log = LogFile(config.access_log) if config.access_log else None
        self._watch(config, records, tracing, spans)

    def open(self) -> None:
        """Before the first request."""
        self.stamp()
        if self._log is not None:
            self._log.open()

    def reopen(self) -> None:
        """The file was moved away: begin a new one."""
        if self._log is not None:
            self._log.reopen()

    def dropped(self) -> int:
        """Lines that nobody will see."""
        return self._log.dropped if self._log is not None else 0

    def close(self) -> None:
        """After the last."""
        self.flush()
        if self._log is not None:
            self._log.close()

    def _watch(
        self, config: HttpConfig, records: AccessLogConfig, tracing: TracingConfig, spans: SpanSink | None
    ) -> None:
        """Set up what records and notes beyond the default; where nothing is asked for, requests pay nothing."""
        if self._log is not None and needed(records):
            self._core.recorder = Recorder(records, random.random)
        template = self._core.recorder.template if self._core.recorder is not None else None
        traced = bool(tracing.otlp) and spans is not None
        if traced or config.request_id != "off" or (template is not None and template.headers):
            self._core.observer = Observer(
                request_id=config.request_id,
                tracer=Tracer(tracing.sample, random.getrandbits, random.random) if traced else None,
                spans=spans,
                strike=struck(records.redact_query),
                bits=random.getrandbits,
                return_id=config.return_request_id,
            )

    def stamp(self) -> None:
        """Renew the time that records carry."""
        now = time.time()
        moment = time.gmtime(now)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", moment)
        self._core.stamp = f"{stamp}.{int(now % 1 * 10)}Z".encode()
        if self._core.recorder is not None:
            month = _MONTHS[moment.tm_mon - 1]  # in English, whatever the locale
            self._core.recorder.stamp_common = time.strftime(f"%d/{month}/%Y:%H:%M:%S +0000", moment).encode()

    def flush(self) -> None:
        """Give what was recorded to the thread that writes."""
        if self._log is not None and self._core.lines:
            lines, self._core.lines = self._core.lines, []
            self._log.write(lines)
