"""The checker against real sockets; waits are for reports, never for time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from blockbuster import blockbuster_ctx
from msgspec.structs import replace

from tests.support.misbehaving import Server, closed_port
from tidegate.healthcheck import checker as checker_module
from tidegate.healthcheck.checker import Checker
from tidegate.model import (
    Address,
    CheckTarget,
    EngineHealth,
    HealthReport,
    HealthSource,
    HealthState,
    ProbeKind,
    ProbeSpec,
)
from tidegate.tasks import Tasks

DEADLINE = 10.0
S, H, U = HealthState.STARTING, HealthState.HEALTHY, HealthState.UNHEALTHY
QUICK = ProbeSpec(kind=ProbeKind.HTTP, interval_seconds=0.05, timeout_seconds=0.5)


class Seen:
    """Collects reports; `until` waits for one that fits."""

    def __init__(self) -> None:
        self.reports: list[HealthReport] = []
        self._news = asyncio.Event()

    def __call__(self, report: HealthReport) -> None:
        self.reports.append(report)
        self._news.set()

    async def until(self, fits: Callable[[HealthReport], bool], after: int = 0) -> HealthReport:
        async with asyncio.timeout(DEADLINE):
            while True:
                for report in self.reports[after:]:
                    if fits(report):
                        return report
                self._news.clear()
                await self._news.wait()

    async def state(self, state: HealthState, after: int = 0) -> HealthReport:
        return await self.until(lambda report: report.state is state, after)

    def states(self) -> str:
        return "".join(report.state.value[0] for report in self.reports)


class Commands:
    """Stands in for the engine: answers with `exit_code`, counts how many run at once."""

    def __init__(self) -> None:
        self.exit_code = 0
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.running = self.most = 0
        self.gate: asyncio.Event | None = None
        self.entered, self.left = asyncio.Event(), asyncio.Event()

    async def __call__(self, instance: str, command: tuple[str, ...], timeout_seconds: float) -> tuple[int, str]:
        self.asked.append((instance, command))
        self.running += 1
        self.most = max(self.most, self.running)
        self.entered.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
            return self.exit_code, "said so"
        finally:
            self.running -= 1
            self.left.set()


class Counts:
    def __init__(self) -> None:
        self.checks = 0
        self.news = asyncio.Event()

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        if name == "tidegate_health_checks_total":
            self.checks += 1
            self.news.set()

    def gauge(self, name: str, value: float, **labels: str) -> None: ...

    def observe(self, name: str, value: float, **labels: str) -> None: ...

    async def reach(self, checks: int) -> None:
        async with asyncio.timeout(DEADLINE):
            while self.checks < checks:
                self.news.clear()
                await self.news.wait()


class Bench:
    def __init__(self) -> None:
        self.seen, self.commands, self.counts = Seen(), Commands(), Counts()
        self.checker = Checker(self.commands, self.seen, rng=random.Random(1), metrics=self.counts)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with Tasks("test") as tasks:
            task = tasks.spawn("checker", self.checker.run())
            try:
                yield
            finally:
                task.cancel()


def target(*candidates: Address, probe: ProbeSpec | None = None, **more) -> CheckTarget:
    values = {"endpoint": "c1:80", "instance": "c1", "service": "web", **more}
    return CheckTarget(candidates=candidates, probe=probe, **values)


@pytest.fixture(autouse=True)
def never_blocking():
    """Any call that blocks the event loop fails the test."""
    with blockbuster_ctx():
        yield


@pytest.fixture
async def bench():
    return Bench()


@pytest.fixture
async def server():
    server = Server()
    yield server
    await server.close()


# ------------------------------------------------------------------------------------------------- becoming healthy


async def test_an_endpoint_starts_without_traffic_and_is_healthy_after_its_first_success(bench, server):
    await server.start()
    bench.checker.update([target(server.address, probe=QUICK)])
    assert bench.seen.states() == "s"
    async with bench.running():
        report = await bench.seen.state(H)
    assert (report.address, report.source, report.reason) == (server.address, HealthSource.PROBE, "")
    assert bench.checker.reports["c1:80"] is report


async def test_a_port_that_opens_late_is_noticed(bench, server):
    bench.checker.update([target(server.address)])
    async with bench.running():
        await bench.counts.reach(3)
        assert bench.seen.states() == "s"
        await server.start()
        await bench.seen.state(H)


async def test_an_endpoint_without_probe_is_connected_to_once_and_then_left_alone(bench, server):
    await server.start()
    bench.checker.update([target(server.address)])
    async with bench.running():
        await bench.seen.state(H)
        assert bench.checker._watched["c1:80"].due is None
    assert bench.counts.checks == 1


async def test_a_service_that_warms_up_is_healthy_when_it_says_so(bench, server):
    server.answer = b"HTTP/1.1 503 Warming\r\n\r\n"
    await server.start()
    bench.checker.update([target(server.address, probe=QUICK)])
    async with bench.running():
        await bench.counts.reach(2)
        server.answer = b"HTTP/1.1 200 OK\r\n\r\n"
        await bench.seen.state(H)


async def test_rise_successes_are_needed(bench, server):
    await server.start()
    bench.checker.update([target(server.address, probe=replace(QUICK, rise=4))])
    async with bench.running():
        await bench.seen.state(H)
    assert bench.counts.checks == 4


async def test_the_first_candidate_that_accepts_is_the_address(bench, server):
    await server.start()
    bench.checker.update([target(closed_port(), server.address, probe=QUICK)])
    async with bench.running():
        assert (await bench.seen.state(H)).address == server.address


async def test_a_candidate_that_swallows_packets_does_not_stop_the_next(bench, server, monkeypatch):
    monkeypatch.setattr(checker_module, "CANDIDATE_SECONDS", 0.05)
    await server.start()
    unreachable = Address(host="192.0.2.1", port=9)  # TEST-NET-1: refused, unroutable or silent, but nobody answers
    bench.checker.update([target(unreachable, server.address)])
    async with bench.running():
        assert (await bench.seen.state(H)).address == server.address


async def test_no_check_before_the_initial_delay(server):
    now = 1000.0
    checker = Checker(Commands(), Seen(), clock=lambda: now, wall=lambda: 5000.0)
    spec = replace(QUICK, initial_delay_seconds=30.0)
    checker.update([target(server.address, probe=spec, started_at=4990.0)])
    checker.update([target(server.address, probe=spec, started_at=9999.0, endpoint="ahead:80")])
    checker.update([target(server.address, probe=spec, started_at=1.0, endpoint="old:80")])
    due = {endpoint: watched.due for endpoint, watched in checker._watched.items()}
    assert due == {"c1:80": now + 20.0, "ahead:80": now + 30.0, "old:80": now}


async def test_a_command_probe_needs_the_port_and_the_command(bench, server):
    bench.commands.exit_code = 1
    await server.start()
    spec = ProbeSpec(kind=ProbeKind.COMMAND, command=("check", "-v"), interval_seconds=0.05)
    bench.checker.update([target(server.address, probe=spec)])
    async with bench.running():
        report = await bench.seen.state(U)
        assert report.reason == "exit code 1: said so"
        bench.commands.exit_code = 0
        assert (await bench.seen.state(H)).address == server.address
    assert set(bench.commands.asked) == {("c1", ("check", "-v"))}


async def test_a_probe_port_of_its_own_is_asked_on_the_containers_address(bench, server):
    probed = Server(server.address.host)
    probed.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    await server.start()
    await probed.start()
    endpoint = f"c1:{server.address.port}"
    spec = replace(QUICK, port=probed.address.port)
    bench.checker.update([target(server.address, probe=spec, endpoint=endpoint)])
    async with bench.running():
        assert (await bench.seen.state(H)).address == server.address
    await probed.close()
    assert probed.received
    assert not server.received


# ------------------------------------------------------------------------------------------------ becoming unhealthy


async def test_fall_failures_make_it_unhealthy_with_the_reason_and_success_brings_it_back(bench, server):
    await server.start()
    bench.checker.update([target(server.address, probe=QUICK)])
    async with bench.running():
        await bench.seen.state(H)
        server.answer = b"HTTP/1.1 503 No\r\n\r\n"
        report = await bench.seen.state(U)
        assert (report.reason, report.failures, report.source) == ("status 503", 3, HealthSource.PROBE)
        server.answer = b"HTTP/1.1 200 OK\r\n\r\n"
        await bench.seen.state(H, after=len(bench.seen.reports))
    assert bench.seen.states() == "shuh"


async def test_a_port_where_nobody_listens_is_a_problem_with_a_code(bench, server):
    bench.checker.update([target(server.address, probe=QUICK)])
    async with bench.running():
        await bench.seen.state(U)
        assert [problem.code for problem in bench.checker.problems()] == ["T1401"]
        await server.start()
        await bench.seen.state(H)
        assert bench.checker.problems() == ()


async def test_after_a_fall_the_address_is_chosen_again(bench, server):
    other = Server()
    await server.start()
    bench.checker.update([target(server.address, other.address, probe=QUICK)])
    async with bench.running():
        assert (await bench.seen.state(H)).address == server.address
        await server.close()
        await other.start()
        report = await bench.seen.until(lambda report: report.address == other.address)
        assert report.state is H
        await other.close()


async def test_a_passive_fact_makes_an_unprobed_endpoint_checked_and_found_dead(bench, server):
    await server.start()
    bench.checker.update([target(server.address)])
    async with bench.running():
        await bench.seen.state(H)
        await server.close()
        bench.checker.passive("c1:80", "connect failed")
        report = await bench.seen.state(U)
        assert (report.source, report.reason) == (HealthSource.PASSIVE, "connection refused")
        await server.start()
        await bench.seen.state(H, after=len(bench.seen.reports))


async def test_a_false_alarm_changes_nothing_and_is_checked_once(bench, server):
    await server.start()
    bench.checker.update([target(server.address)])
    async with bench.running():
        await bench.seen.state(H)
        for _ in range(100):
            bench.checker.passive("c1:80", "reset")
        await bench.counts.reach(2)
        assert bench.checker._watched["c1:80"].due is None
    assert bench.seen.states() == "sh"


async def test_a_passive_fact_about_a_stranger_is_ignored(bench):
    bench.checker.passive("nobody:80", "reset")


# ------------------------------------------------------------------------------------------------- engine's own health


async def test_the_engine_must_agree(bench, server):
    await server.start()
    first = target(server.address, engine_health=EngineHealth.STARTING)
    bench.checker.update([first])
    async with bench.running():
        await bench.counts.reach(1)
        assert bench.checker.reports["c1:80"].state is S
        bench.checker.update([replace(first, engine_health=EngineHealth.HEALTHY)])
        await bench.seen.state(H)
        bench.checker.update([replace(first, engine_health=EngineHealth.UNHEALTHY)])
        report = bench.seen.reports[-1]
        assert (report.state, report.source, report.reason) == (U, HealthSource.ENGINE, "engine says unhealthy")


async def test_the_node_it_is_on_must_agree(bench, server):
    await server.start()
    there = target(server.address, engine_health=EngineHealth.HEALTHY, judge="node-a")
    bench.checker.update([there])
    async with bench.running():
        await bench.seen.state(H)
        bench.checker.update([replace(there, engine_health=EngineHealth.UNHEALTHY)])
        report = bench.seen.reports[-1]
        assert (report.state, report.source, report.reason) == (U, HealthSource.NODE, "node-a says unhealthy")
        assert bench.checker.problems() == ()


# ------------------------------------------------------------------------------------------------------ what is followed


async def test_equal_targets_are_left_alone(bench, server):
    await server.start()
    bench.checker.follow({"c1:80": target(server.address)})
    async with bench.running():
        await bench.seen.state(H)
        before = bench.checker._watched["c1:80"]
        bench.checker.follow({"c1:80": target(server.address)})
        assert bench.checker._watched["c1:80"] is before
        assert before.due is None
    assert bench.seen.states() == "sh"


async def test_following_without_an_endpoint_forgets_it(bench, server):
    bench.checker.follow({"c1:80": target(server.address)})
    bench.checker.follow({})
    assert dict(bench.checker.reports) == {}
    async with bench.running():
        await asyncio.sleep(0)
    assert bench.counts.checks == 0


async def test_the_outcome_of_a_check_that_runs_while_its_endpoint_goes_is_dropped(bench, server):
    bench.commands.gate = asyncio.Event()
    await server.start()
    spec = ProbeSpec(kind=ProbeKind.COMMAND, command=("check",), interval_seconds=0.05)
    bench.checker.update([target(server.address, probe=spec)])
    async with bench.running():
        await asyncio.wait_for(bench.commands.entered.wait(), DEADLINE)
        bench.checker.update([], ["c1:80"])
        bench.commands.gate.set()
        await asyncio.wait_for(bench.commands.left.wait(), DEADLINE)
        await asyncio.sleep(0)
        assert bench.checker._in_flight == 0
    assert bench.seen.states() == "s"


async def test_a_restarted_container_begins_anew(bench, server):
    await server.start()
    bench.checker.update([target(server.address, started_at=1.0)])
    async with bench.running():
        await bench.seen.state(H)
        bench.checker.update([target(server.address, started_at=2.0)])
        assert bench.seen.states() == "shs"
        await bench.seen.state(H, after=3)


async def test_a_new_address_is_verified_without_losing_traffic(bench, server):
    other = Server()
    await server.start()
    await other.start()
    bench.checker.update([target(server.address)])
    async with bench.running():
        await bench.seen.state(H)
        bench.checker.update([target(other.address)])
        await bench.seen.until(lambda report: report.address == other.address)
    await other.close()
    assert U not in {report.state for report in bench.seen.reports}


# ------------------------------------------------------------------------------------------------------------ restart


def known(address: Address | None, state: HealthState = H) -> HealthReport:
    return HealthReport(endpoint="c1:80", state=state, source=HealthSource.PROBE, since=100.0, address=address)


async def test_what_was_healthy_stays_healthy_over_our_restart_until_confirmed(bench, server):
    await server.start()
    bench.checker.assume([known(server.address)])
    bench.checker.update([target(server.address, probe=QUICK)])
    (report,) = bench.seen.reports
    assert (report.state, report.source, report.address) == (H, HealthSource.ASSUMED, server.address)
    async with bench.running():
        confirmed = await bench.seen.until(lambda report: report.source is HealthSource.PROBE)
    assert (confirmed.state, confirmed.since) == (H, report.since)


async def test_an_assumption_is_refuted_by_failures_of_this_life(bench, server):
    bench.checker.assume([known(server.address)])
    bench.checker.update([target(server.address, probe=QUICK)])
    async with bench.running():
        await bench.seen.state(U)
    assert bench.seen.states() == "hu"


@pytest.mark.parametrize("case", ["unhealthy before", "restarted since", "moved"])
async def test_nothing_else_is_assumed(bench, server, case):
    report = known(closed_port() if case == "moved" else server.address, U if case == "unhealthy before" else H)
    bench.checker.assume([report])
    bench.checker.update([target(server.address, started_at=200.0 if case == "restarted since" else 1.0)])
    assert bench.seen.states() == "s"


# ------------------------------------------------------------------------------------------------------------- bounds


async def test_commands_in_flight_are_bounded_and_all_are_served(bench, server):
    await server.start()
    spec = ProbeSpec(kind=ProbeKind.COMMAND, command=("check",), interval_seconds=60.0)
    targets = [target(server.address, probe=spec, endpoint=f"c{number}:80") for number in range(60)]
    bench.checker.update(targets)
    async with bench.running():
        for number in range(60):
            await bench.seen.until(lambda report, name=f"c{number}:80": report.endpoint == name and report.state is H)
    assert bench.commands.most <= checker_module.COMMANDS_IN_FLIGHT


async def test_checks_in_flight_are_bounded(bench, server, monkeypatch):
    monkeypatch.setattr(checker_module, "IN_FLIGHT", 5)
    await server.start()
    bench.checker.update([target(server.address, endpoint=f"c{number}:80") for number in range(40)])
    async with bench.running():
        for number in range(40):
            await bench.seen.until(lambda report, name=f"c{number}:80": report.endpoint == name and report.state is H)
            assert bench.checker._in_flight <= 5


async def test_the_heap_does_not_grow_with_suspicions(bench, server):
    await server.start()
    bench.checker.update([target(server.address, probe=replace(QUICK, interval_seconds=60.0))])
    async with bench.running():
        await bench.seen.state(H)
        for wanted in range(2, 7):
            bench.checker.passive("c1:80", "reset")
            await bench.counts.reach(wanted)
        assert len(bench.checker._heap) <= 2 * 6


async def test_one_timer_drives_everything(bench, server, monkeypatch):
    rung = []
    ring = Checker._ring
    monkeypatch.setattr(Checker, "_ring", lambda self: (rung.append(self._wakeup), ring(self)))
    await server.start()
    bench.checker.update([target(server.address, probe=QUICK, endpoint=f"c{number}:80") for number in range(20)])
    async with bench.running():
        await bench.counts.reach(200)
    assert None not in rung
    assert len(rung) <= bench.counts.checks
    assert bench.checker._wakeup is None


async def test_a_bug_in_a_follower_stops_the_checker_with_its_error(server):
    def broken(report: HealthReport) -> None:
        if report.state is H:
            raise ZeroDivisionError

    await server.start()
    checker = Checker(Commands(), broken)
    checker.update([target(server.address)])
    with pytest.raises(ExceptionGroup) as stopped:
        await asyncio.wait_for(checker.run(), DEADLINE)
    assert stopped.group_contains(ZeroDivisionError)
