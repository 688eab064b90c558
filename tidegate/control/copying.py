"""Copies of containers that somebody else started: made when there shall be more of a service, taken away when fewer.

What `docker run` or Compose made is never touched; copies are like it in all but name (`Engine.duplicate`), and carry two
labels by which they are found again. One that leaves gets no new requests first, ends when what is in flight has ended, then
is stopped and removed. Everything follows from the stored count and from what is seen, again and again, so it does not
matter where this ends; what fails is tried again, later each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from tidegate.control.duplicates import RELEASE_LABEL, SLOT_LABEL
from tidegate.control.engines import Engines
from tidegate.control.gathering import Elsewhere
from tidegate.control.journal import Journal
from tidegate.control.overrides import OverrideBook
from tidegate.control.ports import Carrying, Followers
from tidegate.control.reconciler import Reconciler
from tidegate.control.scaling import Serving, drained
from tidegate.control.traffic import Traffic
from tidegate.engine.port import Duplicate, Engine
from tidegate.errors import NoSuchThing, TidegateError
from tidegate.model import Instance, InstanceState
from tidegate.placement.replica import IDLE, Carried
from tidegate.release.record import TIDEGATE
from tidegate.scaling.victims import Copy, victims
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

SCALING_LABEL = "io.tidegate.scaling"  # `service#version`
NUMBER_LABEL = "io.tidegate.copy"
DRAIN_SECONDS = 30.0
APPLY_SECONDS = 2.0
IDLE_LOOK_SECONDS = 0.25
FAR_LOOK_SECONDS = 1.0
FAR_SECONDS = 3.0  # until other nodes have heard of a drain, and their workers have reported since
ASK_SECONDS = 10.0  # for other nodes to say whether they are done; a question has eight
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0

_log = logger("control.scaling")


class _Trouble(Struct):
    """Of one service: how often making a copy failed in a row, when it is tried again on the clock, and why."""

    tries: int = 0
    again_at: float = 0.0
    text: str = ""


class Copying:
    """Makes and takes away copies, in tasks of `tasks`. `clock` is monotonic. `carrying` is asked who is to leave, `elsewhere` asks the routers of other nodes, None where
    there are none."""

    def __init__(
        self,
        engines: Engines,
        reconciler: Reconciler,
        overrides: OverrideBook,
        followers: Followers,
        traffic: Traffic,
        journal: Journal,
        tasks: Tasks,
        clock: Callable[[], float],
        carrying: Carrying,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._carrying = carrying
        self._elsewhere = elsewhere
        self._engines = engines
        self._reconciler = reconciler
        self._overrides = overrides
        self._followers = followers
        self._traffic = traffic
        self._journal = journal
        self._tasks = tasks
        self._clock = clock
        self._making: dict[str, set[int]] = {}  # numbers under way, by service
        self._leaving: set[str] = set()  # ids under way
        self._troubles: dict[str, _Trouble] = {}

    def trouble(self, service: str) -> str:
        """Why a copy that is wanted could not be made; empty where nothing is wrong."""
        return self._troubles[service].text if service in self._troubles else ""

    async def follow(self, serving: Serving, number: int) -> None:
        """Begin what it takes to have `number` containers of ours; to be called at every look, one at a time for each service."""
        ours = [each for each in serving.made if each.id not in self._leaving]
        gone = drained(serving.service, self._reconciler.table)
        for each in [each for each in ours if each.id in gone and each.made == "scaling" and self._is_ours(each)]:
            self._let_go(each)  # an earlier life of ours began it
            ours.remove(each)
        making = self._making.setdefault(serving.service, set())
        trouble = self._troubles.get(serving.service)
        if len(ours) + len(making) < number and (trouble is None or self._clock() >= trouble.again_at):
            for _ in range(number - len(ours) - len(making)):
                self._make(serving, self._free(serving, making))
        if not serving.frozen and len(ours) > number:
            await self._shed(ours, len(ours) - number)

    def retire(self, instances: Iterable[Instance]) -> None:
        """Take these copies away: their version serves no more."""
        for each in instances:
            if each.made == "scaling" and each.id not in self._leaving and self._engines.known(each.provider):
                self._let_go(each)

    # --------------------------------------------------------------------------------------------------------- private

    def _is_ours(self, instance: Instance) -> bool:
        found = self._overrides.setting("drain", instance.id)
        return found is not None and found.who == TIDEGATE

    async def _shed(self, ours: list[Instance], number: int) -> None:
        copies = {each.id: each for each in ours}
        carried = await self._carrying(copies)
        for victim in victims((self._copy(each, carried.get(each.id, IDLE)) for each in ours), number):
            if victim.id not in self._leaving:
                self._let_go(copies[victim.id])

    def _copy(self, instance: Instance, carried: Carried) -> Copy:
        service = self._reconciler.table.services.get(instance.key)
        endpoints = [each for each in service.endpoints if each.instance == instance.id] if service is not None else []
        return Copy(
            id=instance.id,
            name=instance.name,
            number=instance.number,
            ready=bool(endpoints) and all(each.state == "healthy" for each in endpoints),
            in_flight=carried.in_flight,
            long_lived=carried.long_lived,
            created_at=instance.created_at,
        )

    def _let_go(self, instance: Instance) -> None:
        self._leaving.add(instance.id)
        self._tasks.spawn(f"leave {instance.name}", self._leave(instance))

    def _make(self, serving: Serving, number: int) -> None:
        self._making[serving.service].add(number)
        self._tasks.spawn(f"copy {serving.service} {number}", self._create(serving, number))

    def _free(self, serving: Serving, making: set[int]) -> int:
        """The lowest number that no container has."""
        names = {
            each.name
            for inventory in self._reconciler.inventories.values()
            for each in inventory.services.get(serving.service, ())
            if each.state is not InstanceState.STOPPED or each.made != "scaling"
        }
        number = 1
        while number in making or name_of(serving, number) in names:
            number += 1
        return number

    async def _create(self, serving: Serving, number: int) -> None:
        source = _source(serving)
        try:
            engine = self._engines.at(source.provider)
            detail = await engine.inspect(source.id)
            change = copy_of(serving, number, detail.labels)
            made = await engine.duplicate(source.id, change)
            await engine.start(made)
        except TidegateError as error:
            self._failed(serving.service, error)
            self._making[serving.service].discard(number)
            return
        self._troubles.pop(serving.service, None)
        self._journal.tell("scaling", f"{change.name} started, a copy of {source.name}")
        self._tasks.spawn(f"seen {change.name}", self._until_seen(serving.service, number, made))

    async def _until_seen(self, service: str, number: int, container: str) -> None:
        """It counts as under way until the inventory has it, or it is clear that it never will."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self._sees(service, container):  # noqa: ASYNC110  an inventory is a value, not an event
                    await asyncio.sleep(IDLE_LOOK_SECONDS)
        except TimeoutError:
            _log.warning("a copy was started and is not seen", extra={"service": service, "container": container[:12]})
        finally:
            self._making[service].discard(number)

    def _sees(self, service: str, container: str) -> bool:
        inventories = self._reconciler.inventories.values()
        return any(each.id == container for found in inventories for each in found.services.get(service, ()))

    def _failed(self, service: str, error: TidegateError) -> None:
        trouble = self._troubles.setdefault(service, _Trouble())
        trouble.tries += 1
        trouble.again_at = self._clock() + min(FIRST_WAIT_SECONDS * 2 ** (trouble.tries - 1), LONGEST_WAIT_SECONDS)
        text = "; ".join(each.text for each in error.problems)
        if text != trouble.text:
            self._journal.tell("scaling", f"no copy of {service} could be made: {text}")
        trouble.text = text

    async def _leave(self, instance: Instance) -> None:
        """Drain, wait, stop, remove. What fails is found again at the next look: the drain is stored."""
        try:
            if not self._is_ours(instance):
                await self._overrides.put("drain", instance.id, True, who=TIDEGATE, why="it leaves, scaled in")
            await self._emptied(instance)
            engine = self._engines.at(instance.provider)
            await _removed(engine, instance.id)
            await self._overrides.delete("drain", instance.id, who=TIDEGATE, why="it is gone")
            self._journal.tell("scaling", f"{instance.name} is gone")
        except TidegateError as error:
            _log.warning("%s does not leave", instance.name, extra={"cause": error.problems[0].text})
            await asyncio.sleep(FIRST_WAIT_SECONDS)  # before the next look may try again
        finally:
            self._leaving.discard(instance.id)

    async def _emptied(self, instance: Instance) -> None:
        """Until no worker of any node has anything in flight to it, or the deadline for that passes."""
        await self._followers.wait_applied(self._reconciler.settle(), APPLY_SECONDS)
        since = self._clock()
        service = self._reconciler.table.services.get(instance.key)
        endpoints = [each for each in service.endpoints if each.instance == instance.id] if service is not None else []
        keys = [(each.service, each.version, each.id) for each in endpoints]
        until = since + DRAIN_SECONDS
        while keys and self._clock() < until and not await self._quiet(keys, since):  # noqa: ASYNC110  reports come once a second
            await asyncio.sleep(IDLE_LOOK_SECONDS if self._elsewhere is None else FAR_LOOK_SECONDS)

    async def _quiet(self, keys: Sequence[tuple[str, str, str]], since: float) -> bool:
        """Whether all workers have said since then that they have nothing in flight to these endpoints of one version."""
        if not self._traffic.quiet(keys, since):
            return False
        if self._elsewhere is None:
            return True
        if self._clock() < since + FAR_SECONDS:
            return False
        service, version, _ = keys[0]
        told = await self._elsewhere(service, version, ASK_SECONDS)
        flying = [each.flying.get(endpoint, 0) for each in told.counted.values() for *_, endpoint in keys]
        return not told.missing and not any(flying)


async def _removed(engine: Engine, container: str) -> None:
    try:
        await engine.stop(container)
        await engine.remove(container)
    except NoSuchThing:
        return  # somebody else was faster


def _source(serving: Serving) -> Instance:
    """On the engine of ours with the fewest of them; there one of somebody else's before one of ours."""
    numbers: dict[str, int] = {}
    for each in serving.near:
        numbers[each.provider] = numbers.get(each.provider, 0) + 1
    return min(serving.near, key=lambda each: (numbers[each.provider], bool(each.made), each.created_at))


def name_of(serving: Serving, number: int) -> str:
    """What a copy is called: always the same, so that one made twice is found."""
    version = f"-{serving.version}" if serving.version else ""
    return f"{serving.service.replace('/', '-')}{version}-copy-{number}"


def copy_of(serving: Serving, number: int, labels: dict[str, str]) -> Duplicate:
    """The change that makes a copy; `labels` are those of the container that is copied."""
    named = "tidegate.service" in labels or labels.get("com.docker.compose.service")
    return Duplicate(
        name=name_of(serving, number),
        labels={
            **({} if named else {"tidegate.service": serving.service}),
            SCALING_LABEL: f"{serving.service}#{serving.version or 'default'}",
            NUMBER_LABEL: str(number),
            RELEASE_LABEL: None,
            SLOT_LABEL: None,
        },
    )
