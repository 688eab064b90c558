"""Reads what containers use from their engines: those of a scaled service at each look at it, all others in a slow round.

A reading costs one call to the engine, so few are under way at once, a round has a bound, and whoever was read the longest ago
comes first: of very many containers each is read every few rounds. Nothing is stored.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from tidegate.control.engines import Engines
from tidegate.control.helps import HELPS
from tidegate.control.loads import Host, Load, Reading, host, load
from tidegate.errors import TidegateError
from tidegate.model import Instance, InstanceState, Inventory
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics

ROUND_SECONDS = 15.0
MOST = 200  # containers in a round
AT_ONCE = 16  # an engine may let each wait for its next own reading, a second at most
READ_SECONDS = 5.0
_LIVE = (InstanceState.RUNNING, InstanceState.DRAINING)
_LABELS = ("service", "version", "container")
#: name, what of a reading
_COUNTERS = {
    "tidegate_container_cpu_seconds_total": "cpu_seconds",
    "tidegate_container_received_bytes_total": "received_bytes",
    "tidegate_container_sent_bytes_total": "sent_bytes",
    "tidegate_container_block_read_bytes_total": "block_read_bytes",
    "tidegate_container_block_written_bytes_total": "block_written_bytes",
}
_GAUGES = {
    "tidegate_container_memory_bytes": "memory_bytes",
    "tidegate_container_memory_limit_bytes": "memory_limit_bytes",
}


class Metering:
    """`inventories` gives what is seen now; `wall` seconds since the epoch, `clock` is monotonic."""

    def __init__(
        self,
        engines: Engines,
        inventories: Callable[[], Mapping[str, Inventory]],
        metrics: Metrics,
        wall: Callable[[], float],
        clock: Callable[[], float],
        proc: Path = Path("/proc"),
    ) -> None:
        self._engines = engines
        self._inventories = inventories
        self._metrics = metrics
        self._wall = wall
        self._clock = clock
        self._proc = proc
        self._places = asyncio.Semaphore(AT_ONCE)  # of looks; a round has its own
        self._round_places = asyncio.Semaphore(AT_ONCE)
        self._readings: dict[str, Reading] = {}  # the last of each instance
        self._loads: dict[str, Load] = {}
        self._cpus: dict[str, float] = {}  # limits, asked for once
        self.host: Host | None = None  # set by each round

    async def run(self) -> None:
        """A round every `ROUND_SECONDS`, until cancelled."""
        while True:
            began = self._clock()
            await self.round()
            await asyncio.sleep(max(1.0, began + ROUND_SECONDS - self._clock()))

    async def round(self) -> None:
        """Read those that were not read for a round, and the host; forget who is gone."""
        began = self._clock()
        self.host = await asyncio.to_thread(self._look_at_host)
        present = {each.id: each for each in self._present()}
        for gone in self._readings.keys() - present.keys():
            self._forget(gone)
        old = self._wall() - ROUND_SECONDS / 2
        due = [each for each in present.values() if self._read_at(each.id) <= old]
        await self._read_all(sorted(due, key=lambda each: self._read_at(each.id))[:MOST], self._round_places)
        self._metrics.observe("tidegate_container_round_seconds", self._clock() - began)

    async def read(self, instances: Iterable[Instance]) -> dict[str, Load]:
        """Read these now. What each used since it was last read, by id; those that cannot be read, or were never before, are
        not there."""
        return await self._read_all(instances, self._places)

    async def _read_all(self, instances: Iterable[Instance], places: asyncio.Semaphore) -> dict[str, Load]:
        wanted = [each for each in instances if each.state in _LIVE and self._engines.known(each.provider)]
        before = dict(self._readings)
        async with Tasks("control.metering") as tasks:
            for each in wanted:
                tasks.spawn(each.name, self._read(each, places))
        for each in wanted:
            old, new = before.get(each.id), self._readings.get(each.id)
            found = load(old, new) if old is not None and new is not None and new is not old else None
            if found is not None:
                self._loads[each.id] = found
            elif new is not old:
                self._loads.pop(each.id, None)
        return {each.id: self._loads[each.id] for each in wanted if self._fresh(each.id, before)}

    def load(self, instance: str) -> Load | None:
        """What an instance used when it was last read."""
        return self._loads.get(instance)

    @property
    def loads(self) -> Mapping[str, Load]:
        """What each used when it was last read, by id."""
        return self._loads

    def families(self) -> Iterable[Metric]:
        """The last reading of each container and of the host, for who scrapes."""
        named = {each.id: (each.key, each.version, each.name) for each in self._present()}
        readings = [(named[id_], each) for id_, each in self._readings.items() if id_ in named]
        for name, field in _COUNTERS.items():
            counter = CounterMetricFamily(name, HELPS[name], labels=_LABELS)
            for labels, reading in readings:
                counter.add_metric(labels, getattr(reading.stats, field))
            yield counter
        for name, field in _GAUGES.items():
            gauge = GaugeMetricFamily(name, HELPS[name], labels=_LABELS)
            for labels, reading in readings:
                gauge.add_metric(labels, getattr(reading.stats, field))
            yield gauge
        yield from self._of_host()

    # --------------------------------------------------------------------------------------------------------- private

    def _of_host(self) -> Iterable[Metric]:
        if self.host is None:
            return
        values = {
            "tidegate_node_cpu_busy_seconds_total": self.host.busy_seconds,
            "tidegate_node_cpu_seconds_total": self.host.all_seconds,
            "tidegate_node_memory_bytes": self.host.memory_bytes,
            "tidegate_node_memory_available_bytes": self.host.available_bytes,
        }
        for name, value in values.items():
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield kind(name, HELPS[name], value=value)

    def _present(self) -> Iterable[Instance]:
        for inventory in self._inventories().values():
            for members in inventory.services.values():
                yield from (each for each in members if each.state in _LIVE and self._engines.known(each.provider))

    def _fresh(self, instance: str, before: Mapping[str, Reading]) -> bool:
        return instance in self._loads and self._readings.get(instance) is not before.get(instance)

    def _read_at(self, instance: str) -> float:
        reading = self._readings.get(instance)
        return reading.at if reading is not None else 0.0

    async def _read(self, instance: Instance, places: asyncio.Semaphore) -> None:
        engine = self._engines.at(instance.provider)
        async with places:
            try:
                async with asyncio.timeout(READ_SECONDS):
                    if instance.id not in self._cpus:
                        self._cpus[instance.id] = (await engine.inspect(instance.id)).cpus
                    stats = await engine.stats(instance.id)
            except (TidegateError, TimeoutError):
                self._metrics.count("tidegate_container_readings_total", outcome="failed")
                return
        if not stats.at:
            return  # it does not run any more
        self._metrics.count("tidegate_container_readings_total", outcome="read")
        self._readings[instance.id] = Reading(at=self._wall(), stats=stats, cpus=self._cpus[instance.id])

    def _forget(self, instance: str) -> None:
        self._readings.pop(instance, None)
        self._loads.pop(instance, None)
        self._cpus.pop(instance, None)

    def _look_at_host(self) -> Host:
        stat, meminfo = ((self._proc / name).read_text() for name in ("stat", "meminfo"))
        return host(stat, meminfo, os.sysconf("SC_CLK_TCK"))
