import ctypes
import os
import platform
import struct
import threading

from tidegate.app.turns import SECONDS, ask_for_short_turns

SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}
LAYOUT = "=IIQiIQQQII"  # struct sched_attr of sched_setattr(2)


def in_a_thread(act):
    """What `act` gives, in a thread that ends then: what it says of itself to the kernel is gone with it."""
    found = []
    thread = threading.Thread(target=lambda: found.append(act()))
    thread.start()
    thread.join(10)
    return found[0]


def attributes():
    """(policy, nice, nanoseconds of a turn) of the calling thread."""
    buffer = ctypes.create_string_buffer(struct.calcsize(LAYOUT))
    asked = ctypes.CDLL(None, use_errno=True).syscall(SCHED_GETATTR[platform.machine()], 0, buffer, len(buffer), 0)
    assert asked == 0, os.strerror(ctypes.get_errno())
    _, policy, _, nice, _, nanoseconds, *_ = struct.unpack(LAYOUT, buffer.raw)
    return policy, nice, nanoseconds


def test_a_thread_gets_short_turns_and_keeps_its_policy_and_its_niceness():
    policy, nice, _ = in_a_thread(attributes)
    assert in_a_thread(lambda: (ask_for_short_turns(), *attributes()[:2])) == (True, policy, nice)


def test_the_kernel_took_what_was_asked_where_it_knows_of_it():
    release = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
    found = in_a_thread(lambda: (ask_for_short_turns(), attributes()[2])[1])
    assert found == (round(SECONDS * 1e9) if release >= (6, 12) else 0)


def test_whoever_was_given_another_policy_keeps_it():
    def act():
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        return ask_for_short_turns(), os.sched_getscheduler(0)

    assert in_a_thread(act) == (False, os.SCHED_IDLE)
