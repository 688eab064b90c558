"""What becomes of the store itself, told to people: that it takes no writes, that it does again, that it was restored from a backup.

A store that was restored knows what nodes said before the backup, and of later things nothing; its watches tell it as changes. What a node
itself has said since, nobody but that node knows: so it says all of it again (`restored`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from tidegate.errors import Problem
from tidegate.store.faults import FULL, RESTORED

LOOK_SECONDS = 1.0


class Straits:
    """`problems` is what is wrong with the store now; `told` is called with what happened, `restored` when it was."""

    def __init__(
        self,
        problems: Callable[[], Iterable[Problem]],
        told: Callable[[str, str], object],
        restored: Callable[[], Awaitable[None]],
    ) -> None:
        self._problems = problems
        self._told = told
        self._restored = restored
        self._known: dict[str, str] = {}  # code -> text, as told last

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Tell what is new."""
        known, now = self._known, {each.code: each for each in self._problems() if each.code in (FULL, RESTORED)}
        self._known = {code: each.text for code, each in now.items()}
        for code, each in now.items():
            if known.get(code) != each.text:
                self._told("store", f"{each.text} ({code}); {each.mend}")
        if FULL in known and FULL not in now:
            self._told("store", "the cluster store takes writes again")
        if RESTORED in now and known.get(RESTORED) != now[RESTORED].text:
            await self._restored()
