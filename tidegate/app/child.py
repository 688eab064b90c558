"""Entry of a child process: `python -m tidegate.app.child worker|control DESCRIPTOR`."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Iterator

import uvloop

from tidegate.app.launch import Launch, received
from tidegate.app.logs import set_up_logs
from tidegate.errors import TidegateError
from tidegate.telemetry import logger

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Run the role until it is told to stop; the exit code. What an operator must mend is logged without a trace."""
    role, descriptor = arguments
    launch = received(int(descriptor))
    _die_with_parent(launch.parent)
    set_up_logs(launch.config.log_level, role if role == "control" else f"worker-{launch.slot}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_role(role, launch))
        except* TidegateError as group:
            for error in _errors(group):
                logger("child").error("cannot run: %s", error)
    return 1


def _errors(group: BaseExceptionGroup[TidegateError]) -> Iterator[TidegateError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _errors(error)
        else:
            yield error


async def _role(role: str, launch: Launch) -> int:
    if role == "worker":
        from tidegate.app.worker import run_worker  # noqa: PLC0415  a worker never loads what control needs

        return await run_worker(launch)
    from tidegate.app.control import run_control  # noqa: PLC0415

    return await run_control(launch)


def _die_with_parent(parent: int) -> None:
    """Without the supervisor nobody would restart or stop us: drain when it dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel knew of our wish
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
