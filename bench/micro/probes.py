"""CPU of the health checker: 1 000 endpoints probed over HTTP every 2 s against a server in another process.

    python bench/micro/probes.py [--endpoints 1000] [--interval 2] [--seconds 10] [--kind http|tcp] [--loop uvloop|asyncio]

Prints the checker's share of a core (budget: 25 %) and CPU per check. Endpoints are spread over 127.1.0.0/16, as containers
have addresses of their own.
"""

# ruff: noqa: ARG002, TID251  protocol methods take what they are given; a bench starts its own task
from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import random
import time

import uvloop

from tidegate.healthcheck.checker import Checker
from tidegate.model import Address, CheckTarget, HealthReport, HealthState, ProbeKind, ProbeSpec

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Answerer(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(ANSWER)
        self.transport.close()


def serve(pipe) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Answerer, "0.0.0.0", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.get_running_loop().create_future()

    uvloop.run(main())


class Counting:
    def __init__(self) -> None:
        self.checks: dict[str, int] = {}

    def count(self, name, amount=1.0, **labels) -> None:
        if name == "tidegate_health_checks_total":
            self.checks[labels["verdict"]] = self.checks.get(labels["verdict"], 0) + 1

    def gauge(self, name, value, **labels) -> None: ...

    def observe(self, name, value, **labels) -> None: ...


async def no_command(instance: str, command: tuple[str, ...], timeout_seconds: float) -> tuple[int, str]:
    raise NotImplementedError


async def measure(port: int, args: argparse.Namespace) -> None:
    spec = ProbeSpec(kind=ProbeKind(args.kind), interval_seconds=args.interval, timeout_seconds=2.0)
    targets = {}
    for number in range(args.endpoints):
        address = Address(host=f"127.1.{number // 250}.{number % 250 + 1}", port=port)
        endpoint = f"c{number}:{port}"
        targets[endpoint] = CheckTarget(
            endpoint=endpoint, instance=f"c{number}", service="web", candidates=(address,), probe=spec
        )
    healthy: list[float] = []
    began = time.perf_counter()

    def seen(report: HealthReport) -> None:
        if report.state is HealthState.HEALTHY:
            healthy.append(time.perf_counter() - began)

    counting = Counting()
    checker = Checker(no_command, seen, rng=random.Random(1), metrics=counting)
    checker.follow(targets)
    running = asyncio.ensure_future(checker.run())
    await asyncio.sleep(args.interval * 2)
    counting.checks.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(args.seconds)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    checks = sum(counting.checks.values())
    print(
        f"{args.loop} {args.kind}: {args.endpoints} endpoints every {args.interval:g} s: {checks / wall:.0f} checks/s "
        f"({counting.checks}), {cpu / wall:.1%} of a core, {cpu / checks * 1e6:.0f} us/check; "
        f"all {len(healthy)} healthy after {max(healthy):.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoints", type=int, default=1000)
    parser.add_argument("--interval", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--kind", choices=["http", "tcp"], default="http")
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    args = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        loop = uvloop.new_event_loop if args.loop == "uvloop" else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(measure(ours.recv(), args))
    finally:
        process.terminate()
        process.join(5)


if __name__ == "__main__":
    main()
