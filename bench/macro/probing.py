"""CPU of active health checks: 1 000 endpoints, an HTTP probe of each every 2 s, no other traffic."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import uvloop

from bench.macro import loopback
from bench.macro.program import PROXY_CORE, Launch, Program, free_port, spent
from bench.macro.proxies import GO, PROXIES, quiet_traefik, serve
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent

BENCH = "probing"
COUNT = 1000
EVERY_SECONDS = 2
CASE = f"{COUNT} endpoints every {EVERY_SECONDS} s"
PER_SERVICE = 10
STEADY_SECONDS = 30.0  # until every endpoint was probed at least once

HAPROXY = """\
global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s
  timeout check 1s
frontend entry
  bind {listen}
  default_backend web
backend web
  option httpchk GET /healthz
  default-server check inter {every}s
{servers}
"""


def measure(plan: Plan, record: Record) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_measure(plan, record))


async def _measure(plan: Plan, record: Record) -> None:
    endpoints = loopback.Endpoints()
    await endpoints.start()
    targets = [f"{ip}:{endpoints.port}" for ip in loopback.addresses(COUNT)]
    for name, launch in LAUNCHES.items():
        if plan.wants(name):
            for turn in range(1, min(plan.rounds, 3) + 1):
                folder = plan.folder / f"probing-{name}-{turn}"
                folder.mkdir()
                try:
                    values = await _share(
                        name, launch(targets, f"127.0.0.1:{free_port()}", folder), folder, plan.seconds, endpoints
                    )
                    record.add(BENCH, CASE, name, turn, **values)
                except Absent as why:
                    record.miss(BENCH, CASE, name, why)
                    break
    await endpoints.stop()


async def _share(
    name: str, launch: Launch, folder: Path, seconds: float, endpoints: loopback.Endpoints
) -> dict[str, float]:
    """Share of one core over at least two intervals, once every endpoint has been asked."""
    endpoints.last_request.clear()
    program = Program(name, launch, folder, PROXY_CORE)
    try:
        await _all_asked(program, endpoints)
        before, began, asked = program.cpu(), time.monotonic(), endpoints.requests
        await asyncio.sleep(max(seconds, 3 * EVERY_SECONDS))  # the length of the measurement
        used, took = spent(before, program.cpu()), time.monotonic() - began
        return {
            "core_share": used.total.total / took,
            "busiest_share": used.busiest.total / took,
            "probes_per_second": (endpoints.requests - asked) / took,
        }
    finally:
        program.stop()


async def _all_asked(program: Program, endpoints: loopback.Endpoints) -> None:
    deadline = time.monotonic() + STEADY_SECONDS
    while len(endpoints.last_request) < COUNT:
        if time.monotonic() > deadline or not program.alive():
            raise Absent(f"only {len(endpoints.last_request)} of {COUNT} endpoints were probed")
        await asyncio.sleep(0.1)


def _haproxy(targets: list[str], listen: str, folder: Path) -> Launch:
    servers = "\n".join(f"  server s{number} {target}" for number, target in enumerate(targets))
    path = folder / "haproxy.cfg"
    path.write_text(HAPROXY.format(listen=listen, every=EVERY_SECONDS, servers=servers))
    return Launch(argv=(PROXIES["haproxy"].find(), "-db", "-f", str(path)))


def _traefik(targets: list[str], listen: str, folder: Path) -> Launch:
    check = {"path": "/healthz", "interval": f"{EVERY_SECONDS}s", "timeout": "1s"}
    services = {
        name: {"loadBalancer": {"servers": [{"url": f"http://{each}"} for each in group], "healthCheck": check}}
        for name, group in _services(targets).items()
    }
    routers = {name: {"rule": f"Host(`{name}.bench.test`)", "service": name} for name in services}
    table = folder / "t.yml"
    table.write_text(json.dumps({"http": {"routers": routers, "services": services}}))
    arguments = quiet_traefik(PROXIES["traefik"].find(), listen, f"{folder}/access.log")
    return Launch(argv=(*arguments, f"--providers.file.filename={table}"), env=GO)


def _tidegate(targets: list[str], listen: str, folder: Path) -> Launch:
    probe = f"{{url: http://container/healthz, interval_seconds: {EVERY_SECONDS}, timeout_seconds: 1}}"
    lines = ["services:"]
    lines += [
        f"  {name}: {{endpoints: {json.dumps(group)}, probe: {probe}}}" for name, group in _services(targets).items()
    ]
    lines += ["routes:"]
    lines += [f"- {{host: {name}.bench.test, path: /, backends: {{{name}: 100}}}}" for name in _services(targets)]
    table = folder / "bench.yaml"
    table.write_text("\n".join(lines) + "\n")
    options = ("--no-docker", "--file", str(table))
    return Launch(argv=serve(PROXIES["tidegate"].find(), str(folder), http=listen, options=options))


def _services(targets: list[str]) -> dict[str, list[str]]:
    return {
        f"s{start // PER_SERVICE}": targets[start : start + PER_SERVICE]
        for start in range(0, len(targets), PER_SERVICE)
    }


LAUNCHES = {"haproxy": _haproxy, "traefik": _traefik, "tidegate": _tidegate}
