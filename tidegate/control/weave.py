"""Rows of several sources as one, in the order of their times as far as one can wait for it. Pure.

Each source gives its rows in the order of its own times. The earliest of all may go once every other source has shown what it has next.
A source that shows nothing for a while is not waited for until it does again: so what is followed comes in turn, and at most that late.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Generic, TypeVar

R = TypeVar("R")


class Weave(Generic[R]):
    """`patience` in seconds, by the clock of whoever gives `now`."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._rows: dict[str, deque[tuple[float, R]]] = {}  # by source, those not taken yet
        self._open: set[str] = set()
        self._next: list[tuple[float, int, str]] = []  # heap: the first row of each source that has any
        self._count = 0  # of pushes onto the heap: equal times go in the order in which they came
        self._awaited: set[str] = set()  # open, and nothing shown
        self._blocked_at: float | None = None  # since when the earliest row waits for others

    @property
    def until(self) -> float | None:
        """When to `take` at the latest; None while nothing waits."""
        return None if self._blocked_at is None else self._blocked_at + self._patience

    def open(self, source: str) -> None:
        """It may give rows from now on, and is waited for."""
        self._rows.setdefault(source, deque())
        self._open.add(source)
        if not self._rows[source]:
            self._awaited.add(source)

    def put(self, source: str, at: float, row: R) -> None:
        """A row of an open source."""
        rows = self._rows[source]
        rows.append((at, row))
        if len(rows) == 1:
            self._show(source, at)

    def close(self, source: str) -> None:
        """It gives no more; what it gave is still taken."""
        self._open.discard(source)
        self._awaited.discard(source)
        if not self._rows.get(source):
            self._rows.pop(source, None)

    def take(self, now: float) -> list[tuple[str, R]]:
        """All rows that may go, with their sources."""
        taken: list[tuple[str, R]] = []
        while self._next:
            if self._awaited:
                self._blocked_at = now if self._blocked_at is None else self._blocked_at
                if now - self._blocked_at < self._patience:
                    return taken
                self._awaited.clear()
            self._blocked_at = None
            taken.append(self._pop())
        self._blocked_at = None
        return taken

    def _pop(self) -> tuple[str, R]:
        _, _, source = heappop(self._next)
        rows = self._rows[source]
        _, row = rows.popleft()
        if rows:
            self._show(source, rows[0][0])
        elif source in self._open:
            self._awaited.add(source)
        else:
            del self._rows[source]
        return source, row

    def _show(self, source: str, at: float) -> None:
        self._awaited.discard(source)
        self._count += 1
        heappush(self._next, (at, self._count, source))
