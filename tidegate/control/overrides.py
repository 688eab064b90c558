"""What the operator set at run time, in the store: read, watched, changed by transactions that compare.

Keys are `overrides/weights/<target>`, `overrides/mode/<target>`, `overrides/settings/<target>`, `overrides/drain/<name>`; a value is JSON with `value`,
`who`, `when` and `why`. A change takes effect only after its commit (invariant 6), on this node at once and on the others
by their watch.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from tidegate.control.journal import Journal
from tidegate.control.stored import PREFIX, Setting, Unread, read_entry
from tidegate.errors import Conflict, Problem, StoreError
from tidegate.model import Overrides, TrafficMode
from tidegate.settings.redaction import shown_setting
from tidegate.store.port import Change, Compare, Delete, Entry, Put, Store
from tidegate.telemetry import logger

RETRY_SECONDS = 1.0


class OverrideBook:
    """The overrides in force. `offer` gets all of them after each change; `wall` gives seconds since the epoch."""

    def __init__(
        self, store: Store, journal: Journal, offer: Callable[[Overrides], None], wall: Callable[[], float]
    ) -> None:
        self._store = store
        self._journal = journal
        self._offer = offer
        self._wall = wall
        self._settings: dict[str, Setting] = {}  # by store key
        self._unread: dict[str, Unread] = {}  # what of them is not understood, by store key
        self._listed = 0  # revision of the last full listing
        self._taken: dict[str, int] = {}  # store key -> revision of the newest change taken since then

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All of them, ordered by key."""
        return tuple(self._settings[key] for key in sorted(self._settings))

    def setting(self, kind: str, target: str) -> Setting | None:
        """The one in force for `target`, or None."""
        return self._settings.get(store_key(kind, target))

    @property
    def unread(self) -> tuple[Unread, ...]:
        """What of them is not understood, ordered by key."""
        return tuple(self._unread[key] for key in sorted(self._unread))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is not understood, for an operator."""
        return tuple(each.problem() for each in self.unread)

    async def load(self) -> None:
        """Read all and offer them. Raises StoreError."""
        listing = await self._store.list(PREFIX)
        self._settings, self._unread = {}, {}
        for entry in listing.entries:
            self._read(entry)
        self._listed, self._taken = listing.revision, {}
        self._offer(compiled(self._settings.values(), self._unread.values()))

    def _read(self, entry: Entry) -> None:
        setting, unread = read_entry(entry)
        if setting is not None:
            self._settings[entry.key] = setting
        if unread is not None:
            self._unread[entry.key] = unread
            logger("control").error("%s", unread.problem())

    async def run(self) -> None:
        """Follow the store until cancelled. While it cannot be read, what was known stays in force."""
        while True:
            try:
                await self.load()
                async for changes in self._store.watch(PREFIX, self._listed):
                    self._take(changes)
            except StoreError as error:
                logger("control").warning("overrides cannot be followed", extra={"cause": str(error)})
            await asyncio.sleep(RETRY_SECONDS)

    async def put(
        self, kind: str, target: str, value: Any, *, who: str, why: str, expected: int | None = None
    ) -> Setting:
        """Set one override; `expected` is the revision the caller read (0: none), if it wants to be sure.

        Raises Conflict (T1610) if it changed meanwhile, (T1313) if there is one that is not understood, StoreError if it cannot be committed; then nothing changed.
        """
        key = store_key(kind, target)
        self._refuse_unread(key)
        body = {"value": value, "who": who, "when": self._wall(), "why": why}
        payload = json.dumps(body, sort_keys=True).encode()
        revision = await self._commit(key, Put(key=key, value=payload), expected)
        self._take((Change(key=key, value=payload, revision=revision),))
        self._journal.tell("override", f"{kind} of {target} set to {_words(value)}", who=who, why=why)
        return self._settings[key]

    async def delete(self, kind: str, target: str, *, who: str, why: str, expected: int | None = None) -> bool:
        """Take one override away; False if there was none. Raises as `put` does."""
        key = store_key(kind, target)
        if key not in self._settings and key not in self._unread and not expected:
            return False
        revision = await self._commit(key, Delete(key=key), expected)
        self._take((Change(key=key, value=None, revision=revision),))
        self._journal.tell("override", f"{kind} of {target} cleared", who=who, why=why)
        return True

    async def _commit(self, key: str, operation: Put | Delete, expected: int | None) -> int:
        known = self._settings.get(key) or self._unread.get(key)
        compare = (known.revision if known else 0) if expected is None else expected
        revision = await self._store.txn((Compare(key=key, revision=compare),), (operation,))
        if revision is None:
            raise Conflict(
                Problem(
                    code="T1610",
                    text="the override was changed by someone else meanwhile",
                    place=key,
                    mend="look at it again, and repeat the change if it is still wanted",
                    kept="nothing was changed",
                )
            )
        return revision

    def _take(self, changes: tuple[Change, ...]) -> None:
        """Follow changes; those already taken when they were committed here come again by the watch, and are old."""
        fresh = [change for change in changes if self._is_news(change)]
        if not fresh:
            return
        for change in fresh:
            self._taken[change.key] = change.revision
            self._settings.pop(change.key, None)
            self._unread.pop(change.key, None)
            if change.value is not None:
                self._read(Entry(key=change.key, value=change.value, revision=change.revision))
        self._offer(compiled(self._settings.values(), self._unread.values()))

    def _refuse_unread(self, key: str) -> None:
        """What nobody here can read is not written over, for its writer may come back."""
        unread = self._unread.get(key)
        if unread is not None and unread.whole:
            raise Conflict(unread.problem())

    def _is_news(self, change: Change) -> bool:
        return change.revision > self._taken.get(change.key, self._listed)


def store_key(kind: str, target: str) -> str:
    """The key of an override; the target is escaped to ASCII."""
    return f"{PREFIX}{kind}/{quote(target, safe='/*.:-_')}"


def compiled(settings: Iterable[Setting], unread: Iterable[Unread] = ()) -> Overrides:
    """All settings as the one value the builder takes; what is not understood and may protect closes its target."""
    weights: dict[str, dict[str, int]] = {}
    modes: dict[str, TrafficMode] = {}
    messages: dict[str, str] = {}
    said: dict[str, dict[str, str]] = {}
    drained: set[str] = set()
    for each in settings:
        if each.kind == "weights":
            weights[each.target] = dict(each.value)
        elif each.kind == "mode":
            modes[each.target] = TrafficMode(each.value["mode"])
            if each.value.get("message"):
                messages[each.target] = each.value["message"]
        elif each.kind == "settings":
            said[each.target] = dict(each.value)
        else:
            drained.add(each.target)
    return Overrides(
        weights=weights,
        modes=modes,
        messages=messages,
        settings=said,
        drained=frozenset(drained),
        closed={each.target: each.place for each in unread if each.closes},
    )


def _words(value: Any) -> str:
    if isinstance(value, Mapping) and "mode" in value:
        return str(value["mode"])
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={shown_setting(name, str(each))}" for name, each in value.items())
    return "on"
