"""What replicas use and what routers carry, of all nodes: our own at hand, those of the others by asking each of them.

A node that cannot be asked is named, and what it has is not known: that is not the same as nothing. Nothing of it goes through the
store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Protocol

from msgspec import DecodeError, json
from msgspec.structs import replace

from tidegate.control.figures import Counted, Figures, Question, counted, moved
from tidegate.control.loads import Host, Load, busy
from tidegate.control.ports import OthersPort
from tidegate.control.traffic import Traffic
from tidegate.model import Instance
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics
from tidegate.value import Value

AT_ONCE = 32  # questions under way
ROUND_SECONDS = 15.0


class MeterPort(Protocol):
    """Measures containers of this node; `metering.Metering` is one."""

    @property
    def host(self) -> Host | None:
        """The host when it was last looked at."""
        ...

    async def read(self, instances: Iterable[Instance]) -> dict[str, Load]:
        """What each used since it was last read, by id, within seconds."""
        ...

    def load(self, instance: str) -> Load | None:
        """What an instance used when it was last read."""
        ...


class Gathered(Value):
    """`loads` by instance, `counted` by node; `missing` says of each node that could not be asked why not."""

    loads: dict[str, Load] = {}
    counted: dict[str, Counted] = {}
    missing: dict[str, str] = {}


#: `Gathering.elsewhere`: for a service and version, within seconds.
Elsewhere = Callable[[str, str, float], Coroutine[Any, Any, Gathered]]


class Gathering:
    """For the node `own`. `wall` gives seconds since the epoch."""

    def __init__(
        self,
        own: str,
        meter: MeterPort,
        traffic: Traffic,
        others: OthersPort,
        metrics: Metrics,
        wall: Callable[[], float],
    ) -> None:
        self._own = own
        self._meter = meter
        self._traffic = traffic
        self._others = others
        self._metrics = metrics
        self._wall = wall
        self._places = asyncio.Semaphore(AT_ONCE)
        self._far: dict[str, Figures] = {}  # by node, what it said in the last round
        self._busy: dict[str, float] = {}  # by node, the share of its cores between the last two

    async def run(self) -> None:
        """A round over all nodes every `ROUND_SECONDS`, until cancelled: for as long as we lead."""
        try:
            while True:
                await self.round()
                await asyncio.sleep(ROUND_SECONDS)
        finally:
            self._far, self._busy = {}, {}

    async def round(self) -> None:
        """Ask every other node for all that it measured; who cannot be asked is forgotten."""
        answers = await self._ask_all(dict.fromkeys(self._others.there(), Question(everything=True)))
        found = {node: each for node, each in answers.items() if isinstance(each, Figures)}
        if self._meter.host is not None:
            found[self._own] = Figures(now=self._wall(), host=self._meter.host)
        spans = {node: busy(self._far[node].host, each.host) for node, each in found.items() if node in self._far}
        self._busy = {node: share for node, share in spans.items() if share is not None}
        self._far = found

    def load(self, instance: str) -> Load | None:
        """What an instance used when it was last read; of other nodes only where we lead."""
        near = self._meter.load(instance)
        far = (each.loads[instance] for each in self._far.values() if instance in each.loads)
        return near if near is not None else next(far, None)

    def host(self, node: str) -> dict[str, float] | None:
        """What a node's host uses, where we lead: `cpu_percent` of all its cores, `memory_bytes` and how many of those are free."""
        figures = self._far.get(node)
        if figures is None or figures.host is None:
            return None
        share = self._busy.get(node)
        shown = {"memory_bytes": figures.host.memory_bytes, "memory_available_bytes": figures.host.available_bytes}
        return {**shown, **({"cpu_percent": 100 * share} if share is not None else {})}

    async def of(self, service: str, version: str, replicas: Iterable[Instance], *, everywhere: bool) -> Gathered:
        """These replicas, read now, each by its node. Traffic is that of all nodes' routers where `everywhere`, else of those that
        are asked anyway."""
        near: list[Instance] = []
        far: dict[str, list[str]] = {node: [] for node in self._others.there()} if everywhere else {}
        for each in replicas:
            if each.node in ("", self._own):
                near.append(each)
            else:
                far.setdefault(each.node, []).append(each.id)
        questions = {
            node: Question(service=service, version=version, instances=tuple(ids)) for node, ids in far.items()
        }
        async with Tasks("control.gathering") as tasks:
            own = tasks.spawn("own", self._meter.read(near))
            others = tasks.spawn("others", self._ask_all(questions))
        found = _gathered(others.result())
        mine = {self._own: counted(self._traffic, service, version)}
        return replace(found, loads={**own.result(), **found.loads}, counted=mine | found.counted)

    async def elsewhere(self, service: str, version: str, seconds: float) -> Gathered:
        """What the routers of other nodes counted for this version, of those that say so within `seconds`."""
        questions = dict.fromkeys(self._others.there(), Question(service=service, version=version))
        return _gathered(await self._ask_all(questions, seconds))

    # --------------------------------------------------------------------------------------------------------- private

    async def _ask_all(self, questions: dict[str, Question], seconds: float | None = None) -> dict[str, Figures | str]:
        """`seconds` are for all of them; without, each has its own time."""
        async with Tasks("control.gathering") as tasks:
            asked = {node: tasks.spawn(node, self._ask(node, each, seconds)) for node, each in questions.items()}
        return {node: task.result() for node, task in asked.items()}

    async def _ask(self, node: str, question: Question, seconds: float | None) -> Figures | str:
        answer: bytes | str
        try:
            async with asyncio.timeout(seconds), self._places:
                answer = await self._others.ask(node, json.encode(question))
        except TimeoutError:
            answer = "it does not answer in time"
        figures = answer if isinstance(answer, str) else _read(answer)
        if isinstance(figures, str):
            self._metrics.count("tidegate_node_questions_total", outcome="failed")
            return figures
        self._metrics.count("tidegate_node_questions_total", outcome="answered")
        return moved(figures, self._wall())


def _gathered(answers: Mapping[str, Figures | str]) -> Gathered:
    """What nodes answered, together, and why others did not."""
    told = {node: each for node, each in answers.items() if isinstance(each, Figures)}
    return Gathered(
        loads={id_: load for each in told.values() for id_, load in each.loads.items()},
        counted={node: each.counted for node, each in told.items() if each.counted is not None},
        missing={node: each for node, each in answers.items() if isinstance(each, str)},
    )


def _read(answer: bytes) -> Figures | str:
    try:
        return json.decode(answer, type=Figures)
    except DecodeError as error:
        return f"its answer is not understood: {error}"
