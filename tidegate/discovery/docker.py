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
"""

from __future__ import annotations

import asyncio
import random
import time

from msgspec.structs import replace

from tidegate.config import DockerConfig
from tidegate.discovery.agenda import LONGEST_SECONDS, Agenda
from tidegate.discovery.catalog import Catalog
from tidegate.discovery.endings import Endings, is_deadly
from tidegate.discovery.labels import is_enabled, understand
from tidegate.discovery.provider import Publish
from tidegate.discovery.sightings import Sightings
from tidegate.engine.port import ContainerDetail, Engine, EngineEvent
from tidegate.errors import EngineError, EngineUnreachable, NoSuchThing, Problem, Severity
from tidegate.model import Instance, InstanceState, Inventory
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics, NullMetrics, logger

CONCURRENT_INSPECTS = 8
INSPECT_SECONDS = 5.0
OPEN_SECONDS = 10.0  # for the event stream to open
LIST_SECONDS = 30.0
OVERLAP_NS = 2_000_000_000  # how far before the last event a new stream begins
PUBLISH_SECONDS = 0.005  # changes within this time share one inventory
RETRY_SECONDS = (1.0, 30.0)  # first and longest wait after a failed inspect
RECONNECT_SECONDS = (0.05, 5.0)
DEFAULT_STOP_SECONDS = 10.0  # Docker's own default grace, for a container not inspected yet
PING_SECONDS = 10.0
PINGS_MISSED = 3
REMEMBERED_EVENTS = 2048  # a new stream repeats events; these are known

_TAKES_AWAY = frozenset({"die", "stop", "pause", "disconnect", "health_status: unhealthy"})
_log = logger("discovery.docker")


class EngineProvider:
    """A `Provider` over one engine. `problems` says why the engine cannot be followed, or which container cannot be read."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        node: str,
        config: DockerConfig,
        rng: random.Random | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.name = name
        self.stale = True  # until the first full list, and again while the engine is away
        self._engine = engine
        self._node = node
        self._config = config
        self._rng = rng or random.Random()  # noqa: S311  spreads waits, guards nothing
        self._metrics = metrics or NullMetrics()
        self._catalog = Catalog()
        self._sightings = Sightings()
        self._agenda = Agenda()
        self._endings = Endings()
        self._last_event_ns = 0
        self._known_events: dict[tuple[int, str, str], None] = {}
        self._touched: set[str] | None = None  # ids named by events while a list is under way
        self._awaited: set[str] | None = None  # ids that a list found different and that were not inspected since
        self._failures: dict[str, tuple[int, Problem]] = {}  # inspects failed in a row
        self._noticed: dict[str, float] = {}  # id -> when an event first named it since it was last looked at
        self._oldest = 0.0  # the oldest such time of what the next inventory changes; 0: no event led to it
        self._resurveyed = False  # set when networks changed, until that is published
        self._away: tuple[Problem, ...] = ()
        self._version = 0
        self._publish: Publish | None = None  # set by `run`
        self._work = asyncio.Event()  # the agenda got something
        self._changed = asyncio.Event()  # there is something to publish
        self._list_now = asyncio.Event()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the engine is not followed, and containers that cannot be inspected."""
        return self._away + tuple(problem for _, problem in self._failures.values())

    async def run(self, publish: Publish) -> None:
        """See `Provider`. Runs until cancelled."""
        self._publish = publish
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
            tasks.spawn("inspect", self._inspect_for_ever())
            tasks.spawn("publish", self._publish_for_ever())
            tasks.spawn("watchdog", self._ping_for_ever())

    def _lost(self, error: EngineError) -> None:
        if not self._away:
            _log.warning("engine lost", extra={"provider": self.name, "error": str(error)})
        self._metrics.count("tidegate_discovery_sessions_lost_total", provider=self.name)
        self._metrics.gauge("tidegate_discovery_stale", 1, provider=self.name)
        kept = "what was seen last stays in force" if self._version else "nothing is routed before the first full list"
        self._awaited = None
        self._away = tuple(replace(problem, kept=problem.kept or kept) for problem in error.problems)
        if not self.stale:
            self.stale = True
            self._publish_now()

    def _found(self) -> None:
        """Everything a list showed has been looked at: the inventory is whole."""
        self._awaited = None
        self._away = ()
        if self.stale:
            self.stale = False
            self._metrics.gauge("tidegate_discovery_stale", 0, provider=self.name)
            self._publish_now()

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
            raise _silent(self._engine.name, f"the event stream did not open within {OPEN_SECONDS:g} s") from None
        raise _silent(self._engine.name, "the event stream ended")

    async def _since(self) -> int:
        if self._last_event_ns:
            return max(0, self._last_event_ns - OVERLAP_NS)
        return max(0, int((await self._engine.info()).now * 1e9) - OVERLAP_NS)

    def _note(self, event: EngineEvent) -> None:
        """Turn an event into what has to be looked at. Never waits."""
        if event.kind == "daemon":
            if event.action == "reload":
                self._list_now.set()
            return
        if not event.id or self._is_repeated(event) or self._sightings.is_destroyed(event.id):
            return
        self._metrics.count("tidegate_discovery_events_total", provider=self.name)
        if event.kind == "network" and event.action == "connect" and self._is_on_new_ground(event):
            self._list_now.set()  # also for containers that are not ours: they may ask us as soon as they run
        if self._touched is not None:
            self._touched.add(event.id)
        self._noticed.setdefault(event.id, time.monotonic())
        if event.kind == "container" and event.action == "destroy":
            self._sightings.destroy(event.id)
            self._forget(event.id)
        elif event.kind == "container" and event.action == "kill":
            self._killed(event)
        elif self._is_wanted(event):
            self._changed_by(event)
        else:
            self._noticed.pop(event.id, None)

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

    def _is_repeated(self, event: EngineEvent) -> bool:
        key = (event.time_ns, event.id, event.action)
        if key in self._known_events:
            return True
        self._known_events[key] = None
        if len(self._known_events) > REMEMBERED_EVENTS:
            del self._known_events[next(iter(self._known_events))]
        self._last_event_ns = max(self._last_event_ns, event.time_ns)
        return False

    def _killed(self, event: EngineEvent) -> None:
        """The earliest hint of an end: no new requests from here on, without waiting for an inspect."""
        sighting = self._sightings.get(event.id)
        stop_signal = sighting.detail.stop_signal if sighting else ""
        if not is_deadly(event.attributes.get("signal", ""), stop_signal):
            return
        grace = sighting.detail.stop_timeout_seconds if sighting else DEFAULT_STOP_SECONDS
        self._endings.kill(event.id, event.time_ns, _now(), grace)
        self._correct(event.id)
        self._look_when_it_expires(event.id)

    def _changed_by(self, event: EngineEvent) -> None:
        if event.kind == "container" and event.action == "die":
            self._endings.die(event.id, event.time_ns, _now())
            self._correct(event.id)
        instance = self._catalog.get(event.id)
        serving = instance is not None and instance.state is InstanceState.RUNNING
        self._sightings.doubt(event.id)
        self._agenda.mark(event.id, _now(), urgent=serving and event.action in _TAKES_AWAY)
        self._work.set()

    def _correct(self, container: str) -> None:
        """Let an ending take effect on what is known; published before anything else happens."""
        instance = self._catalog.get(container)
        if instance is None:
            return
        state = self._endings.correct(container, instance.state, instance.started_at, _now())
        if state is not instance.state:
            self._catalog.put(replace(instance, state=state))
            self._date(container)
            if self._version:
                self._publish_now()

    def _look_when_it_expires(self, container: str) -> None:
        expiry = self._endings.expiry(container)
        if expiry is not None:
            self._agenda.postpone(container, expiry)
            self._work.set()

    def _forget(self, container: str) -> None:
        """It is gone."""
        self._agenda.forget(container)
        self._endings.forget(container)
        self._failures.pop(container, None)
        borrowers = self._sightings.remove(container)
        self._show(container, *borrowers)
        self._settled(container)

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
            raise _silent(self._engine.name, f"a list took longer than {LIST_SECONDS:g} s") from None
        finally:
            touched, self._touched = self._touched, None
        self._metrics.count("tidegate_discovery_lists_total", provider=self.name)
        for gone in self._sightings.ids() - {row.id for row in rows} - touched:
            if self._agenda.is_running(gone):
                self._agenda.mark(gone, _now())  # an answer under way may be older than this list
            else:
                self._forget(gone)
        for row in rows:
            if row.id not in touched and self._sightings.is_news(row):
                self._agenda.mark(row.id, _now(), urgent=True)
        self._work.set()
        self._awaited = {row.id for row in rows if self._agenda.is_due(row.id, _now() + LONGEST_SECONDS)}
        if not self._awaited:
            self._found()

    async def _survey(self) -> None:
        """Learn of the engine's networks. Who may not ask for them does without: all count as having a way out."""
        try:
            changed = self._sightings.grounds.know(await self._engine.networks())
        except EngineUnreachable:
            raise
        except EngineError as error:
            _log.debug("networks cannot be listed: %s", error)
            return
        if changed:
            self._show(*self._sightings.ids())
            self._resurveyed = True
            self._changed.set()

    def _settled(self, container: str) -> None:
        """`container` was looked at, or is gone."""
        if self._awaited is not None:
            self._awaited.discard(container)
            if not self._awaited:
                self._found()
        if self._catalog.changed:
            self._changed.set()

    # ----------------------------------------------------------------------------------------------------- inspects

    async def _inspect_for_ever(self) -> None:
        places = asyncio.Semaphore(CONCURRENT_INSPECTS)
        async with Tasks(f"discovery.{self.name}.inspect") as tasks:
            while True:
                await places.acquire()
                container = await self._next()
                tasks.spawn(container[:12], self._inspect(container, places))

    async def _next(self) -> str:
        """The next container whose turn it is."""
        while True:
            self._work.clear()
            container = self._agenda.take(_now())
            if container is not None:
                return container
            due = self._agenda.next_due()
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - _now())):
                    await self._work.wait()
            except TimeoutError:
                continue

    async def _inspect(self, container: str, places: asyncio.Semaphore) -> None:
        looked = False
        try:
            await self._look(container)
            looked = True
        finally:
            if not looked:  # the session is ending; the next one must look again
                self._agenda.mark(container, _now())
            self._agenda.done(container)
            places.release()
            self._work.set()
        self._settled(container)

    async def _look(self, container: str) -> None:
        """Replace what is known of `container` by what the engine says of it now."""
        self._metrics.count("tidegate_discovery_inspects_total", provider=self.name)
        try:
            async with asyncio.timeout(INSPECT_SECONDS):
                detail = await self._engine.inspect(container)
        except NoSuchThing:
            self._forget(container)
        except (EngineError, TimeoutError) as error:
            self._failed(container, error)
        else:
            self._failures.pop(container, None)
            if not self._sightings.is_destroyed(container):  # else the answer is older than the event that removed it
                instance = understand(detail, self.name, self._node, self._config.root_domain)
                self._take(detail, instance)

    def _take(self, detail: ContainerDetail, instance: Instance) -> None:
        """Put a fresh sighting in place; look at once at what else claims its addresses, and at networks nobody knew."""
        before = self._sightings.get(detail.id)
        self._show(*self._sightings.put(detail, instance))
        if before is None or before.detail.networks != detail.networks:
            for rival in self._sightings.grounds.rivals(detail):
                self._agenda.mark(rival, _now(), urgent=True)
            if self._sightings.grounds.lack(instance):
                self._list_now.set()

    def _failed(self, container: str, error: Exception) -> None:
        """Keep what is known and look again later; a container that hangs must not hold up others."""
        times = self._failures[container][0] + 1 if container in self._failures else 1
        self._metrics.count("tidegate_discovery_inspect_failures_total", provider=self.name)
        instance = self._catalog.get(container)
        problem = Problem(
            code="T1241",
            text=f"container {instance.name if instance else container[:12]} cannot be inspected",
            place=self._engine.name,
            cause=f"no answer within {INSPECT_SECONDS:g} s" if isinstance(error, TimeoutError) else str(error),
            mend="see whether it hangs while starting or stopping: docker inspect answers only when it is done",
            kept="what was known of it stays in force" if instance else "it is not routed",
            severity=Severity.WARNING,
        )
        self._failures[container] = (times, problem)
        first, longest = RETRY_SECONDS
        self._agenda.postpone(container, _now() + min(first * 2 ** min(times - 1, 10), longest))

    def _show(self, *containers: str) -> None:
        """Bring sightings into the catalog, corrected by the endings in force."""
        for container in containers:
            self._date(container)
            instance = self._sightings.as_shown(container)
            if instance is None:
                self._catalog.remove(container)
                continue
            state = self._endings.correct(container, instance.state, instance.started_at, _now())
            self._catalog.put(instance if state is instance.state else replace(instance, state=state))
            self._look_when_it_expires(container)

    def _date(self, container: str) -> None:
        """What the next inventory says of `container` follows from what was noticed of it until now."""
        noticed = self._noticed.pop(container, 0.0)
        if noticed:
            self._oldest = min(noticed, self._oldest or noticed)

    # --------------------------------------------------------------------------------------------------- publishing

    async def _publish_for_ever(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(PUBLISH_SECONDS)
            self._changed.clear()
            if self._version and (self._catalog.changed or self._resurveyed):
                self._publish_now()

    def _publish_now(self) -> None:
        assert self._publish is not None, "only a running provider publishes"
        self._version += 1
        since, self._oldest = self._oldest, 0.0
        self._resurveyed = False
        self._publish(
            Inventory(
                provider=self.name,
                version=self._version,
                services=self._catalog.services(),
                stale=self.stale,
                since=since,
                subnets=self._sightings.grounds.subnets,
            )
        )

    # ----------------------------------------------------------------------------------------------------- watchdog

    async def _ping_for_ever(self) -> None:
        """The event stream has no heartbeat: a dead engine behind a live socket shows only here."""
        missed = 0
        while missed < PINGS_MISSED:
            await asyncio.sleep(PING_SECONDS)
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._engine.ping()
                missed = 0
            except (EngineError, TimeoutError):
                missed += 1
        raise _silent(self._engine.name, f"{PINGS_MISSED} pings in a row got no answer")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _first(group: BaseExceptionGroup[EngineError]) -> EngineError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, EngineError), "only engine errors are caught here"
    return error


def _silent(engine: str, cause: str) -> EngineUnreachable:
    mend = "see whether the engine is overloaded or restarting; it is tried again all the time"
    return EngineUnreachable(
        Problem(code="T1240", text=f"lost sight of {engine}", place=engine, cause=cause, mend=mend)
    )
