"""Releases in the store: read, watched, begun and moved on by transactions that compare.

Keys are `releases/record/<service>/<number>` (a record, `release.stored`) and `releases/active/<service>` (the number of the
release that has not ended; of both services where the sides are two). A record changes only after its commit, on this node
at once and on the others by their watch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from urllib.parse import quote, unquote

from tidegate.control.overrides import store_key
from tidegate.errors import Conflict, NoSuchThing, Problem, StoreError
from tidegate.release.record import Release
from tidegate.release.spec import Spec
from tidegate.release.stored import read, written
from tidegate.release.succession import admitted, overtaken, prunable
from tidegate.store.port import Change, Compare, Delete, Entry, Put, Store
from tidegate.telemetry import logger

PREFIX = "releases/"
_RECORD, _ACTIVE = f"{PREFIX}record/", f"{PREFIX}active/"
RETRY_SECONDS = 1.0

Key = tuple[str, int]  # service and number


class ReleaseBook:
    """All records. `changed` is called after each change, also at the first reading."""

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store = store
        self._changed = changed
        self._records: dict[Key, Release] = {}
        self._revisions: dict[Key, int] = {}
        self._unread: dict[str, Problem] = {}  # what is not understood, by store key
        self._listed = 0  # revision of the last full listing
        self.recalled = False  # what is here is of before our start: the store does not answer
        self.known = False  # set at the first reading of what the store itself says

    @property
    def records(self) -> tuple[Release, ...]:
        """All of them, by service and number."""
        return tuple(self._records[key] for key in sorted(self._records))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is not understood, for an operator."""
        return tuple(self._unread[key] for key in sorted(self._unread))

    def get(self, key: Key) -> Release | None:
        """The record as it stands now."""
        return self._records.get(key)

    def of(self, service: str) -> tuple[Release, ...]:
        """Releases of a service, also those in which it is the new side; the earliest first."""
        found = (each for each in self.records if service in (each.spec.service, each.spec.candidate.service))
        return tuple(sorted(found, key=lambda each: (each.history[0].when, each.number)))

    def last(self, service: str) -> Release:
        """The newest release of a service. Raises NoSuchThing (T1611)."""
        found = self.of(service)
        if not found:
            raise NoSuchThing(
                Problem(
                    code="T1611",
                    text=f"there is no release of {service}",
                    mend="see tidegate ls releases",
                    place=service,
                )
            )
        return found[-1]

    def next_number(self, service: str) -> int:
        """The number for the next release of a service."""
        return 1 + max((number for of, number in self._records if of == service), default=0)

    async def load(self) -> None:
        """Read all. Raises StoreError."""
        listing = await self._store.list(PREFIX)
        self._records, self._revisions, self._unread = {}, {}, {}
        for entry in listing.entries:
            self._take(entry)
        self._listed, self.recalled, self.known = listing.revision, listing.stale, self.known or not listing.stale
        self._changed()

    async def run(self) -> None:
        """Follow the store until cancelled. While it cannot be read, what was known stays in force."""
        while True:
            try:
                await self.load()
                async for changes in self._store.watch(PREFIX, self._listed):
                    self._follow(changes)
            except StoreError as error:
                logger("control").warning("releases cannot be followed", extra={"cause": str(error)})
            await asyncio.sleep(RETRY_SECONDS)

    async def begin(self, release: Release, now: float) -> Release:
        """Store a new release; it takes the place of weights that an operator set for its targets, and of older releases.

        Raises Conflict (T2001, T2005, T2006) if it may not begin, StoreError if it cannot be committed; then nothing changed.
        """
        spec, key = release.spec, key_of(release)
        self._refuse_unread(spec)
        admitted(self.records, spec)
        older = [each for each in self.records if not each.closed and _related(each.spec, spec)]
        moved = {key_of(each): after for each in older if (after := overtaken(each, release, now)) is not each}
        compares = [Compare(key=_active_key(service), revision=0) for service in _services(spec)]
        compares += [Compare(key=record_key(key), revision=0)]
        compares += [Compare(key=record_key(each), revision=self._revisions[each]) for each in moved]
        operations: list[Put | Delete] = [
            *(Put(key=_active_key(service), value=str(release.number).encode()) for service in _services(spec)),
            Put(key=record_key(key), value=written(release)),
            *(Put(key=record_key(each), value=written(after)) for each, after in moved.items()),
            *(Delete(key=store_key("weights", target)) for target in spec.targets),
        ]
        await self._commit(tuple(compares), tuple(operations), {key: release, **moved})
        return self._records.get(key, release)

    async def commit(self, before: Release, after: Release, also: tuple[Put | Delete, ...] = ()) -> Release:
        """Store `after` in the place of `before`, with `also` in the same transaction. Raises Conflict (T1610) if it changed
        meanwhile, StoreError."""
        key = key_of(before)
        if self._records.get(key) != before:
            raise _changed_meanwhile(key)
        operations: list[Put | Delete] = [Put(key=record_key(key), value=written(after)), *also]
        if after.finished and not before.finished:
            operations += [Delete(key=_active_key(service)) for service in _services(after.spec)]
        gone: list[Key] = []
        if after.closed:
            siblings = [after if each is before else each for each in self.records if each.spec.service == key[0]]
            gone = [(key[0], number) for number in prunable(siblings)]
            operations += [Delete(key=record_key(each)) for each in gone]
        compares = (Compare(key=record_key(key), revision=self._revisions[key]),)
        await self._commit(compares, tuple(operations), {key: after}, gone)
        return self._records.get(key, after)

    def _refuse_unread(self, spec: Spec) -> None:
        """What nobody here can read may be a release that goes on."""
        folders = tuple(f"{_RECORD}{_escaped(service)}/" for service in _services(spec))
        problem = next((each for key, each in self._unread.items() if key.startswith(folders)), None)
        if problem is not None:
            raise Conflict(problem)

    async def _commit(
        self,
        compares: tuple[Compare, ...],
        operations: tuple[Put | Delete, ...],
        puts: dict[Key, Release],
        gone: Iterable[Key] = (),
    ) -> None:
        revision = await self._store.txn(compares, operations)
        if revision is None:
            await self.load()
            raise _changed_meanwhile(next(iter(puts)))
        for key, release in puts.items():
            if revision > self._revisions.get(key, 0):
                self._records[key], self._revisions[key] = release, revision
        for key in gone:
            self._records.pop(key, None)
        self._changed()

    def _follow(self, changes: Iterable[Change]) -> None:
        """What others committed; our own come again by the watch, and are old."""
        news = False
        for change in changes:
            key = _parsed(change.key)
            if change.value is None:
                self._unread.pop(change.key, None)
                news |= key is not None and self._records.pop(key, None) is not None
            elif key is None or change.revision > self._revisions.get(key, 0):
                self._take(Entry(key=change.key, value=change.value, revision=change.revision))
                news = True
        if news:
            self._changed()

    def _take(self, entry: Entry) -> None:
        key = _parsed(entry.key)
        self._unread.pop(entry.key, None)
        if key is None:
            return
        found = read(entry.value, entry.key)
        if isinstance(found, Problem):
            self._unread[entry.key] = found
            logger("control").error("%s", found)
        else:
            self._records[key], self._revisions[key] = found, entry.revision


def key_of(release: Release) -> Key:
    """What a record is called in the book."""
    return release.spec.service, release.number


def record_key(key: Key) -> str:
    """The store key of a record; the service is escaped to ASCII."""
    return f"{_RECORD}{_escaped(key[0])}/{key[1]}"


def _active_key(service: str) -> str:
    return f"{_ACTIVE}{_escaped(service)}"


def _escaped(service: str) -> str:
    return quote(service, safe="/*.:-_")


def _parsed(store_key_: str) -> Key | None:
    """Service and number; None for keys that are no record's."""
    service, _, number = store_key_.removeprefix(_RECORD).rpartition("/")
    return (unquote(service), int(number)) if store_key_.startswith(_RECORD) and number.isdecimal() else None


def _services(spec: Spec) -> tuple[str, ...]:
    return tuple(dict.fromkeys((spec.service, spec.stable.service, spec.candidate.service)))


def _related(one: Spec, other: Spec) -> bool:
    return bool({*one.targets, *_services(one)} & {*other.targets, *_services(other)})


def _changed_meanwhile(key: Key) -> Conflict:
    return Conflict(
        Problem(
            code="T1610",
            text=f"release {key[1]} of {key[0]} changed meanwhile",
            place=key[0],
            mend="look at it again, and repeat what is still wanted",
            kept="nothing was changed",
        )
    )
