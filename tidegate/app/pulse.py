"""A child's sign of life: single bytes on a pipe that the supervisor reads, once a second from the child's own loop.

A loop that is stuck writes none, so silence is what the supervisor's watchdog goes by. The pipe also outlives nobody: its
end at the child's side tells that the supervisor is gone.
"""

from __future__ import annotations

import asyncio
import os
import signal

BEAT_SECONDS = 1.0
BEAT = b"."
READY = b"r"  # serves now; sent once


class Pulse:
    """The child's side. A descriptor of -1 is nobody's: every call does nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        if descriptor >= 0:
            os.set_blocking(descriptor, False)
            os.set_inheritable(descriptor, False)  # what the child starts must not speak for it

    def ready(self) -> None:
        """The child serves."""
        self._say(READY)

    async def run(self) -> None:
        """Beat until cancelled."""
        while self._descriptor >= 0:
            self._say(BEAT)
            await asyncio.sleep(BEAT_SECONDS)

    def _say(self, word: bytes) -> None:
        if self._descriptor < 0:
            return
        try:
            os.write(self._descriptor, word)
        except BlockingIOError:
            return  # the supervisor has not read for hours; it has thousands of our beats to go by
        except BrokenPipeError:
            os.close(self._descriptor)
            self._descriptor = -1
            os.kill(os.getpid(), signal.SIGTERM)  # nobody would restart or stop us any more: drain
