"""The cluster store: etcd v3, spoken to by its JSON gateway. One `Session` for all calls, a stream for each watch.

Opening connects to nobody: who starts while the store is away starts, and `problems` says so. What it costs: a round trip for a read, two compares and
one small write more than was asked for a transaction, a write every few seconds for a watched range that is silent.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import secrets
import time
import weakref

from tidegate.errors import Problem, StoreError
from tidegate.store import bounds, faults, gateway
from tidegate.store.address import EtcdAddress
from tidegate.store.commit import Committer, EpochMoved
from tidegate.store.credentials import Credentials
from tidegate.store.etcd_watch import TOUCH_SECONDS, EtcdWatch
from tidegate.store.faults import Missed
from tidegate.store.gateway import KeyValue, LeaseAnswer, LeaseLine, RangeAnswer, TxnAnswer, Verdict
from tidegate.store.ground import HEARTBEAT, Ground, epoch_key, ground_of, is_entry, session_key
from tidegate.store.port import MAX_OPERATIONS, Compare, Delete, Entry, Listing, Put
from tidegate.store.session import Clock, Session
from tidegate.telemetry import Metrics

PAGE = 1000  # keys asked for at once
Keys = list[KeyValue]  # named here, because `list` is a verb of the store below
_EXISTS, _NOT_FOUND, _OUT_OF_RANGE = 9, 5, 11


class EtcdStore:
    """A `Store` on an etcd cluster. Make it with `await EtcdStore.open(address)`."""

    def __init__(self, session: Session, prefix: str, clock: Clock, rng: random.Random) -> None:
        self.session = session
        self.prefix = prefix.encode()
        self._clock = clock
        self._rng = rng
        self._committer = Committer(session, self.prefix, secrets.token_hex(6))
        self._ground: Ground | None = None  # set by the first call, and anew where the epoch moved
        self._watches: weakref.WeakSet[EtcdWatch] = weakref.WeakSet()
        self._closed = False

    @classmethod
    async def open(cls, address: EtcdAddress, *, clock: Clock = time.monotonic) -> EtcdStore:
        """Read the files the address names. Raises StoreError (T1522)."""
        credentials = Credentials(address)
        await asyncio.to_thread(credentials.load)
        rng = random.Random()  # noqa: S311  it spreads load, and guards nothing
        return cls(Session(address, credentials, clock, rng), address.prefix, clock, rng)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the last call failed, until one succeeds; that it takes no writes, until it does; and that it was restored of late."""
        problem = self.session.problem
        return (*((problem,) if problem is not None else ()), *self.session.lasting)

    def report_to(self, metrics: Metrics) -> None:
        self.session.metrics = metrics

    # -------------------------------------------------------------------------------------------------- reading, writing

    async def get(self, key: str) -> Entry | None:
        ground = await self.ground()
        answer = await self.session.ask("/v3/kv/range", gateway.ranged(ground.key(key)), RangeAnswer)
        return _entry(ground, answer.kvs[0]) if answer.kvs else None

    async def list(self, prefix: str) -> Listing:
        ground = await self.ground()
        found, revision = await self.scan(ground.key(prefix))
        entries = tuple(_entry(ground, each) for each in found if is_entry(each.key))
        return Listing(entries=entries, revision=revision)

    async def txn(self, compares: tuple[Compare, ...], operations: tuple[Put | Delete, ...]) -> int | None:
        bounds.check(compares, operations)
        while True:
            ground = await self.ground()
            try:
                return await self._committer.commit(ground, compares, operations)
            except EpochMoved:
                self._ground = None
                self.session.renew()

    def watch(self, prefix: str, after_revision: int) -> EtcdWatch:
        made = EtcdWatch(
            self.session, prefix, after_revision, self.ground, self._touch, clock=self._clock, rng=self._rng
        )
        self._watches.add(made)
        if self._closed:
            made.close()
        return made

    async def scan(self, start: bytes) -> tuple[Keys, int]:
        """All keys that begin with `start`, heartbeats too, as they were at one revision, and that revision."""
        found: Keys = []
        after, end, revision, limit = start, gateway.span(start), 0, PAGE
        while True:
            body = gateway.ranged(after, end, limit=limit, revision=revision)
            async with self.session.call():
                try:
                    answer = await self.session.again("/v3/kv/range", body, RangeAnswer)
                except Missed as missed:
                    if missed.verdict is Verdict.LARGE and limit > 1:
                        limit = max(1, limit // 4)
                        continue
                    if missed.code == _OUT_OF_RANGE and revision:  # compacted while we read on: from the beginning
                        after, found, revision = start, [], 0
                        continue
                    raise
            found += answer.kvs
            revision = revision or answer.header.revision
            if not answer.more:
                return found, revision
            after = answer.kvs[-1].key + b"\0"

    # ----------------------------------------------------------------------------------------------------------- leases

    async def grant(self, ttl_seconds: float) -> int:
        """A new lease, of whole seconds: never less than asked."""
        lease = secrets.randbelow((1 << 62) - 1) + 1  # chosen here, so that a second try is no second lease
        body = {"ID": str(lease), "TTL": str(max(1, math.ceil(ttl_seconds)))}
        async with self.session.call():
            try:
                await self.session.again("/v3/lease/grant", body, LeaseAnswer)
            except Missed as missed:
                if missed.code != _EXISTS:
                    raise
        return lease

    async def keep(self, lease: int) -> bool:
        line = await self.session.ask("/v3/lease/keepalive", {"ID": str(lease)}, LeaseLine)
        return line.result is not None and line.result.TTL > 0

    async def revoke(self, lease: int) -> None:
        async with self.session.call():
            try:
                await self.session.again("/v3/lease/revoke", {"ID": str(lease)}, LeaseAnswer)
            except Missed as missed:
                if missed.code != _NOT_FOUND:
                    raise

    # ------------------------------------------------------------------------------------------------------ upkeep, end

    async def compact(self, older_than_seconds: float) -> int:
        """Forget the history before the newest revision that is known to be so old; that revision, 0 where none is known.

        Markers of store objects that are no more go with it.
        """
        revision = self.session.revision_of(older_than_seconds)
        if not revision:
            return 0
        async with self.session.call():
            try:
                await self.session.again("/v3/kv/compaction", {"revision": str(revision)}, RangeAnswer)
            except Missed as missed:
                if missed.code != _OUT_OF_RANGE:  # somebody did already
                    raise
        await self._sweep(revision)
        return revision

    async def close(self) -> None:
        """End every watch, delete what calls needed for themselves, let go of the connections."""
        if self._closed:
            return
        self._closed = True
        for watch in tuple(self._watches):
            watch.close()
        with contextlib.suppress(StoreError):  # whoever compacts sweeps them later
            await self._committer.forget()
        await self.session.close()

    async def ground(self) -> Ground:
        """Where our keys lie now. Raises StoreError."""
        if self._ground is None:
            answer = await self.session.ask("/v3/kv/range", gateway.ranged(epoch_key(self.prefix)), RangeAnswer)
            try:
                self._ground = ground_of(self.prefix, answer.kvs[0] if answer.kvs else None)
            except ValueError as error:
                raise StoreError(faults.unread(self.session.address, str(error))) from error
        return self._ground

    async def refreshed(self) -> Ground:
        """The ground as it is now, whatever was known of it before."""
        self._ground = None
        return await self.ground()

    async def _touch(self, prefix: str) -> int:
        """Write the heartbeat of a watched range; its revision. It may be written twice."""
        ground = await self.ground()
        condition = gateway.unchanged(epoch_key(self.prefix), ground.revision)
        write = gateway.put(ground.key(prefix) + HEARTBEAT, b"")
        body = gateway.transaction([condition], [write], [])
        answer = await self.session.ask("/v3/kv/txn", body, TxnAnswer, TOUCH_SECONDS)
        if not answer.succeeded:
            self._ground = None
            self.session.renew()
        return answer.header.revision

    async def _sweep(self, revision: int) -> None:
        folder = session_key(self.prefix, "")
        body = gateway.ranged(folder, gateway.span(folder), limit=MAX_OPERATIONS, newest=revision)
        for each in (await self.session.ask("/v3/kv/range", body, RangeAnswer)).kvs:
            same = gateway.unchanged(each.key, each.mod_revision)
            body = gateway.transaction([same], [gateway.delete(each.key)], [])
            await self.session.ask("/v3/kv/txn", body, TxnAnswer)


def _entry(ground: Ground, found: KeyValue) -> Entry:
    return Entry(key=ground.name(found.key), value=found.value, revision=found.mod_revision, lease=found.lease)
