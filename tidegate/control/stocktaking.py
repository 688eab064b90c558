"""What our engine holds beside our replicas, for who decides where replicas go.

Taken once at the beginning, then again what an event of the engine speaks of, a moment later, so that what happens together is looked
at once; and all of it now and then, since an event may be lost.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable

from msgspec.structs import replace

from tidegate.engine.port import ContainerSummary, Engine, EngineEvent, EngineInfo
from tidegate.errors import EngineError, NoSuchThing
from tidegate.model import InstanceState
from tidegate.placement.node import NodeFacts
from tidegate.placement.resources import Resources
from tidegate.placement.stock import Stock, bounded, short, stocked
from tidegate.stacks.naming import place_key
from tidegate.telemetry import logger

SETTLE_SECONDS = 0.5
PAUSE_SECONDS = 1.0  # between two looks, however much happens
RETRY_SECONDS = 5.0
RESYNC_SECONDS = 300.0

_ALL = frozenset({"info", "container", "image", "volume"})
_ACTIONS = frozenset({"start", "die", "pause", "unpause", "rename", "update", "destroy"})  # of containers
_HOLDS = frozenset({InstanceState.RUNNING, InstanceState.PAUSED, InstanceState.DRAINING})
_NAMELESS = re.compile(r"[0-9a-f]{64}")  # what the engine calls a volume that nobody gave a name

_log = logger("control.stock")


class Stocktaking:
    """Of `engine`. `owner` gives the name of the store whose replicas are ours; `told` is called with each stock that is another than
    the one before."""

    def __init__(
        self, engine: Engine, owner: Callable[[], Awaitable[str]], told: Callable[[Stock], None] = lambda _: None
    ) -> None:
        self.engine = engine
        self._ask_owner = owner
        self._told = told
        self._owner = ""  # set before the first look
        self._reserved: dict[str, int] = {}  # bytes, of containers that run, asked for once
        self._due = set(_ALL)
        self._wakeup = asyncio.Event()
        self._taken = asyncio.Event()
        self._info: EngineInfo | None = None
        self._seen = Stock()  # all of it
        self.stock = Stock()  # as much of it as is told

    def heard(self, event: EngineEvent) -> None:
        """The engine says that something has changed. Never waits."""
        if event.kind == "daemon":
            self._due |= _ALL
        elif event.kind in ("image", "volume"):
            self._due.add(event.kind)
        elif event.kind == "container" and event.action in _ACTIONS:
            if event.action == "update":
                self._reserved.pop(event.id, None)
            self._due.add("container")
        if self._due:
            self._wakeup.set()

    async def once(self, seconds: float) -> None:
        """Wait until all was looked at once, for `seconds` at most."""
        try:
            async with asyncio.timeout(seconds):
                await self._taken.wait()
        except TimeoutError:
            _log.warning("the engine does not say what it holds", extra={"engine": self.engine.name})

    def of(self, node: NodeFacts) -> NodeFacts:
        """The node with what its engine says of itself, and what it holds."""
        info = self._info
        if info is None:
            return node
        known = replace(
            node,
            id=info.id,
            hostname=info.name,
            platform=info.platform,
            capacity=Resources(cpu=info.cpus, memory=info.memory),
        )
        return stocked(known, self.stock)

    async def run(self) -> None:
        """Until cancelled."""
        self._owner = await self._ask_owner()
        while True:
            self._wakeup.clear()
            await asyncio.sleep(await self._look())
            try:
                async with asyncio.timeout(RESYNC_SECONDS):
                    await self._wakeup.wait()
                    await asyncio.sleep(SETTLE_SECONDS)
            except TimeoutError:
                self._due |= _ALL

    async def _look(self) -> float:
        """Look at what is due; seconds until the next look at the soonest."""
        due, self._due = self._due, set()
        try:
            self._seen = await self._found(due)
        except EngineError as error:
            _log.debug("an engine does not say what it holds", extra={"cause": str(error)})
            self._due |= due
            self._wakeup.set()
            return RETRY_SECONDS
        found = bounded(self._seen)
        self._taken.set()
        if found != self.stock:
            if found.cut and found.cut != self.stock.cut:
                _log.warning("the engine holds more than can be told", extra={"left_out": found.cut})
            self.stock = found
            self._told(found)
        return PAUSE_SECONDS

    async def _found(self, due: Iterable[str]) -> Stock:
        stock = self._seen
        if "info" in due:
            self._info = await self.engine.info()
        if "image" in due:
            held = await self.engine.held_images()
            stock = replace(
                stock, images=tuple(dict.fromkeys(name for each in held for name in (*each.names, each.id)))
            )
        if "volume" in due:
            names = sorted(each.name for each in await self.engine.volumes())
            stock = replace(stock, volumes=tuple(each for each in names if not _NAMELESS.fullmatch(each)))
        if "container" in due:
            stock = await self._beside_ours(stock)
        return stock

    async def _beside_ours(self, stock: Stock) -> Stock:
        """With containers that run and are not replicas of ours, the newest first."""
        rows = [row for row in await self.engine.list() if row.state in _HOLDS]
        others = [row for row in rows if not place_key(row.labels, self._owner)]
        others.sort(key=lambda row: -row.created_at)
        self._reserved = {row.id: await self._reservation(row) for row in others}
        return replace(
            stock,
            containers={row.names[0] if row.names else row.id[:12]: short(row.labels) for row in others},
            ports=tuple(sorted({port for row in others for port in row.published})),
            taken=Resources(memory=sum(self._reserved.values())),
        )

    async def _reservation(self, row: ContainerSummary) -> int:
        known = self._reserved.get(row.id)
        if known is not None:
            return known
        try:
            return (await self.engine.inspect(row.id)).reserved_memory
        except NoSuchThing:
            return 0
