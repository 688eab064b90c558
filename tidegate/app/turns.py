"""How long a worker wants to run at a stretch, said to the kernel: briefly, so that it runs soon after it has something to do.

Linux 6.12 and later give a CPU to a woken thread whose turns are shorter than those of the one that runs (EEVDF, slices set by
sched_setattr(2)). A worker that shares its core with control then answers between two milliseconds of control's, not after them
(docs/decisions/0128). It gets no more of the core than before.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

SECONDS = 0.0001  # the shortest that the kernel takes
_SYSCALLS = {"x86_64": 314, "aarch64": 274}
_ATTRIBUTES = struct.Struct("=IIQiIQQQII")  # struct sched_attr: size, policy, flags, nice, priority, runtime, ...


def ask_for_short_turns(seconds: float = SECONDS) -> bool:
    """For the calling thread and those that it starts; whether the kernel took it. An older one takes it and does nothing."""
    number = _SYSCALLS.get(platform.machine())
    policy = os.sched_getscheduler(0)
    if number is None or policy not in (os.SCHED_OTHER, os.SCHED_BATCH):
        return False  # somebody chose another way of scheduling for us
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    wanted = _ATTRIBUTES.pack(_ATTRIBUTES.size, policy, 0, nice, 0, round(seconds * 1e9), 0, 0, 0, 0)
    return bool(ctypes.CDLL(None).syscall(number, 0, ctypes.c_char_p(wanted), 0) == 0)
