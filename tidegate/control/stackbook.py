"""Stacks in the store: what is wanted, what is placed, what is reported; one ledger each, and one writer for each key.

`stacks/<stack>`, `scale/<stack>/<service>` and `quotas/<account>` are written by the admin API (the last of a stack that left by the leader),
`places/<stack>/<service>/<slot>.<generation>` by the leader, as is what it remembers (`remembering`), `reports/<node>/...` by that node.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from tidegate.control.remembering import Remembering
from tidegate.errors import NoSuchThing, Problem, StoreError
from tidegate.placement.replica import Place
from tidegate.stacks.picture import Picture
from tidegate.stacks.report import Report
from tidegate.stacks.stack import Allowance, Scale, Stack
from tidegate.store.identity import identity
from tidegate.store.ledger import Ledger
from tidegate.store.port import Compare, Store
from tidegate.tasks import Tasks


class StackBook:
    """Everything the store says of stacks. `fence` is what the leader's writes of places compare. Each of `changed` is called after each change."""

    def __init__(self, store: Store, fence: Callable[[], Compare | None] | None = None) -> None:
        self._store = store
        self.changed: list[Callable[[], None]] = []
        self.stacks = Ledger(store, "stacks/", Stack, self._tell)
        self.scales = Ledger(store, "scale/", Scale, self._tell)
        self.places = Ledger(store, "places/", Place, self._tell, fence)
        self.reports = Ledger(store, "reports/", Report, self._tell)
        self.remembering = Remembering(store, fence)  # read when we begin to lead, and followed by nobody
        self.quotas = Ledger(store, "quotas/", Allowance, self._tell)

    @property
    def _ledgers(self) -> tuple[Ledger[Any], ...]:
        return (self.stacks, self.scales, self.places, self.reports, self.quotas)

    @property
    def known(self) -> bool:
        """Whether all was read once, from the store itself."""
        return all(each.known for each in self._ledgers)

    @property
    def recalled(self) -> bool:
        """Whether all is known at least from before our start."""
        return all(each.known or each.recalled for each in self._ledgers)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What cannot be read."""
        return (*(problem for each in self._ledgers for problem in each.problems), *self.remembering.problems)

    @property
    def picture(self) -> Picture:
        """All of it, as it is now."""
        return Picture(
            stacks=dict(self.stacks.entries),
            scales=dict(self.scales.entries),
            places=dict(self.places.entries),
            reports=dict(self.reports.entries),
            quotas=dict(self.quotas.entries),
        )

    def need_read(self) -> None:
        """Raises StoreError (T1506) before anything was read: nobody can say then which stacks there are."""
        if not self.recalled:
            raise StoreError(
                Problem(
                    code="T1506",
                    text="the store was not read yet",
                    cause="this Tidegate has just started, or its store does not answer",
                    mend="try again in a moment",
                    kept="nothing was changed",
                )
            )

    def stack(self, name: str) -> Stack:
        """A stack by its name. Raises NoSuchThing (T2102), StoreError."""
        self.need_read()
        found = self.stacks.entries.get(name)
        if found is None:
            raise NoSuchThing(
                Problem(
                    code="T2102",
                    text=f"there is no stack {name}",
                    place=name,
                    mend="see tidegate ls stacks",
                    kept="nothing was changed",
                )
            )
        return found

    async def owner(self) -> str:
        """The store's name. Raises StoreError."""
        return await identity(self._store, lambda: secrets.token_hex(8))

    async def load(self) -> None:
        """Read all. Raises StoreError."""
        for each in self._ledgers:
            await each.load()

    async def run(self) -> None:
        """Follow the store until cancelled."""
        async with Tasks("stacks.book") as tasks:
            for name, each in zip(("stacks", "scale", "places", "reports", "quotas"), self._ledgers, strict=True):
                tasks.spawn(name, each.run())

    def _tell(self) -> None:
        for changed in self.changed:
            changed()
