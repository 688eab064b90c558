"""Where the program's own log goes: standard error, one line each, with the process's role; fields follow the sentence."""

from __future__ import annotations

import logging
import os
import time

from tidegate.config import Config
from tidegate.errors import ConfigError, Problem
from tidegate.logfile import opened_for_lines

_PLAIN = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "taskName"}


class Lines(logging.Formatter):
    """`2026-11-22T12:00:00.123Z info control reconciler published version=12`."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback, where there is one, follows on its own lines."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields = "".join(f" {key}={value}" for key, value in record.__dict__.items() if key not in _PLAIN)
        name = record.name.removeprefix("tidegate.")
        line = f"{stamp}.{int(record.msecs):03d}Z {record.levelname.lower()} {self._role} {name}: {record.getMessage()}"
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{line}{fields}{trace}"


def set_up_logs(level: str, role: str) -> None:
    """Send the records of this process to standard error from `level` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines(role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    if level != "debug":
        logging.getLogger("asyncio").setLevel(logging.WARNING)
        logging.getLogger("aiohttp").setLevel(logging.WARNING)


def check_logs(config: Config) -> None:
    """Raises ConfigError (T1014) if lines could not be written to these files. Later on a log that cannot be opened
    costs lines only."""
    check_log(config.http.access_log, "access log", "--access-log")
    check_log(config.dns.query_log, "query log", "--query-log")


def check_log(path: str, name: str, flag: str) -> None:
    """Raises ConfigError (T1014) if lines of the log `name`, set by `flag`, could not be written to this file."""
    if path in ("", "-"):
        return
    try:
        os.close(opened_for_lines(path))
    except OSError as error:
        raise ConfigError(
            Problem(
                code="T1014",
                text=f"the {name} cannot be written",
                place=path,
                cause=error.strerror or str(error),
                mend=f"name another file with {flag}, or make its folder; '-' is standard output, 'off' no log",
                kept="nothing was started",
            )
        ) from None
