"""Entry of a child process: `python -m tidegate.app.child worker|control DESCRIPTOR`."""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import os
import signal
import sys
from collections.abc import Callable, Iterator

import uvloop

from tidegate.app.launch import Launch, received
from tidegate.app.logs import set_up_logs
from tidegate.app.pulse import Pulse
from tidegate.app.turns import ask_for_short_turns
from tidegate.errors import TidegateError
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Run the role until it is told to stop; the exit code. What an operator must mend is logged without a trace."""
    role, descriptor = arguments
    launch = received(int(descriptor))
    drain_with(launch.parent)
    faulthandler.enable()  # the watchdog's SIGABRT leaves the stack of every thread in the log
    set_up_logs(launch.config.log_level, role if role == "control" else f"worker-{launch.slot}")
    with asyncio.Runner(loop_factory=_loop(role)) as runner:
        try:
            return runner.run(_role(role, launch))
        except* TidegateError as group:
            for error in _errors(group):
                logger("child").error("cannot run: %s", error)
    return 1


def _loop(role: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """A worker's waits in its reactor; nothing is faster than uvloop for what control does."""
    if role == "worker":
        from tidegate.router.loop import Loop  # noqa: PLC0415  control never loads what serves

        return Loop
    return uvloop.new_event_loop


def _errors(group: BaseExceptionGroup[TidegateError]) -> Iterator[TidegateError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _errors(error)
        else:
            yield error


async def _role(role: str, launch: Launch) -> int:
    async with Tasks("child") as tasks:
        pulse = Pulse(launch.pulse)
        beating = tasks.spawn("pulse", pulse.run())
        code = await _run(role, launch, pulse)
        beating.cancel()
    return code


async def _run(role: str, launch: Launch, pulse: Pulse) -> int:
    if role == "worker":
        from tidegate.app.worker import run_worker  # noqa: PLC0415  a worker never loads what control needs

        ask_for_short_turns()
        return await run_worker(launch, pulse)
    from tidegate.app.control import run_control  # noqa: PLC0415

    return await run_control(launch, pulse)


def drain_with(parent: int) -> None:
    """SIGTERM to us when this process, our parent, is gone: nobody would restart or stop us any more."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel knew of our wish
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
