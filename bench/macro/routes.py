"""Cost of a request with 10 routes and with 10 000, hosts asked in turn. Both sizes of a peer are measured in the same round."""

from __future__ import annotations

from bench.macro import wrk
from bench.macro.backend import Backend
from bench.macro.http import hosts_file, load_once, running
from bench.macro.proxies import Running
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent

BENCH = "routes"
FEW, MANY = 10, 10000


def hosts(count: int) -> tuple[str, ...]:
    return tuple(f"r{number:05}.bench.test" for number in range(count))


def case(count: int) -> str:
    return f"{count} routes"


def measure(plan: Plan, record: Record) -> None:
    backend = Backend(plan.folder / "routes-backend")
    few, many = hosts(FEW), hosts(MANY)
    try:
        with (
            running(plan, record, backend, few, bench=BENCH, case=case(FEW)) as small,
            running(plan, record, backend, many, bench=BENCH, case=case(MANY)) as large,
        ):
            sides = [
                (case(FEW), hosts_file(plan.folder, few), small),
                (case(MANY), hosts_file(plan.folder, many), large),
            ]
            names = list(dict.fromkeys(peer.name for _, _, peers in sides for peer in peers))
            for turn in range(1, plan.rounds + 1):
                for name in names:
                    for label, file, peers in sides:
                        _one(plan, record, label, file, turn, [peer for peer in peers if peer.name == name])
    finally:
        backend.stop()


def _one(plan: Plan, record: Record, label: str, file: str, turn: int, peers: list[Running]) -> None:
    for peer in peers:
        load = wrk.Load(port=peer.port, hosts_file=file)
        try:
            record.add(BENCH, label, peer.name, turn, **load_once(peer, load, plan.seconds))
        except Absent as why:
            record.miss(BENCH, label, peer.name, why)
