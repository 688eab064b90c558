"""Composition root: the supervisor process, what a control process and a worker are made of, and the channel between.

`supervisor` owns the sockets and has a `slot` for each child; `handover` brings in new code and settings; `control` builds discovery, health checks, store, reconciler and
admin API; `worker` builds router and DNS server; `channel` carries tables down and counters up. Nothing here decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import uvloop

from tidegate.app.handover import Handover
from tidegate.app.limits import fitted
from tidegate.app.logs import check_logs, set_up_logs
from tidegate.app.supervisor import Supervisor
from tidegate.config import Config
from tidegate.router.errorpages import read_pages


def run(config: Config, before: Handover | None = None) -> int:
    """Run Tidegate until SIGTERM or SIGINT; the exit code. `before` is what a generation before this one left. Raises
    ConfigError if it cannot start as configured."""
    set_up_logs(config.log_level, "supervisor")
    fits = fitted(config)
    with asyncio.Runner(loop_factory=_loop(fits)) as runner:
        return runner.run(_run(fits, before))


def _loop(config: Config) -> Callable[[], asyncio.AbstractEventLoop]:
    """One process serves, too, which takes the loop that waits in the reactor."""
    if config.workers == 0:
        from tidegate.router.loop import Loop  # noqa: PLC0415  the supervisor must not load it

        return Loop
    return uvloop.new_event_loop


async def _run(config: Config, before: Handover | None) -> int:
    if before is None:
        check_logs(config)
        read_pages(config.http.error_pages)
    if config.workers == 0:
        from tidegate.app.single import run_single  # noqa: PLC0415  one process needs what the supervisor must not load

        return await run_single(config)
    return await Supervisor(config, before).run()
