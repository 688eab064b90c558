"""Follows one engine (any `engine.port.Engine`) and publishes what runs there.

Theory. The engine's events are hints: they can be lost without a trace, come in another order than things happened, and
run ahead of or behind what a list shows. So nothing is concluded from an event but *what to look at*; the truth comes
from inspecting exactly that container. One session with the engine goes like this:

1. open the event stream from a little before the last event seen (the engine's clock), *then* list, so that nothing
   falls between the two; the reader only notes what is dirty and awaits nothing else;
2. inspect what the list shows as new or different, at most 8 at a time, one at a time per container; publish when all
   of it has been looked at once;
3. for each event inspect the container it names: at once if it takes something out of traffic, else after 10 quiet
   milliseconds; list again every 30 seconds, in case an event was lost;
4. when the stream breaks, or three pings in a row get no answer, start over, with the last inventory kept and marked
   stale.

Two exceptions, because seconds count there: `kill` and `die` take effect before the inspect (see `endings`), and
`destroy` removes without one.

What was seen and is shown is the `board`'s, when to look the `inspector`'s; here is what follows from events and lists.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from msgspec.structs import replace

from tidegate.config import DockerConfig
from tidegate.discovery.board import Board
from tidegate.discovery.endings import is_deadly
from tidegate.discovery.footing import stands_in
from tidegate.discovery.heard import Heard
from tidegate.discovery.inspector import Inspector
from tidegate.discovery.labels import is_enabled, understand
from tidegate.discovery.provider import Publish
from tidegate.discovery.sightings import Sightings
from tidegate.discovery.watchdog import silent, watch
from tidegate.engine.port import OVERLAY, ContainerDetail, Engine, EngineEvent
from tidegate.errors import EngineError, EngineUnreachable, Problem
from tidegate.model import Instance
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics, NullMetrics, logger

OPEN_SECONDS = 10.0  # for the event stream to open
LIST_SECONDS = 30.0
RECONNECT_SECONDS = (0.05, 5.0)
DEFAULT_STOP_SECONDS = 10.0  # Docker's own default grace, for a container not inspected yet

_TAKES_AWAY = frozenset({"die", "stop", "pause", "disconnect", "health_status: unhealthy"})
_NOT_OURS = frozenset({"image", "volume"})
_log = logger("discovery.docker")


class EngineProvider:
    """A `Provider` over one engine. `heard` is called with each event, whatever it speaks of. `stands_in` says whether we have an address in a subnet. `problems` says why the engine cannot be followed, or which container cannot be read."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        node: str,
        config: DockerConfig,
        rng: random.Random | None = None,
        metrics: Metrics | None = None,
        heard: Callable[[EngineEvent], None] = lambda _: None,
        stands_in: Callable[[str], bool] = stands_in,
    ) -> None:
        self.name = name
        self._engine = engine
        self._node = node
        self._config = config
        self._rng = rng or random.Random()  # noqa: S311  spreads waits, guards nothing
        self._metrics = metrics or NullMetrics()
        self._sightings = Sightings()
        self._inspector = Inspector(engine, name, self, self._metrics, _now)
        self._board = Board(name, self._sightings, self._inspector.postpone, _now)
        self._heard = Heard()
        self._also = heard
        self._stands_in = stands_in
        self._touched: set[str] | None = None  # ids named by events while a list is under way
        self._awaited: set[str] | None = None  # ids that a list found different and that were not inspected since
        self._away: tuple[Problem, ...] = ()
        self._list_now = asyncio.Event()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the engine is not followed, and containers that cannot be inspected."""
        return self._away + self._inspector.problems

    @property
    def stale(self) -> bool:
        """Until the first full list, and again while the engine is away."""
        return self._board.stale

    async def run(self, publish: Publish) -> None:
        """See `Provider`. Runs until cancelled."""
        self._board.begin(publish)
        wait = RECONNECT_SECONDS[0]
        while True:
            began = _now()
            # In a task of its own: a group that ends with errors forgets that its owner was cancelled meanwhile.
            async with Tasks(f"discovery.{self.name}") as tasks:
                tasks.spawn("session", self._until_lost())
            if _now() - began > RECONNECT_SECONDS[1]:  # an engine that is starting up may answer once and go again
                wait = RECONNECT_SECONDS[0]
            await asyncio.sleep(wait * self._rng.uniform(0.8, 1.2))
            wait = min(wait * 2, RECONNECT_SECONDS[1])

    # ----------------------------------------------------------------------------------------------------- sessions

    async def _until_lost(self) -> None:
        """One session with the engine, to its end."""
        try:
            await self._session()
        except* EngineError as group:
            self._lost(_first(group))

    async def _session(self) -> None:
        """Follow the engine until it is lost; raises an ExceptionGroup of EngineError."""
        async with Tasks(f"discovery.{self.name}") as tasks:
            opened = asyncio.Event()
            tasks.spawn("events", self._read(opened))
            tasks.spawn("list", self._list_for_ever(opened))
            tasks.spawn("inspect", self._inspector.run())
            tasks.spawn("publish", self._board.run())
            tasks.spawn("watchdog", watch(self._engine))

    def _lost(self, error: EngineError) -> None:
        if not self._away:
            _log.warning("engine lost", extra={"provider": self.name, "error": str(error)})
        self._metrics.count("tidegate_discovery_sessions_lost_total", provider=self.name)
        self._metrics.gauge("tidegate_discovery_stale", 1, provider=self.name)
        seen = self._board.published
        kept = "what was seen last stays in force" if seen else "nothing is routed before the first full list"
        self._awaited = None
        self._away = tuple(replace(problem, kept=problem.kept or kept) for problem in error.problems)
        self._board.turn(stale=True)

    def _found_all(self) -> None:
        """Everything a list showed has been looked at: the inventory is whole."""
        self._awaited = None
        self._away = ()
        if self._board.turn(stale=False):
            self._metrics.gauge("tidegate_discovery_stale", 0, provider=self.name)

    # ------------------------------------------------------------------------------------------------------- events

    async def _read(self, opened: asyncio.Event) -> None:
        events = self._engine.events(await self._since())
        try:
            async with asyncio.timeout(OPEN_SECONDS) as patience:
                async for event in events:
                    if not opened.is_set():
                        patience.reschedule(None)
                        opened.set()
                    self._note(event)
        except TimeoutError:
            raise silent(self._engine.name, f"the event stream did not open within {OPEN_SECONDS:g} s") from None
        raise silent(self._engine.name, "the event stream ended")

    async def _since(self) -> int:
        if self._heard.any:
            return self._heard.since()
        return self._heard.since(int((await self._engine.info()).now * 1e9))

    def _note(self, event: EngineEvent) -> None:
        """Turn an event into what has to be looked at. Never waits."""
        self._also(event)
        if event.kind in _NOT_OURS:
            return
        if event.kind == "daemon":
            if event.action == "reload":
                self._list_now.set()
            return
        if not event.id or self._heard.is_repeated(event) or self._sightings.is_destroyed(event.id):
            return
        self._metrics.count("tidegate_discovery_events_total", provider=self.name)
        if event.kind == "network" and event.action == "connect" and self._is_on_new_ground(event):
            self._list_now.set()  # also for containers that are not ours: they may ask us as soon as they run
        if self._touched is not None:
            self._touched.add(event.id)
        self._board.notice(event.id)
        if event.kind == "container" and event.action == "destroy":
            self._sightings.destroy(event.id)
            self.gone(event.id)
        elif event.kind == "container" and event.action == "kill":
            self._killed(event)
        elif self._is_wanted(event):
            self._changed_by(event)
        else:
            self._board.overlook(event.id)

    def _is_wanted(self, event: EngineEvent) -> bool:
        """Whether to look at what the event names; a network event does not carry the labels to tell by."""
        sighting = self._sightings.get(event.id)
        if sighting is not None:
            return sighting.instance is not None
        return event.kind == "container" and is_enabled(event.attributes)

    def _is_on_new_ground(self, event: EngineEvent) -> bool:
        """False for who may not list networks: a list would tell no more."""
        network, grounds = event.attributes.get("network", ""), self._sightings.grounds
        return bool(network) and grounds.subnets is not None and not grounds.knows(network)

    def _killed(self, event: EngineEvent) -> None:
        """The earliest hint of an end: no new requests from here on, without waiting for an inspect."""
        sighting = self._sightings.get(event.id)
        stop_signal = sighting.detail.stop_signal if sighting else ""
        if is_deadly(event.attributes.get("signal", ""), stop_signal):
            grace = sighting.detail.stop_timeout_seconds if sighting else DEFAULT_STOP_SECONDS
            self._board.kill(event.id, event.time_ns, grace)

    def _changed_by(self, event: EngineEvent) -> None:
        if event.kind == "container" and event.action == "die":
            self._board.die(event.id, event.time_ns)
        urgent = self._board.serves(event.id) and event.action in _TAKES_AWAY
        self._sightings.doubt(event.id)
        self._inspector.mark(event.id, urgent=urgent)

    # -------------------------------------------------------------------------------------------------------- lists

    async def _list_for_ever(self, opened: asyncio.Event) -> None:
        await opened.wait()
        while True:
            self._list_now.clear()
            await self._list()
            pause = self._config.resync_seconds * self._rng.uniform(0.8, 1.2)
            try:
                async with asyncio.timeout(pause):
                    await self._list_now.wait()
            except TimeoutError:
                continue

    async def _list(self) -> None:
        """Compare a full list with what is known; what an event named since the request was sent is left to its inspect."""
        self._touched = set()
        try:
            async with asyncio.timeout(LIST_SECONDS):
                await self._survey()
                rows = await self._engine.list()
        except TimeoutError:
            raise silent(self._engine.name, f"a list took longer than {LIST_SECONDS:g} s") from None
        finally:
            touched, self._touched = self._touched, None
        self._metrics.count("tidegate_discovery_lists_total", provider=self.name)
        for gone in self._sightings.ids() - {row.id for row in rows} - touched:
            if self._inspector.is_running(gone):
                self._inspector.mark(gone)  # an answer under way may be older than this list
            else:
                self.gone(gone)
        for row in rows:
            if row.id not in touched and self._sightings.is_news(row):
                self._inspector.mark(row.id, urgent=True)
        self._awaited = {row.id for row in rows if self._inspector.is_due(row.id)}
        if not self._awaited:
            self._found_all()

    async def _survey(self) -> None:
        """Learn of the engine's networks. Who may not ask for them does without: all count as having a way out."""
        try:
            networks = await self._engine.networks()
            met = [each.id for each in networks if each.driver == OVERLAY and any(map(self._stands_in, each.subnets))]
            changed = self._sightings.grounds.know(networks, met)
        except EngineUnreachable:
            raise
        except EngineError as error:
            _log.debug("networks cannot be listed: %s", error)
            return
        if changed:
            self._board.resurvey()

    # ----------------------------------------------------------------------------------------------------- inspects

    def found(self, detail: ContainerDetail) -> None:
        """Put a fresh sighting in place; look at once at what else claims its addresses, and at networks nobody knew."""
        if self._sightings.is_destroyed(detail.id):
            return  # the answer is older than the event that removed it
        instance = understand(detail, self.name, self._node, self._config.root_domain)
        before = self._sightings.get(detail.id)
        self._board.show(*self._sightings.put(detail, instance))
        if before is None or before.detail.networks != detail.networks:
            for rival in self._sightings.grounds.rivals(detail):
                self._inspector.mark(rival, urgent=True)
            if self._sightings.grounds.lack(instance):
                self._list_now.set()

    def gone(self, container: str) -> None:
        """The engine has it no more."""
        self._inspector.forget(container)
        self._board.forget(container)
        borrowers = self._sightings.remove(container)
        self._board.show(container, *borrowers)
        self.settled(container)

    def settled(self, container: str) -> None:
        """`container` was looked at, or is gone."""
        if self._awaited is not None:
            self._awaited.discard(container)
            if not self._awaited:
                self._found_all()
        self._board.settle()

    def shown(self, container: str) -> Instance | None:
        """What is shown of it."""
        return self._board.get(container)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _first(group: BaseExceptionGroup[EngineError]) -> EngineError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, EngineError), "only engine errors are caught here"
    return error
