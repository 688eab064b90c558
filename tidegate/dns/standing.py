"""How an upstream has done of late: round trips, and whether it is worth asking. Pure; `now` in seconds.

UP is asked. After `FAILURES_TO_DOWN` tries in a row without an answer it is DOWN: not asked while another one is up,
but for one query now and then, whose answer nobody waits for: after `RETRY_SECONDS`, doubling to `MAX_RETRY_SECONDS`.
Any answer makes it UP. There is no probing of its own: an unused forwarder is silent. Who sends queries back to us is
LOOPING, and that is final.
"""

from __future__ import annotations

from enum import Enum

FAILURES_TO_DOWN = 3
RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0
FIRST_GUESS_SECONDS = 0.1  # of one never asked: worse than a near one, better than a far one
MIN_HEDGE_SECONDS = 0.005  # less would be lost in the alarms' tick
MAX_HEDGE_SECONDS = 0.3
LEARNING = 40  # answers after which `high` moves in small steps
FORGET_SECONDS = 120.0  # one not asked for so long is as good as new


class State(Enum):
    """Whether an upstream is asked."""

    UP = "up"
    DOWN = "down"
    LOOPING = "looping"


class Standing:
    """The record of one upstream. `rtt` is a moving mean, `high` about the 95th percentile, both in seconds."""

    def __init__(self) -> None:
        self.state = State.UP
        self.rtt = FIRST_GUESS_SECONDS
        self.high = MAX_HEDGE_SECONDS
        self.failures = 0  # in a row
        self._answers = 0  # so far, up to `LEARNING`
        self._asked_at = 0.0
        self._retry_at = 0.0  # while DOWN
        self._retry_seconds = RETRY_SECONDS

    def rank(self, now: float) -> float:
        """What to sort by: round trips, which are forgotten with time so that one that was slow once gets its chance."""
        idle = now - self._asked_at
        return self.rtt * max(0.0, 1.0 - idle / FORGET_SECONDS)

    def hedge_seconds(self) -> float:
        """How long to wait for it before another one is asked as well."""
        return min(max(self.high, MIN_HEDGE_SECONDS), MAX_HEDGE_SECONDS)

    def asked(self, now: float) -> None:
        """A query goes out to it."""
        self._asked_at = now

    def answered(self, seconds: float) -> bool:
        """It answered. True if it had been down."""
        if not self._answers:
            self.rtt = seconds
            self.high = 3 * seconds
        self.rtt += (seconds - self.rtt) / 8
        # A step of a tenth of itself, 19 times as long up as down, comes to rest where one in 20 is above. The first steps are long.
        if self._answers < LEARNING:
            self._answers += 1
            self.high *= 1.76 if seconds > self.high else 0.96
        else:
            self.high *= 1.095 if seconds > self.high else 0.995
        was_down = self.state is State.DOWN
        self.failures = 0
        if was_down:
            self.state = State.UP
            self._retry_seconds = RETRY_SECONDS
        return was_down

    def failed(self, now: float) -> None:
        """It did not answer in time, or is not there."""
        self.failures += 1
        self.refused()
        if self.state is State.UP and self.failures >= FAILURES_TO_DOWN:
            self.state = State.DOWN
            self._retry_at = now + self._retry_seconds

    def refused(self) -> None:
        """It does not do what it is asked: others come first for a while."""
        self.rtt += (1.0 - self.rtt) / 8

    def takes_trial(self, now: float) -> bool:
        """Is it down and due for a trial? If so the next one is due after twice the time."""
        if self.state is not State.DOWN or now < self._retry_at:
            return False
        self._retry_seconds = min(self._retry_seconds * 2, MAX_RETRY_SECONDS)
        self._retry_at = now + self._retry_seconds
        return True

    def loops(self) -> None:
        """It sends our own queries back to us."""
        self.state = State.LOOPING
