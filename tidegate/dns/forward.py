"""The forwarder: foreign names from the cache, else from the upstreams, in order, until one gives a usable answer.

Identical questions that miss at the same time are asked once. A question for which every upstream failed is not asked
again for `FAILURE_SECONDS` (RFC 9520), so a dead upstream is no reason for a storm.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tidegate.config import DnsConfig
from tidegate.dns import message, wire
from tidegate.dns.cache import Cache, Key
from tidegate.dns.message import Message
from tidegate.dns.upstream import Upstream, query_for
from tidegate.model import Address
from tidegate.tasks import Tasks

MAX_MISSES = 1024  # different questions being asked at a time; more get SERVFAIL at once
FAILURE_SECONDS = 1.0  # the least RFC 9520 3.2 allows: an upstream that comes back is not missed for long
_MAX_FAILURES = 4096

_FAIL_OVER = frozenset([wire.FORMERR, wire.SERVFAIL, wire.NOTIMP, wire.REFUSED])


class UpstreamForwarder:
    """Asks `upstreams`; `config` gives the time for one try and for all of them together."""

    def __init__(self, config: DnsConfig, upstreams: Sequence[Address]) -> None:
        self._try_seconds = config.forward_timeout_seconds
        self._total_seconds = config.forward_total_seconds
        self._upstreams = [Upstream(address) for address in upstreams]
        self._best = 0  # index of the upstream that answered last: asked first
        self._cache = Cache()
        self._misses: dict[Key, asyncio.Future[Message | None]] = {}
        self._failures: dict[Key, float] = {}  # question -> loop time until which it is not asked again
        self._counts: Counter[str] = Counter()

    async def run(self) -> None:
        """Own the upstreams' sockets until cancelled."""
        async with Tasks("dns.upstreams") as tasks:
            for upstream in self._upstreams:
                tasks.spawn(str(upstream.address), upstream.run())

    def cached(self, query: wire.Query, room: int, now: float) -> bytes | None:
        """The reply from the cache, if it is there. `now` is the loop's time."""
        found = self._cache.get(_key(query), now)
        if found is None:
            return None
        self._counts["cached"] += 1
        return message.render(found[0], query, found[1], room)

    async def resolve(self, query: wire.Query, room: int) -> bytes:
        """The reply after asking; SERVFAIL with an extended error where no upstream has a usable answer."""
        found = await self._shared(query)
        if found is None:
            self._counts["failed"] += 1
            return wire.reply(query, wire.SERVFAIL, ra=True, ede=wire.EDE_NO_REACHABLE)
        self._counts["answered"] += 1
        return message.render(found, query, 0, room)

    def counters(self) -> dict[str, int]:
        """Replies from the cache, from upstreams, failures; tries at upstreams; answers rejected as not ours."""
        return {**self._counts, "rejected": sum(upstream.rejected for upstream in self._upstreams)}

    async def _shared(self, query: wire.Query) -> Message | None:
        """The answer, asked for once however many want it."""
        key = _key(query)
        loop = asyncio.get_running_loop()
        if self._failures.get(key, 0.0) > loop.time():
            return None
        waiting = self._misses.get(key)
        if waiting is not None:
            self._counts["coalesced"] += 1
            return await asyncio.shield(waiting)
        if len(self._misses) >= MAX_MISSES:
            self._counts["overload"] += 1
            return None
        answer = self._misses[key] = loop.create_future()
        found = None
        try:
            found = await self._ask_around(query)
        finally:
            del self._misses[key]
            answer.set_result(found)
        self._keep(key, found, loop.time())
        return found

    def _keep(self, key: Key, found: Message | None, now: float) -> None:
        if found is not None:
            self._failures.pop(key, None)
            self._cache.put(key, found, now)
            return
        if len(self._failures) >= _MAX_FAILURES:
            self._failures.clear()
        self._failures[key] = now + FAILURE_SECONDS

    async def _ask_around(self, query: wire.Query) -> Message | None:
        """The first usable answer, the last answering upstream first; the last unusable one if there is no better."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._total_seconds * 0.95  # what is left is for the way back to a client of 5 s
        asked = query_for(query)
        fallback = None
        first = self._best
        for turn in range(2 * len(self._upstreams)):  # twice around: a lost datagram is no failed server
            left = deadline - loop.time()
            if left <= 0:
                break
            index = (first + turn) % len(self._upstreams)
            self._counts["tries"] += 1
            found = await self._upstreams[index].ask(asked, min(self._try_seconds, left))
            if found is None:
                continue
            if found.rcode not in _FAIL_OVER:
                self._best = index
                return found
            fallback = found
            if turn >= len(self._upstreams) - 1:  # every one has answered or had its time
                break
        return fallback


def upstreams_of(config: DnsConfig, resolv_conf: str = "/etc/resolv.conf") -> tuple[Address, ...]:
    """The configured upstreams, else those of `resolv_conf`; never one of our own listeners."""
    return tuple(
        address for address in config.upstreams or _system(resolv_conf) if not _is_own(address, config.listeners)
    )


def _system(path: str) -> list[Address]:
    try:
        lines = Path(path).read_text("utf-8", "replace").splitlines()
    except OSError:  # no file, no upstreams: the server says so when it starts
        return []
    words = (line.split() for line in lines)
    return [Address(host=line[1], port=53) for line in words if len(line) > 1 and line[0] == "nameserver"]


def _is_own(address: Address, listeners: Sequence[Address]) -> bool:
    """Is it where we listen? Also by way of a listener for all addresses; but other addresses of 127/8 belong to other
    resolvers (Docker's at 127.0.0.11, systemd's at 127.0.0.53)."""
    loopback = address.host in ("127.0.0.1", "::1")
    return any(
        listener.port == address.port
        and (listener.host == address.host or (loopback and listener.host in ("0.0.0.0", "::")))  # noqa: S104
        for listener in listeners
    )


def _key(query: wire.Query) -> Key:
    return query.name + query.question[len(query.name) :], query.do, query.cd
