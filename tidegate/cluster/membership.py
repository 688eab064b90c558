"""Our node in the cluster: it joins, stays for as long as its lease is kept, and joins again when it was lost.

One name is one node. Who finds its name held by a node with another id does not join, says so (T2300), and looks again: the
holder may be gone. Its own earlier life it takes over at once, for its state folder belongs to one program at a time. Where the folder
is in another home than that life's, it may be a copy while the other one lives: then it waits too (T2308), for as long as that lease is kept.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from msgspec import json
from msgspec.structs import replace

from tidegate.cluster.keys import INDEXES, index_key, live_key
from tidegate.cluster.lease import RETRY_SECONDS, SILENCE_SECONDS, TTL_SECONDS, Clock, Lease, answered
from tidegate.cluster.live import Live, read
from tidegate.errors import Problem, StoreError
from tidegate.store.port import Compare, Entry, Put, Store
from tidegate.telemetry import logger

#: Before our lease can end what must not run twice begins to stop here (`placement.reschedule` counts on it).
FENCE_SECONDS = 2.0
#: How long after our start the lease of the life before may still be taken over: it spoke 5 s before its end at the latest.
START_SECONDS = 5.0
TAKEN_SECONDS = 5.0  # between two looks whether our name is free

_log = logger("cluster")


class Membership:
    """`describe` tells who we are now; `changed` is called when the node has joined or is out. `clock` is monotonic."""

    def __init__(
        self,
        store: Store,
        name: str,
        describe: Callable[[], Live],
        *,
        clock: Clock,
        rng: random.Random,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._store = store
        self._describe = describe
        self._clock = clock
        self._rng = rng
        self._changed = changed
        self._lease: Lease | None = None  # while we are in
        self._told: Live | None = None  # what stands in the store, while we are in
        self._joined_at = -TTL_SECONDS  # when we joined again after we were out
        self._cut_at = clock() + START_SECONDS  # when we count as cut off, while we are out
        self.has_name = False  # as was found last: nobody else is the node of our name
        self.index = 0  # our number in the cluster; set by the first join
        self.problem: Problem | None = None  # why we are out; None while we are in, and before the first try

    @property
    def lease(self) -> int | None:
        """The lease that all we publish hangs on; None while it is not sure that we are in."""
        return self._lease.number if self._lease is not None and self._lease.is_sure else None

    @property
    def is_doubtful(self) -> bool:
        """Whether leases may have ended of late with nothing wrong but the store: ours was not heard for as long."""
        now, lease = self._clock(), self._lease
        if lease is None or now > lease.spoke_at + SILENCE_SECONDS:
            return True
        return now < max(lease.broken_at, self._joined_at) + TTL_SECONDS

    @property
    def is_cut_off(self) -> bool:
        """Whether others may soon take us for lost: what must not run twice must not run here."""
        cut_at = self._lease.deadline - FENCE_SECONDS if self._lease is not None else self._cut_at
        return self._clock() >= cut_at

    async def run(self) -> None:
        """Join, stay, join again; until cancelled. The lease is left to its end, which our next life, after a reload or a restart, does
        not wait for: what runs here runs on meanwhile, and is not to be moved because we are made anew."""
        while True:
            pause = await self._live()
            await asyncio.sleep(pause)

    async def tell(self) -> None:
        """Have the store say what `describe` says now. Does nothing while we are out. Raises StoreError."""
        lease, live = self.lease, self._described()
        if lease is None or live == self._told:
            return
        await answered(self._store.txn((), (Put(key=live_key(self.name), value=json.encode(live), lease=lease),)))
        self._told = live

    async def retell(self) -> None:
        """Have the store say it again, whatever it says now. Raises StoreError."""
        self._told = None
        await self.tell()

    async def _live(self) -> float:
        """One stay, from joining to being out; how long to wait before the next."""
        try:
            problem = await self._join()
        except StoreError as error:
            self._out(_lost(self.name, error.problems[0].text))
            return RETRY_SECONDS
        if problem is not None:
            self.has_name = False
            self._out(problem)
            return TAKEN_SECONDS
        assert self._lease is not None
        cause = await self._lease.hold(self._rng)
        self._out(_lost(self.name, cause))
        return RETRY_SECONDS

    async def _join(self) -> Problem | None:
        """Write who we are on a new lease; what is in the way, if something is. Raises StoreError."""
        found = await answered(self._store.get(live_key(self.name)))
        if found is not None and (taken := _taken(self.name, found, self._describe())) is not None:
            return taken
        self.index = await self._numbered()
        lease = await Lease.grant(self._store, self._clock)
        live = self._described()
        before = found.revision if found is not None else 0
        put = Put(key=live_key(self.name), value=json.encode(live), lease=lease.number)
        if await answered(self._store.txn((Compare(key=put.key, revision=before),), (put,))) is None:
            await lease.give_up()
            return _hurried(self.name)
        if self.problem is not None:
            self._joined_at = self._clock()
        self._lease, self._told, self.problem, self.has_name = lease, live, None, True
        _log.info("joined the cluster", extra={"node": self.name, "index": self.index})
        self._changed()
        return None

    async def _numbered(self) -> int:
        """Our number for good: the one we were given before, else the lowest that nobody has. Raises StoreError."""
        while True:
            listing = await answered(self._store.list(INDEXES))
            owners = {
                entry.key.removeprefix(INDEXES): entry.value.decode("utf-8", "replace") for entry in listing.entries
            }
            mine = [int(number) for number, owner in owners.items() if owner == self.name and number.isdigit()]
            if mine:
                return min(mine)
            free = next(number for number in range(1, len(owners) + 2) if str(number) not in owners)
            put = Put(key=index_key(free), value=self.name.encode())
            if await answered(self._store.txn((Compare(key=put.key, revision=0),), (put,))) is not None:
                return free

    def _described(self) -> Live:
        return replace(self._describe(), index=self.index)

    def _out(self, problem: Problem) -> None:
        was_in, self._lease, self._told = self._lease is not None, None, None
        if self.problem is None or self.problem.code != problem.code:
            _log.error("%s", problem)
        self.problem = problem
        if was_in:
            self._cut_at = self._clock()
            self._changed()


def _taken(name: str, found: Entry, own: Live) -> Problem | None:
    live = read(Live, found.key, found.value)
    if isinstance(live, Live) and live.id == own.id:
        return None if live.home in ("", own.home) else _copied(name, live)  # an earlier version says no home
    where = f" at {live.address}" if isinstance(live, Live) and live.address else ""
    return Problem(
        code="T2300",
        text=f"another node is called {name} already",
        place=f"--node {name}",
        cause=f"a node with another state folder{where} keeps its lease under this name",
        mend="give this one another name with --node NAME; a node whose state folder was lost waits until its old lease has ended",
        kept="this node is not part of the cluster; it serves its own containers",
    )


def _copied(name: str, live: Live) -> Problem:
    return Problem(
        code="T2308",
        text=f"another node has a copy of the state folder of {name}",
        place="node.id",
        cause=f"a node with the same node.id{f' at {live.address}' if live.address else ''} keeps its lease; only where this host was started anew is it our own life of before",
        mend="on the copy stop tidegate, remove node.id from its state folder, and start it with a name of its own (--node NAME); after a start of the host wait 15 s",
        kept="the other node goes on; this one is not part of the cluster, and serves its own containers",
    )


def _hurried(name: str) -> Problem:
    return Problem(
        code="T2300",
        text=f"another node took the name {name} at the same moment",
        place=f"--node {name}",
        mend="give each node a name of its own with --node NAME",
        kept="this node is not part of the cluster; it serves its own containers",
    )


def _lost(name: str, cause: str) -> Problem:
    return Problem(
        code="T2303",
        text=f"{name} is cut off from the cluster",
        cause=cause,
        mend="see that the store runs and is reached from here; the node joins again by itself",
        kept="its containers run on, its routers keep the last routes; nothing is scaled or released",
    )
