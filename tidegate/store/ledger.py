"""All entries below one prefix of the store, as values: read, followed, and changed by transactions that compare.

What is here is what was last read: a commit changes it only after the store has it, and compares each key with what was seen of it, so
that nothing is decided from what is not so any more. Values are JSON. An entry that cannot be read stays where it is, is told as a
problem, and is never written over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar
from urllib.parse import quote, unquote

import msgspec

from tidegate.errors import Conflict, Problem, StoreError
from tidegate.store.port import MAX_OPERATIONS, Change, Compare, Delete, Put, Store
from tidegate.telemetry import logger

RETRY_SECONDS = 1.0
_PLAIN = "/.:-_"  # of a key's characters, beside letters and digits, those that stand as they are

V = TypeVar("V", bound=msgspec.Struct)


class Ledger(Generic[V]):
    """`prefix` ends with a slash; keys are told without it. `changed` is called after each change, also after the first reading.
    With `fence`, each commit compares what that gives; nothing is written while it gives None."""

    def __init__(
        self,
        store: Store,
        prefix: str,
        kind: type[V],
        changed: Callable[[], None],
        fence: Callable[[], Compare | None] | None = None,
    ) -> None:
        self._store = store
        self._fence = fence
        self._prefix = prefix
        self._decoder = msgspec.json.Decoder(kind)
        self._encoder = msgspec.json.Encoder(order="deterministic")
        self._changed = changed
        self._revisions: dict[str, int] = {}  # of the last change known of a key, its removal too
        self._unread: dict[str, Problem] = {}
        self._listed = 0
        self.entries: dict[str, V] = {}
        self.recalled = False  # what is here is of before our start: the store does not answer
        self.known = False  # set at the first reading of what the store itself says

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What cannot be read, for an operator."""
        return tuple(self._unread[key] for key in sorted(self._unread))

    def unreadable(self, key: str) -> bool:
        """Whether there is something at `key` that cannot be read."""
        return key in self._unread

    async def load(self) -> None:
        """Read all. Raises StoreError."""
        listing = await self._store.list(self._prefix)
        self.entries, self._revisions, self._unread = {}, {}, {}
        for entry in listing.entries:
            self._take(entry.key, entry.value, entry.revision)
        self._listed, self.recalled, self.known = listing.revision, listing.stale, self.known or not listing.stale
        self._changed()

    async def run(self) -> None:
        """Follow the store until cancelled. While it cannot be read, what was known stays."""
        while True:
            try:
                await self.load()
                async for changes in self._store.watch(self._prefix, self._listed):
                    self._follow(changes)
            except StoreError as error:
                logger("store").warning("%s cannot be followed", self._prefix, extra={"cause": str(error)})
            await asyncio.sleep(RETRY_SECONDS)

    async def confirmed(self, key: str) -> bool:
        """Whether the store itself has at `key` what is known here. Raises StoreError."""
        entry = await self._store.get(self._at(key))
        return (entry.revision if entry is not None else 0) == self._seen(key)

    async def commit(self, changes: Mapping[str, V | None], given: tuple[Compare, ...] = ()) -> None:
        """Write all of `changes`, None being a removal, if nothing at their keys changed since it was read, and `given` holds.

        More than one transaction holds is written in several, each for itself. Raises Conflict (T2100) and reads anew where
        something did change, StoreError.
        """
        items = list(changes.items())
        most = MAX_OPERATIONS - len(given) - (self._fence is not None)  # each key is a compare too
        for begin in range(0, len(items), most):
            await self._commit(dict(items[begin : begin + most]), given)

    async def _commit(self, changes: Mapping[str, V | None], given: tuple[Compare, ...]) -> None:
        blocked = next((self._unread[key] for key in changes if key in self._unread), None)
        if blocked is not None:
            raise Conflict(blocked)
        compares = (*self._fenced(), *given, *(Compare(key=self._at(key), revision=self._seen(key)) for key in changes))
        operations = tuple(
            Delete(key=self._at(key)) if value is None else Put(key=self._at(key), value=self._encoder.encode(value))
            for key, value in changes.items()
        )
        revision = await self._store.txn(compares, operations)
        if revision is None:
            await self.load()
            raise Conflict(_changed_meanwhile(self._prefix, changes))
        news = [key for key in changes if revision > self._revisions.get(key, 0)]  # the watch may have been faster
        for key in news:
            self._set(key, changes[key], revision)
        if news:
            self._changed()

    def _fenced(self) -> tuple[Compare, ...]:
        """What shows that we may write. Raises Conflict (T2306) where we may not."""
        if self._fence is None:
            return ()
        fence = self._fence()
        if fence is None:
            raise Conflict(_not_leading(self._prefix))
        return (fence,)

    def _seen(self, key: str) -> int:
        return self._revisions[key] if key in self.entries else 0

    def _follow(self, changes: Iterable[Change]) -> None:
        """What others committed; our own come again by the watch, and are old."""
        news = False
        for change in changes:
            if change.revision > self._revisions.get(self._name(change.key), 0):
                self._take(change.key, change.value, change.revision)
                news = True
        if news:
            self._changed()

    def _take(self, at: str, data: bytes | None, revision: int) -> None:
        key = self._name(at)
        self._unread.pop(key, None)
        try:
            self._set(key, None if data is None else self._decoder.decode(data), revision)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            self._set(key, None, revision)
            self._unread[key] = _unreadable(at, error)
            logger("store").error("%s", self._unread[key])

    def _set(self, key: str, value: V | None, revision: int) -> None:
        self._revisions[key] = revision
        if value is None:
            self.entries.pop(key, None)
        else:
            self.entries[key] = value

    def _at(self, key: str) -> str:
        return self._prefix + quote(key, safe=_PLAIN)

    def _name(self, at: str) -> str:
        return unquote(at.removeprefix(self._prefix))


def _not_leading(prefix: str) -> Problem:
    return Problem(
        code="T2306",
        text=f"{prefix} is for the leader to write, and this node does not lead",
        place=prefix,
        mend="nothing to do: the node that leads does it",
        kept="nothing was changed",
    )


def _changed_meanwhile(prefix: str, keys: Iterable[str]) -> Problem:
    return Problem(
        code="T2100",
        text=f"{', '.join(sorted(keys))} changed meanwhile",
        place=prefix,
        cause="somebody else wrote at the same moment",
        mend="look at it again, and repeat what is still wanted",
        kept="nothing was changed",
    )


def _unreadable(key: str, error: Exception) -> Problem:
    return Problem(
        code="T2101",
        text=f"{key} in the store is not understood: {error}",
        place=key,
        cause="another version of the program wrote it, or the store was written by hand",
        mend="go back to the version that wrote it",
        kept="it stays as it is, and nothing is done about what it stands for",
    )
