"""The forwarder: foreign names from the cache, else from the upstreams, and where those fail from the cache again.

Identical questions that miss at the same time are asked once. A question that found no answer is not asked again for
`FAILURE_SECONDS`, doubling (RFC 9520), so a dead upstream is no reason for a storm; what is past its time serves
meanwhile (RFC 8767). Nothing here waits: whoever asks leaves a way back, which is used in any case, and in time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.config import DnsConfig
from tidegate.dns import message, rebind, special, wire
from tidegate.dns.account import Account
from tidegate.dns.alarms import Alarms
from tidegate.dns.cache import STALE_TTL, Cache, key_of
from tidegate.dns.copies import Copies
from tidegate.dns.entropy import Entropy
from tidegate.dns.failures import Failures
from tidegate.dns.group import Group, Groups
from tidegate.dns.inquiry import Inquiry, Send, Waiter
from tidegate.dns.loop import LoopCheck
from tidegate.dns.message import Message
from tidegate.dns.pipe import Pipe
from tidegate.dns.resolvconf import ResolvConf, Watch
from tidegate.dns.upstream import Try, Upstream, query_for
from tidegate.dns.view import Asker
from tidegate.model import Address, Nameserver
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

MAX_INQUIRIES = 1024  # different questions being asked at a time; more get SERVFAIL at once
MAX_WAITERS = 4096  # queries without a reply yet, over all of them
RELOAD_SECONDS = 5.0  # between looks at resolv.conf
_WAY_BACK = 0.95  # of the time for all tries: a client that waits as long must still get the reply

log = logger("dns")
RESOLV_CONF = Path("/etc/resolv.conf")


class UpstreamForwarder:
    """Asks the upstreams of `config`, or those of `resolv_conf` where it names none. `reload` or `run` make them known.
    `copies`, if there are any, are filled here and counted among what may be kept."""

    def __init__(self, config: DnsConfig, resolv_conf: Path = RESOLV_CONF, copies: Copies | None = None) -> None:
        self._config = config
        self._total_seconds = config.forward_total_seconds * _WAY_BACK
        self._stale_seconds = config.stale_seconds
        limit = config.cache_bytes - (copies.size if copies is not None else 0)
        self._cache = Cache(limit, copies, cookies=config.cookies)
        self._copies = copies
        self._failures = Failures()
        self._entropy = Entropy()
        self._loops = LoopCheck(config.listeners)
        self._watch = Watch(resolv_conf)
        self._upstreams: dict[Nameserver, Upstream] = {}
        self._groups = Groups(Group(()), {})
        self._trusted: frozenset[bytes] = frozenset()  # zones that may answer with private addresses
        self._inquiries: dict[bytes, Inquiry] = {}
        self._alarms = Alarms()
        self._waiting = 0
        self._by: Upstream | None = None  # who gave what is being sent; none where it is stale, or nobody did
        self._counts: Counter[str] = Counter()  # what is not in each query's way
        self._tries = self._hedges = self._answered = 0
        self._when_done, self._when_late = self._on_done, self._on_late  # once, for all inquiries
        self._clock: Callable[[], float] | None = None  # the loop's, from the first query

    async def run(self) -> None:
        """Own the upstreams' sockets until cancelled."""
        async with Tasks("dns.upstreams") as tasks:
            running: dict[Upstream, asyncio.Task[None]] = {}
            while True:
                if self.reload() or not running:
                    self._follow(tasks, running)
                await asyncio.sleep(RELOAD_SECONDS)

    def reload(self) -> bool:
        """Take in the configuration, or resolv.conf if it has changed. True if something is new."""
        told = self._watch.changed()
        if told is None and self._upstreams:
            return False
        told = told or ResolvConf()
        self._trusted = frozenset(wire.encode(zone) for zone in (*self._config.private_answers, *told.search))
        general = self._members(self._config.upstreams or told.nameservers)
        zones = {
            wire.encode(each.zone): Group(self._members(each.upstreams), is_trusted=True)
            for each in self._config.forward_zones
        }
        self._groups = Groups(Group(general), zones)
        self._upstreams = {each.server: each for each in self._groups.all()}
        return True

    def copies(self, shape: int) -> Copies | None:
        """What the cache has ready to go out now, in a zone of this shape."""
        if self._copies is not None:
            self._copies.turn(shape, self._now())
        return self._copies

    def recall(self, data: bytes, asker: Asker, shape: int) -> bytes | None:
        """The reply from the cache to a well-formed query, if its name was foreign in a zone of this shape."""
        reply = self._cache.recall(data, asker, shape, self._now())
        if self._cache.due:
            self._refresh()
        return reply

    def take(self, query: wire.Query, room: int, shape: int, send: Callable[[], Send]) -> bytes | None:
        """The reply to a query for a foreign name; None if it is to come: then `send()` has been called for the way
        back, which is used in time for a client that waits for as long as `forward_total_seconds`."""
        key = key_of(query)
        now = self._now()
        found = self._cache.fresh(key, now, shape)
        if found is None:
            return self._miss(key, query, room, shape, send, now)
        reply = self._cache.render(found, query, room, now)
        if self._cache.due:
            self._refresh()
        return reply

    @property
    def answering(self) -> str:
        """Whose answer is being sent, while a way back is used; empty where it is no upstream's."""
        return str(self._by.server) if self._by is not None else ""

    def counters(self) -> dict[str, int]:
        """Replies from the cache, fresh and stale, from upstreams, failures; tries at upstreams; answers rejected."""
        return {
            **self._counts,
            "tries": self._tries,
            "hedged": self._hedges,
            "answered": self._answered,
            "cached": self._cache.hits + (self._copies.hits if self._copies is not None else 0),
            "evicted": self._cache.evicted,
            "rejected": sum(upstream.rejected for upstream in self._upstreams.values()),
        }

    def upstreams(self) -> Sequence[Upstream]:
        """Who is asked, for whoever reports on them."""
        return tuple(self._upstreams.values())

    def asked(self, name: bytes) -> tuple[str, ...]:
        """Who is asked for `name`, lower case in wire form, for people who want to know; needs no `run`."""
        self.reload()
        return tuple(str(each.server) for each in self._groups.of(name).upstreams)

    def report(self, account: Account) -> None:
        """Tell what was asked and kept."""
        account.forwarder(self.counters(), (len(self._cache), self._cache.size), self.upstreams())

    # ------------------------------------------------------------------------------------------------ questions

    def _miss(
        self, key: bytes, query: wire.Query, room: int, shape: int, send: Callable[[], Send], now: float
    ) -> bytes | None:
        probe = self._loops.answer(query)
        if probe is not None:
            return probe
        stale = self._cache.stale(key, now)
        if self._failures.holds(key, now):
            return self._poor(query, room, stale, self._failures.answer(key), wire.EDE_NO_REACHABLE)
        inquiry = self._inquiries.get(key)
        is_new = inquiry is None
        if self._waiting >= MAX_WAITERS or (is_new and len(self._inquiries) >= MAX_INQUIRIES):
            self._counts["overload"] += 1
            return self._poor(query, room, stale, None, wire.EDE_NETWORK)
        if inquiry is None:
            inquiry = self._inquire(key, query.name)
        else:
            self._counts["coalesced"] += 1
        inquiry.shape = shape
        if stale is not None:
            inquiry.offer(stale, self._stale_seconds)
        if stale is not None and (inquiry.is_late or not self._groups.of(query.name).is_up):
            reply = self._poor(query, room, stale, None, 0)
        else:
            reply = None
            inquiry.waiters.append(Waiter(query, room, send()))
            self._waiting += 1
        if is_new:
            inquiry.start(self._total_seconds)
        return reply

    def _inquire(self, key: bytes, name: bytes) -> Inquiry:
        inquiry = Inquiry(key, query_for(key), self._groups.of(name), self._when_done, self._when_late, self._alarms)
        self._inquiries[key] = inquiry
        return inquiry

    def _refresh(self) -> None:
        """Ask again for what is asked for in the last tenth of its time, once, if there is nothing more urgent to do."""
        for key in self._cache.due:
            if len(self._inquiries) * 2 < MAX_INQUIRIES and key not in self._inquiries:
                self._counts["prefetched"] += 1
                self._inquire(key, key[:-5]).start(self._total_seconds)
            else:
                self._cache.retry(key)
        self._cache.due.clear()

    def _on_late(self, inquiry: Inquiry) -> None:
        """No fresh answer yet: those who wait get the stale one."""
        self._by = None
        for waiter in self._dismissed(inquiry):
            waiter.send(self._poor(waiter.query, waiter.room, inquiry.stale, None, 0))

    def _on_done(self, inquiry: Inquiry, found: Message | None) -> None:
        key = inquiry.key
        del self._inquiries[key]
        self._tries += inquiry.tries
        self._hedges += inquiry.hedges
        now = self._now()
        waiters = self._dismissed(inquiry)
        self._by = inquiry.by
        if found is None or found.rcode in _FAILURES:
            self._failures.add(key, found, now)
            self._cache.retry(key)
            if found is None or inquiry.stale is not None:
                self._by = None
            for waiter in waiters:
                waiter.send(self._poor(waiter.query, waiter.room, inquiry.stale, found, wire.EDE_NO_REACHABLE))
            return
        found = self._checked(raw.part(key, 0, len(key) - 5), found)
        self._failures.forget(key)
        self._cache.put(key, found, now, inquiry.shape)
        self._answered += len(waiters)
        for waiter in waiters:
            waiter.send(message.render(found, waiter.query, found.body, waiter.room, found.ede))

    def _dismissed(self, inquiry: Inquiry) -> list[Waiter]:
        waiters, inquiry.waiters = inquiry.waiters, []
        self._waiting -= len(waiters)
        return waiters

    def _poor(self, query: wire.Query, room: int, stale: Message | None, found: Message | None, ede: int) -> bytes:
        """The reply where there is no good one: a stale answer, else what an upstream said, else SERVFAIL."""
        if stale is not None:
            self._counts["stale"] += 1
            why = wire.EDE_STALE_NXDOMAIN if stale.rcode == wire.NXDOMAIN else wire.EDE_STALE
            return message.render(stale, query, message.lasting(stale, STALE_TTL), room, why)
        self._counts["failed"] += 1
        if found is not None:
            return message.render(found, query, found.body, room)
        return wire.reply(query, wire.SERVFAIL, ra=True, ede=ede)

    def _checked(self, name: bytes, found: Message) -> Message:
        """`found` without private addresses, unless those who know `name` may give such."""
        group = self._groups.of(name)
        if _ROOT in self._trusted or group.is_trusted or special.apex_above(name, self._trusted):
            return found
        clean = rebind.strip(found)
        if clean.ede is not None:
            if not self._counts["stripped"]:  # the first one says what to do; the rest are counted
                log.warning(
                    "private address taken out of an upstream's answer; a zone that may have some belongs into "
                    "dns.private_answers or dns.forward_zones",
                    extra={"qname": wire.decode(name)},
                )
            self._counts["stripped"] += 1
        return clean

    # ------------------------------------------------------------------------------------------------ upstreams

    def _members(self, servers: Sequence[Nameserver]) -> list[Upstream]:
        """The upstreams for `servers`, those we have already with all they know; never ourselves."""
        found = []
        for server in dict.fromkeys(servers):
            if is_own(server, self._config.listeners):
                continue
            if server not in self._upstreams:
                pipe = Pipe(server, self._entropy, self._config.upstream_ca)
                self._upstreams[server] = Upstream(
                    server,
                    pipe,
                    self._config.forward_timeout_seconds,
                    self._entropy,
                    mixed_case=self._config.mixed_case,
                )
            found.append(self._upstreams[server])
        return found

    def _follow(self, tasks: Tasks, running: dict[Upstream, asyncio.Task[None]]) -> None:
        """Run what is new, end what is gone."""
        current = set(self._upstreams.values())
        for upstream in current - running.keys():
            running[upstream] = tasks.spawn(str(upstream.server), upstream.run())
            if self._config.loop_check:
                upstream.ask(query_for(self._loops.question() + b"\0"), self._on_probe)
        for upstream in running.keys() - current:
            running.pop(upstream).cancel()

    def _on_probe(self, asking: Try, found: Message | None) -> None:
        if found is not None and self._loops.is_ours(found):
            asking.upstream.standing.loops()
            log.error(
                "DNS upstream sends our own queries back and is not asked; give another one with --upstream-dns",
                extra={"upstream": str(asking.upstream.server)},
            )

    def _now(self) -> float:
        if self._clock is None:
            self._clock = asyncio.get_running_loop().time
        return self._clock()


_ROOT = b"\0"
_FAILURES = frozenset([wire.FORMERR, wire.SERVFAIL, wire.NOTIMP, wire.REFUSED])


def is_own(server: Nameserver, listeners: Sequence[Address]) -> bool:
    """Is it where we listen? Also by way of a listener for all addresses; but other addresses of 127/8 belong to other
    resolvers (Docker's at 127.0.0.11, systemd's at 127.0.0.53)."""
    loopback = server.host in ("127.0.0.1", "::1")
    return any(
        listener.port == server.port
        and (listener.host == server.host or (loopback and listener.host in ("0.0.0.0", "::")))  # noqa: S104
        for listener in listeners
    )
