"""The router of one worker: its start and stop, and everything about it that needs the event loop.

Runs on inherited sockets, follows published tables through `apply`, drains when told. What each request uses is in
`core.Core`; what each table changes is in `routes.RouteBook`.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from tidegate.config import AccessLogConfig, HttpConfig, TracingConfig
from tidegate.errors import ConfigError, Reason
from tidegate.router.arrangement import Arranger
from tidegate.router.connector import Connector
from tidegate.router.core import Core
from tidegate.router.downstream import Downstream
from tidegate.router.drain import Drain
from tidegate.router.errorpages import read_pages
from tidegate.router.filters.answer import Question
from tidegate.router.handshake import Handshake
from tidegate.router.keeper import Keeper
from tidegate.router.listener import Listener
from tidegate.router.live import LiveRoute
from tidegate.router.loop import Loop
from tidegate.router.observer import SpanSink
from tidegate.router.peering import NOWHERE, Peers, Secret
from tidegate.router.records import Records
from tidegate.router.routes import RouteBook
from tidegate.router.secure import Front
from tidegate.router.stickiness import Marker
from tidegate.router.timers import TICK_SECONDS
from tidegate.router.upstream import Upstream
from tidegate.router.waiting import Waiting
from tidegate.routing import Delta, RoutingTable
from tidegate.tasks import Tasks
from tidegate.telemetry import logger
from tidegate.tls.shelf import Shelf
from tidegate.tls.stream import Buffers

_log = logger("router")
_FLUSH_SECONDS = 0.1
_REAP_SECONDS = 5.0


class Router:
    """One worker's HTTP data plane. `on_failure(endpoint id, reason)` tells passive health facts, `on_drained(endpoint
    id)` that nothing is in flight to a draining endpoint any more. `offset` keeps workers' rotations out of step. `spans`
    takes what `tracing` asks to be recorded; without it there are no spans. The `shelf` has the certificates of HTTPS
    listeners and the authorities of containers. `offset` is below `workers`, among whom the node's limits are divided;
    `cookie_key` makes the values of sticky cookies, the same for all who serve the routes. `node` is our name and `secret` what routers of one
    cluster know each other by."""

    def __init__(
        self,
        config: HttpConfig,
        *,
        offset: int = 0,
        workers: int = 1,
        cookie_key: bytes = b"",
        records: AccessLogConfig | None = None,
        tracing: TracingConfig | None = None,
        spans: SpanSink | None = None,
        on_failure: Callable[[str, Reason], None],
        on_drained: Callable[[str], None],
        shelf: Shelf | None = None,
        max_handshakes: int = 1000,
        node: str = "",
        secret: Secret | None = None,
        desks: Mapping[str, str] = NOWHERE,
    ) -> None:
        self.config = config
        self.core = Core(config)
        arranger = Arranger(offset, workers, Marker(cookie_key))
        self.book = RouteBook(arranger, on_drained, self.core.clock, self.core.ledger, max(1, workers))
        self.front = Front(max_handshakes, self.book.of_host)
        self._buffers = Buffers()  # of all its TLS
        self.shelf = shelf
        self.waiting = Waiting(self.book.routes.get, self._contained)
        self.core.wake_soon = self.waiting.wake_soon
        self.core.find_route = self.book.routes.get
        self.core.failed = self._failed
        self.core.answered = self._answered
        self.core.wake_all = self.waiting.wake_all
        self.book.on_room = self.waiting.room
        self.failures: dict[
            tuple[str, str, str, str], int
        ] = {}  # (service, version, endpoint, reason), since the last report
        self.ejections: dict[tuple[str, str, str], int] = {}  # (service, version, endpoint), since the last report
        self._on_failure = on_failure
        self.core.enquire = self._enquire
        self._desk: Any = None  # an `enquiry.Desk`, from the first question on
        self.faults = 0
        self.records = Records(self.core, config, records or AccessLogConfig(), tracing or TracingConfig(), spans)
        self.core.pages = self._pages(config.error_pages)
        self._stopping = asyncio.Event()
        self._tasks: Tasks | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: list[Listener] = []
        self.keeper = Keeper(config, self.core, self._listeners)
        self.peers = Peers(node, secret or Nobody(), self.core, self.book.of_endpoint, desks)
        self._connector = Connector(self.core, self.front, self._buffers, self.peers, self._lacking, self._contained)
        self.core.connect = self._connector.start
        self._drain = Drain(config, self.core)
        self._succeeded = False  # somebody else accepts from the same sockets when we stop
        self._tunnel_seconds = config.drain_seconds  # longer once a successor accepts from the same sockets

    # --- life

    async def run(
        self,
        sockets: Iterable[socket.socket],
        secure: Sequence[socket.socket] = (),
        serves: Callable[[], None] = lambda: None,
        *,
        peers: Sequence[socket.socket] = (),
    ) -> None:
        """Serve on listening sockets, on `secure` ones over TLS, on `peers` other nodes' routers, until `stop` or `retire`; then drain and return. `serves`
        is called when all accept."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop), "it has the reactor"
        self._loop = loop
        if secure:
            self.core.secure_port = secure[0].getsockname()[1]
        self.waiting.begin(self._loop)
        self.records.open()
        self._reactor = loop.reactor
        self._reactor.on_fault = self._fault
        self._listeners.extend(Listener(one, self._accept, self._reactor) for one in sockets)
        self._listeners.extend(Listener(one, self._accept_secure, self._reactor) for one in secure)
        self._listeners.extend(Listener(one, self.peers.accepted, self._reactor) for one in peers)
        try:
            async with Tasks("router") as tasks:
                self._tasks = tasks
                self._connector.begin(self._reactor, tasks)
                self.peers.begin(self._reactor, tasks)
                self.keeper.begin()
                await self._look()
                for listener in self._listeners:
                    listener.open()
                ticking = tasks.spawn("ticks", self._tick())
                looking = tasks.spawn("certificates", self._keep_looking())
                serves()
                await self._stopping.wait()
                looking.cancel()
                self._leave()
                await self._drain.run(self._tunnel_seconds)
                for upstream in list(self.book.upstreams.values()):
                    upstream.close_idle(float("inf"))
                ticking.cancel()
        finally:
            if self._desk is not None:
                await self._desk.close()
            for listener in self._listeners:
                listener.close()
            self._reactor.cut()
            self.records.close()

    @property
    def stopping(self) -> bool:
        """Whether it drains, or has."""
        return self._stopping.is_set()

    @property
    def succeeded(self) -> bool:
        """Whether somebody else serves on the same sockets."""
        return self._succeeded

    def stop(self) -> None:
        """Begin to drain: `run` returns when all is finished or `drain_seconds` have passed, for tunnels too."""
        self._tunnel_seconds = self.config.drain_seconds
        self._drain.hurry()
        self._stopping.set()

    def retire(self) -> None:
        """Begin to drain beside a successor on the same sockets: tunnels may take `tunnel_drain_seconds`."""
        if not self.stopping:
            self._tunnel_seconds = self.config.tunnel_drain_seconds
            self._succeeded = self._drain.patient = True
            self._stopping.set()

    def _leave(self) -> None:
        """Accept no more; what waits in the queue is the successor's, or ours where none comes."""
        self._drain.begin()
        for listener in self._listeners:
            listener.pause()
            if not self._succeeded:
                listener.take_rest()
            listener.close()

    async def _keep_looking(self) -> None:
        """Follow the files of certificates."""
        while self.shelf is not None:
            await asyncio.sleep(self.shelf.pause_seconds)
            await self._look()

    async def _look(self) -> None:
        """One look, in a thread: disks can take their time."""
        if self.shelf is not None and await asyncio.to_thread(self.shelf.look, time.time()):
            self.front.follow(self.shelf.view, self.book.routes.values())

    async def _tick(self) -> None:
        """Turn the wheel, write the log, forget idle connections."""
        clock = self.core.clock
        reap_at = clock() + _REAP_SECONDS
        turn_at = clock() + TICK_SECONDS
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            now = clock()
            self.records.stamp()
            self.records.flush()
            if now >= turn_at:
                turn_at = now + TICK_SECONDS
                self.book.warm()
                self.book.try_ejected()
                await self._turn_wheel(now)
                self.keeper.look(now, self.book.upstreams.values())
            if now >= reap_at:
                reap_at = now + _REAP_SECONDS
                for upstream in list(self.book.upstreams.values()):
                    upstream.close_idle(now - self.config.upstream_idle_seconds)

    async def _turn_wheel(self, now: float) -> None:
        """What is due ends, a few at a time: requests go between."""
        wheel = self.core.wheel
        while True:
            for owner in wheel.turn(now):
                self._contained(owner, partial(owner.on_deadline, now))
            if not wheel.is_behind:
                return
            await asyncio.sleep(0)

    def _pages(self, folder: str) -> dict[int, bytes]:
        """They were readable at the start; a worker that is replaced later serves without them rather than not at all."""
        try:
            return read_pages(folder)
        except ConfigError as error:
            _log.error("%s", error)
            return {}

    # --- the table

    def apply(self, table: RoutingTable, delta: Delta) -> None:
        """Follow a published table."""
        touched = self.book.apply(table, delta)
        for route in touched:
            self.front.mark(route)
        self.core.matcher = self.book.matcher
        self.core.ready = table.version > 0
        for route in touched:
            if route.waiting:
                self.waiting.wake(route)

    # --- called through the core

    def _failed(self, upstream: Upstream, reason: Reason, route: LiveRoute) -> None:
        endpoint = upstream.endpoint
        key = (endpoint.service, endpoint.version, endpoint.id, reason.token)
        self.failures[key] = self.failures.get(key, 0) + 1
        if reason is Reason.OVERLOADED:
            return  # that we have no descriptor left says nothing about the endpoint
        self._on_failure(endpoint.id, reason)
        if self.book.failed(upstream, route.route.policy.ejection):
            self.ejections[key[:3]] = self.ejections.get(key[:3], 0) + 1
            _log.warning("endpoint ejected", extra={"endpoint": endpoint.id, "reason": reason.token})

    def _answered(self, upstream: Upstream) -> None:
        if self.book.answered(upstream):
            _log.info("endpoint back in service", extra={"endpoint": upstream.endpoint.id})

    def _accept(self) -> Any:
        return Downstream(self.core)

    def _accept_secure(self) -> Any:
        return Handshake(self.core, self.front, self._buffers)

    def _lacking(self) -> None:
        """No descriptor or port is left."""
        self.keeper.close_idle(self.book.upstreams.values())

    def _enquire(self, owner: Any, question: Question, done: Callable[[object], None]) -> None:
        assert self._tasks is not None, "questions are only asked while running"
        self._tasks.spawn("enquiry", self._answer(owner, question, done))

    async def _answer(self, owner: Any, question: Question, done: Callable[[object], None]) -> None:
        if self._desk is None:  # loading it takes a quarter of a second, which workers that ask nothing do not pay
            enquiry = await asyncio.to_thread(import_module, "tidegate.router.enquiry")
            self._desk = self._desk or enquiry.Desk()
        outcome = await self._desk.answer(question)
        self._contained(owner, partial(done, outcome))

    def _contained(self, owner: Any, call: Callable[[], None]) -> None:
        """A bug of ours met on one connection costs that connection, not the worker; it is logged and counted."""
        try:
            call()
        except Exception as error:  # noqa: BLE001  our own bug, whatever it is: logged with its trace and counted
            self._fault(error)
            owner.transport.abort()

    def _fault(self, error: BaseException) -> None:
        self.faults += 1
        _log.error("fault on a connection, cut", exc_info=error)


class Nobody:
    """The secret of a router that is part of no cluster."""

    def current(self) -> bytes:
        """None."""
        return b""
