"""One foreign question on its way: asked of one upstream after the other until one gives a usable answer.

The best is asked first. Another one is asked as well when the first takes longer than it usually does (hedging), and at
once when a try ends without a usable answer. Where nobody else is up, those left out as down are asked as well, once: to hedge,
and after a refusal. After all of them everyone that was silent gets a second chance, for a lost datagram is no failed server;
then, or when the time for it all is up, the best of the bad answers has to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tidegate.dns import wire
from tidegate.dns.alarms import Alarms
from tidegate.dns.group import Group
from tidegate.dns.message import Message
from tidegate.dns.standing import MAX_HEDGE_SECONDS, State
from tidegate.dns.upstream import Try, Upstream

MAX_UPSTREAMS = 4  # asked for one question: more would not be reached within its time

_UNUSABLE = frozenset([wire.FORMERR, wire.SERVFAIL, wire.NOTIMP, wire.REFUSED])

Send = Callable[[bytes], None]


class Waiter:
    """Somebody who is waiting for the answer: the query, the room for its reply, and the way back."""

    __slots__ = ("query", "room", "send")

    def __init__(self, query: wire.Query, room: int, send: Send) -> None:
        self.query = query
        self.room = room
        self.send = send


class Inquiry:
    """`done(inquiry, answer)` is called once, with None where there is no answer at all. `stale` is an answer past its
    time that was offered: after its seconds `late(inquiry)` is called, once, and the search goes on."""

    __slots__ = (
        "_again",
        "_alarm_at",
        "_alarms",
        "_deadline",
        "_done",
        "_fallback",
        "_first",
        "_group",
        "_hedge_at",
        "_is_over",
        "_late",
        "_loop",
        "_open",
        "_query",
        "_silent",
        "_spare",
        "_stale_at",
        "by",
        "hedges",
        "is_late",
        "key",
        "shape",
        "stale",
        "tries",
        "waiters",
    )

    def __init__(
        self,
        key: bytes,
        query: bytes,
        group: Group,
        done: Callable[[Inquiry, Message | None], None],
        late: Callable[[Inquiry], None],
        alarms: Alarms | None = None,
    ) -> None:
        self.key = key
        self.waiters: list[Waiter] = []
        self.stale: Message | None = None
        self.is_late = False  # set when the time for `stale` has come
        self.by: Upstream | None = None  # who gave the answer, or the best of the bad ones
        self.tries = 0
        self.hedges = 0
        self.shape = -1  # of the zone in which the name was foreign when it was asked for last
        self._query = query
        self._group = group
        self._done = done
        self._late = late
        self._loop = asyncio.get_running_loop()
        self._first: list[Upstream] = []  # not asked yet, best first
        self._again: list[Upstream] = []  # were silent, and are asked once more
        self._silent: list[Upstream] = []
        self._spare: list[Upstream] = []  # left out as down; asked to hedge, or before a refusal is the result
        self._open = 0
        self._fallback: Message | None = None  # the best of the bad answers
        self._is_over = False
        self._alarms = alarms or Alarms()
        self._alarm_at = 0.0  # while one is set
        self._deadline = 0.0  # where the tries could take longer than there is time
        self._hedge_at = 0.0  # while there is somebody to ask as well
        self._stale_at = 0.0  # while `stale` waits for its time

    def offer(self, stale: Message, seconds: float) -> None:
        """`stale` will do after so long, if nothing else has been offered yet."""
        if self.stale is None:
            self.stale = stale
            self._stale_at = self._loop.time() + seconds
            if self._open:
                self._arm()

    def start(self, total_seconds: float) -> None:
        """Ask the first one. May end the inquiry at once."""
        now = self._loop.time()
        self._first = self._group.ranked(now)[:MAX_UPSTREAMS]
        if len(self._first) < len(self._group.upstreams):
            self._spare = [each for each in self._group.upstreams if _is_left_out(each, self._first)][:MAX_UPSTREAMS]
        if self._longest() > total_seconds:
            self._deadline = now + total_seconds
        if len(self._group.upstreams) > 1:
            self._try_out(now)
        self._next(now)

    def _longest(self) -> float:
        """How long it can take until every try of both rounds is over, and those at who was left out."""
        seconds = 0.0
        for upstream in self._first:
            seconds = max(seconds, upstream.seconds)
        return MAX_HEDGE_SECONDS * len(self._first) + (2 + len(self._spare)) * seconds

    def _try_out(self, now: float) -> None:
        """Send a copy to one that was silent of late, to see whether it answers again."""
        trial = self._group.on_trial(now)
        if trial is not None and trial not in self._first:
            trial.ask(self._query, _unheard)

    def _next(self, now: float) -> None:
        """Ask the next one that can be asked; without one, end unless an answer is still to come."""
        while self._first or self._again:
            upstream = (self._first or self._again).pop(0)
            if upstream.ask(self._query, self._on_answer):
                self.tries += 1
                self._open += 1
                self._hedge_at = now + upstream.standing.hedge_seconds() if self._first or self._spare else 0.0
                break
        if self._open:
            self._arm()
        else:
            self._end(self._fallback)

    def _on_answer(self, asking: Try, found: Message | None) -> None:
        self._open -= 1
        if self._is_over:
            return
        if found is None:
            if asking.upstream not in self._silent and self._group.is_up:
                self._again.append(asking.upstream)
            self._silent.append(asking.upstream)
        elif found.rcode not in _UNUSABLE and not found.truncated:
            self.by = asking.upstream
            self._end(found)
            return
        else:
            if self._fallback is None or found.truncated:
                self._fallback = found
                self.by = asking.upstream
            self._again += self._take_spare()
        self._next(self._loop.time())

    def _arm(self) -> None:
        """An alarm for whatever is due next; none where only the tries' own time-outs are, or one comes before."""
        due = self._deadline
        if self._hedge_at and (not due or self._hedge_at < due):
            due = self._hedge_at
        if self._stale_at and (not due or self._stale_at < due):
            due = self._stale_at
        if due and (not self._alarm_at or due < self._alarm_at):
            self._alarm_at = due
            self._alarms.set(self, due)

    def wake(self) -> None:
        """Something may be due."""
        if self._is_over:
            return
        self._alarm_at = 0.0
        now = self._loop.time() + 0.001  # a clock may be read a little before the time asked for
        if self._deadline and now >= self._deadline:
            self._end(self._fallback)
            return
        if self._stale_at and now >= self._stale_at:
            self._stale_at = 0.0
            self.is_late = True
            self._late(self)
        if self._hedge_at and now >= self._hedge_at:
            self._hedge_at = 0.0
            self.hedges += 1
            self._first = self._first or self._take_spare()
            self._next(now)
        else:
            self._arm()

    def _take_spare(self) -> list[Upstream]:
        """Those left out as down, to be asked now: once is enough."""
        spare, self._spare = self._spare, []
        self._silent += spare
        return spare

    def _end(self, found: Message | None) -> None:
        self._is_over = True
        self._done(self, found)


def _is_left_out(upstream: Upstream, asked: list[Upstream]) -> bool:
    return upstream.standing.state is State.DOWN and upstream not in asked


def _unheard(_asking: Try, _found: Message | None) -> None:
    """A trial's answer: its upstream has taken note of it."""
