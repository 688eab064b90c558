"""One node leads: runs what must run once. Who holds the key `leader`, on a lease, is it.

    FOLLOWING --(the key is free, or our own of an earlier life: written by comparing)--> LEADING
    LEADING --(`STEP_DOWN_SECONDS` since our last word that was heard, or the lease is gone)--> FOLLOWING

The lease ends in the store `TTL_SECONDS` after that word, so that five seconds pass between our stepping down and another's
leading. A process that is frozen in between knows nothing of it when it goes on, and so each write of a leader carries
`fence`: it compares the revision at which we took the key, which no other leader's key has. Impossible: two leaders' writes
committed out of turn; a leader that rewrites its key (that would change the fence of writes on their way).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import json

from tidegate.cluster.keys import LEADER
from tidegate.cluster.lease import JITTER, Clock, Lease, answered
from tidegate.cluster.live import read
from tidegate.errors import StoreError
from tidegate.store.port import Compare, Delete, Entry, Put, Store
from tidegate.tasks import Tasks
from tidegate.telemetry import logger
from tidegate.value import Value

STEP_DOWN_SECONDS = 10.0
TRY_SECONDS = 2.0

_log = logger("cluster")


class Holder(Value):
    """Who leads: a node, and the `id` and `home` of its state folder."""

    node: str
    id: str = ""
    home: str = ""
    incarnation: str = ""


class Fencing(Protocol):
    """What those who act as leader need of it."""

    @property
    def fence(self) -> Compare | None:
        """Each write of a leader carries this; None while we do not lead, and then nothing may be written."""
        ...

    async def while_leading(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` whenever we lead, from its beginning each time, and cancel it when we do not."""
        ...


class Sole:
    """The leader where there is one node: always us, without an election."""

    leader: str

    def __init__(self, node: str) -> None:
        self.leader = node

    @property
    def fence(self) -> Compare | None:
        """Holds for as long as nobody was elected over this store."""
        return Compare(key=LEADER, revision=0)

    async def while_leading(self, name: str, work: Callable[[], Awaitable[None]]) -> None:  # noqa: ARG002  the port's
        """Run `work`; there is nothing that could end it."""
        await work()


class Leadership:
    """A candidate. `holder` is who we are; `changed` is called when we begin or cease to lead, or another does."""

    def __init__(
        self,
        store: Store,
        holder: Holder,
        *,
        clock: Clock,
        rng: random.Random,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._holder = holder
        self._clock = clock
        self._rng = rng
        self._changed = changed
        self._lease: Lease | None = None  # while we lead
        self._revision = 0  # at which we took the key, while we lead
        self._turned = asyncio.Event()  # set, and replaced, at each change
        self._is_blind = False  # the store did not answer the last time, and that was said
        self.leader = ""  # the node that leads, as last seen; empty: none is known

    @property
    def fence(self) -> Compare | None:
        """Each write of ours as leader carries this; None while it is not sure that we lead."""
        if self._lease is None or not self._lease.is_sure:
            return None
        return Compare(key=LEADER, revision=self._revision)

    async def write(self, compares: tuple[Compare, ...], operations: tuple[Put | Delete, ...]) -> int | None:
        """Commit as leader; the revision, or None where a compare does not hold or we do not lead any more. Raises StoreError."""
        fence = self.fence
        return await self._store.txn((fence, *compares), operations) if fence is not None else None

    async def run(self) -> None:
        """Lead, or wait to; until cancelled, and then let the next one lead at once."""
        try:
            while True:
                try:
                    stands = await self._stand()
                    self._is_blind = False
                    if stands:
                        await self._lead()
                except StoreError as error:
                    self._blind(error)
                await asyncio.sleep(TRY_SECONDS * (1 - JITTER + 2 * JITTER * self._rng.random()))
        finally:
            await self._resign()

    async def while_leading(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` whenever we lead, from its beginning each time, and cancel it when we do not."""
        while True:
            while self.fence is None:
                await self._turned.wait()
            ended = self._turned
            async with Tasks("leading") as tasks:
                working = tasks.spawn(name, _awaited(work))
                await ended.wait()
                working.cancel()

    async def _stand(self) -> bool:
        """Take the key if it is free; whether we lead now. Raises StoreError."""
        found = await answered(self._store.get(LEADER))
        if found is not None and not self._is_ours(found):
            self._follow(found)
            return False
        lease = await Lease.grant(self._store, self._clock, sure_seconds=STEP_DOWN_SECONDS)
        put = Put(key=LEADER, value=json.encode(self._holder), lease=lease.number)
        compare = Compare(key=LEADER, revision=found.revision if found is not None else 0)
        revision = await answered(self._store.txn((compare,), (put,)))
        if revision is None or not lease.is_sure:
            await lease.give_up()
            return False
        self._lease, self._revision = lease, revision
        self._turn(self._holder.node)
        return True

    async def _lead(self) -> None:
        """Until we do not."""
        lease = self._lease
        assert lease is not None
        _log.info("leads the cluster", extra={"revision": self._revision})
        cause = await lease.hold(self._rng, TRY_SECONDS)
        _log.warning("leads no longer", extra={"cause": cause})
        self._lease = None
        self._turn("")
        await lease.give_up()  # so that the next one need not wait for it

    async def _resign(self) -> None:
        lease, self._lease = self._lease, None
        if lease is None:
            return
        self._turn("")
        if lease.is_sure:
            try:
                await asyncio.shield(lease.give_up())
            except StoreError as error:
                _log.warning("could not resign, the lease will end", extra={"cause": str(error)})

    def _blind(self, error: StoreError) -> None:
        if not self._is_blind:
            self._is_blind = True
            _log.warning("cannot see who leads", extra={"cause": str(error)})

    def _is_ours(self, found: Entry) -> bool:
        """Of an earlier life of this node, that cannot write any more: its state folder is ours, and not a copy of ours."""
        holder = read(Holder, found.key, found.value)
        return (
            isinstance(holder, Holder)
            and bool(holder.id)
            and (holder.node, holder.id) == (self._holder.node, self._holder.id)
            and holder.home in ("", self._holder.home)  # an earlier version says none
        )

    def _follow(self, found: Entry) -> None:
        holder = read(Holder, found.key, found.value)
        node = holder.node if isinstance(holder, Holder) else "?"
        if node != self.leader:
            self._turn(node)

    def _turn(self, leader: str) -> None:
        self.leader = leader
        self._turned.set()
        self._turned = asyncio.Event()
        self._changed()


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()
