"""One lease of ours, and until when it is sure to hold.

The store counts from when it heard of us, we from when we spoke: a lease ends here before it can end there. So what hangs on
it may be acted on while `is_sure`, and by nobody else. Times are seconds on the caller's clock, which must not go back.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tidegate.errors import Problem, StoreError
from tidegate.store.port import Store

TTL_SECONDS = 15.0
KEEP_SECONDS = 5.0  # three chances in the time of a lease
RETRY_SECONDS = 1.0  # after the store did not answer
ANSWER_SECONDS = 3.0  # for one answer: a store that is slower is tried again
JITTER = 0.1  # share of the pause that it may be longer or shorter, so that nodes do not speak in step
#: Where the store was away for less, no lease has ended for want of it; where it was for longer, we did not speak for so long either.
SILENCE_SECONDS = TTL_SECONDS - KEEP_SECONDS * (1 + JITTER)

Clock = Callable[[], float]
T = TypeVar("T")


class Lease:
    """A granted lease. `sure_seconds`: how long after our last word that was heard it counts as ours."""

    def __init__(self, store: Store, number: int, clock: Clock, asked_at: float, sure_seconds: float) -> None:
        self.number = number
        self._store = store
        self._clock = clock
        self._sure_seconds = sure_seconds
        self.spoke_at = asked_at  # our last word that was heard
        self.broken_at = -TTL_SECONDS  # when the last silence of `SILENCE_SECONDS` ended

    @classmethod
    async def grant(cls, store: Store, clock: Clock, *, sure_seconds: float = TTL_SECONDS) -> Lease:
        """A new lease of `TTL_SECONDS`. Raises StoreError."""
        asked = clock()
        number = await answered(store.grant(TTL_SECONDS))
        return cls(store, number, clock, asked, sure_seconds)

    @property
    def deadline(self) -> float:
        """Until when it is ours beyond doubt."""
        return self.spoke_at + self._sure_seconds

    @property
    def is_sure(self) -> bool:
        """Whether it is still ours beyond doubt."""
        return self._clock() < self.deadline

    async def hold(self, rng: random.Random, pause_seconds: float = KEEP_SECONDS) -> str:
        """Keep it until it is lost; why it was. It returns at the deadline at the latest."""
        cause = ""
        while True:
            pause = RETRY_SECONDS if cause else pause_seconds * (1 - JITTER + 2 * JITTER * rng.random())
            await asyncio.sleep(max(0.0, min(pause, self.deadline - self._clock())))
            if not self.is_sure:
                return cause or "it was not kept in time"
            asked = self._clock()
            try:
                if not await answered(self._store.keep(self.number), self.deadline - asked):
                    return "the store has ended it"
            except StoreError as error:
                cause = str(error.problems[0].text)
            else:
                cause = ""
                if asked > self.spoke_at + SILENCE_SECONDS:
                    self.broken_at = asked
                self.spoke_at = asked

    async def give_up(self) -> None:
        """End it now, so that nobody waits for it. Raises StoreError."""
        self._sure_seconds = 0.0
        await answered(self._store.revoke(self.number))


async def answered(asked: Awaitable[T], seconds: float = ANSWER_SECONDS) -> T:
    """What the store answers, within a time. Raises StoreError (T2301) after it: the store may have done it all the same."""
    try:
        async with asyncio.timeout(min(seconds, ANSWER_SECONDS)):
            return await asked
    except TimeoutError:
        raise StoreError(
            Problem(
                code="T2301",
                text="the cluster's store does not answer",
                cause=f"nothing came within {min(seconds, ANSWER_SECONDS):.1f} s",
                mend="see that its members run and are reached from here",
                kept="routers keep the last routes; nothing is scaled or released",
            )
        ) from None
