"""`python -m bench`: measure Tidegate beside real peers and write table, chart and results.

python -m bench http  --rounds 5 --seconds 5
python -m bench dns | churn | deploys | faults | all
python -m bench releases | rollbacks --rounds 1          # on a real Docker Engine that it starts: as root
python -m bench hosts --rounds 1                        # three engines and three etcd members in namespaces: as root
python -m bench reloads --rounds 1 --reloads 50         # and a fifth as many upgrades
python -m bench autoscaling --period 60                 # a CPU-bound service follows its load out and in: 21 minutes
python -m bench placement --rounds 100                  # how long the scheduler decides, 1 000 nodes and 10 000 replicas
python -m bench simulation --seeds 1000 --full 1        # clusters in virtual time under storms, every law checked
python -m bench conformance                             # the HTTP/1 catalogue through each proxy, judged alike
python -m bench store --rounds 3                        # three real etcd members beside SQLite
python -m bench store-faults --seconds 60               # its members killed and frozen under clients that count
python -m bench fencing --rounds 6                      # exclusive replicas of cut off nodes, on a real etcd in real time
python -m bench report --out bench/results/DATE.json    # write README's table again from a stored run
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec import json

from bench import conformance, fencing, simulation, store, storefaults
from bench.macro import (
    autoscaling,
    churn,
    deploys,
    dns,
    faults,
    http,
    idle,
    probing,
    releases,
    reloads,
    report,
    rollbacks,
    routes,
)
from bench.macro.record import Plan, Record
from bench.macro.sample import Run, Settings
from bench.micro import placement

Measure = Callable[[Plan, Record], None]
HERE = Path(__file__).resolve().parent


def _hosts(plan: Plan, record: Record) -> None:
    from bench.macro import hosts  # noqa: PLC0415  it needs what tests need

    hosts.measure(plan, record)


PARTS: dict[str, tuple[Measure, ...]] = {
    "http": (http.measure,),
    "dns": (dns.measure,),
    "churn": (churn.measure, idle.measure, probing.measure, routes.measure),
    "live": (churn.measure,),
    "idle": (idle.measure,),
    "probing": (probing.measure,),
    "routes": (routes.measure,),
    "deploys": (deploys.measure,),
    "faults": (faults.measure,),
    "reloads": (reloads.measure,),
    "releases": (releases.measure,),
    "rollbacks": (rollbacks.measure,),
    "hosts": (_hosts,),
    "all": (http.measure, dns.measure, churn.measure, idle.measure, probing.measure, routes.measure),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument(
    "part",
    type=click.Choice(
        [*PARTS, "autoscaling", "conformance", "placement", "simulation", "store", "store-faults", "fencing", "report"]
    ),
)
@click.option("--rounds", default=5, show_default=True, help="Turns of each peer; medians are over them.")
@click.option("--seconds", default=4.0, show_default=True, help="Length of one turn.")
@click.option("--reloads", "count", default=50, show_default=True, help="Reloads in a turn, for `reloads`.")
@click.option("--period", default=60.0, show_default=True, help="Seconds of a period, for `autoscaling`.")
@click.option("--peers", default="", help="Comma-separated names; all that are known if left out.")
@click.option(
    "--case",
    default="",
    help="Only cases whose name has this text, for `releases` and `rollbacks`; some phases of `hosts`.",
)
@click.option("--out", default="", help="Result file; bench/results/DATE-PART.json if left out.")
@click.option("--seeds", default=1000, show_default=True, help="Small clusters, for `simulation`.")
@click.option("--full", default=0, show_default=True, help="Further seeds at full size, for `simulation`.")
@click.option("--first", default=0, show_default=True, help="The first seed, for `simulation`.")
@click.option("--jobs", default=0, show_default=True, help="Processes, for `simulation`; 0: one for each core.")
@click.option("--interpreter", default="", help="Another Python that plays the clusters of `simulation`: pypy3.")
@click.option("--no-readme", is_flag=True, help="Leave bench/README.md and its chart as they are.")
def main(
    part: str,
    rounds: int,
    seconds: float,
    count: int,
    period: float,
    peers: str,
    case: str,
    seeds: int,
    full: int,
    first: int,
    jobs: int,
    interpreter: str,
    out: str,
    no_readme: bool,
) -> None:
    """Measure PART beside the peers in one run. Loopback only; bounded by --rounds and --seconds."""
    if part == "conformance":
        target = Path(out) if out else HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d}-conformance.json"
        signal.signal(signal.SIGTERM, _end)
        sys.exit(conformance.run([name for name in peers.split(",") if name], target, readme=not no_readme))
    if part == "autoscaling":
        target = Path(out) if out else HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d}-autoscaling.json"
        signal.signal(signal.SIGTERM, _end)
        sys.exit(bool(autoscaling.run(period, target, readme=not no_readme)))
    if part == "store-faults":
        signal.signal(signal.SIGTERM, _end)
        sys.exit(storefaults.run(seconds, seed=rounds))
    if part == "store":
        target = Path(out) if out else HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d}-store.json"
        signal.signal(signal.SIGTERM, _end)
        sys.exit(store.run(rounds, target))
    if part == "fencing":
        signal.signal(signal.SIGTERM, _end)
        sys.exit(fencing.run(rounds))
    if part == "placement":
        sys.exit(0 if placement.run(rounds) else 1)
    if part == "simulation":
        sys.exit(1 if simulation.run(seeds, first, full, jobs, interpreter) else 0)
    if part == "report":
        run = json.decode(Path(out).read_bytes(), type=Run)
    else:
        names = [name for name in peers.split(",") if name]
        run = _measure(part, rounds, seconds, names, count, case)
        target = Path(out) if out else HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d}-{part}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(json.format(json.encode(run), indent=1) + b"\n")
    click.echo(report.table(run))
    if not no_readme:
        report.publish(run, HERE)


def _end(number: int, _frame: object) -> None:
    """SIGTERM ends us as Ctrl-C does, by an exception, so that every peer we started is stopped."""
    sys.exit(128 + number)


def _measure(part: str, rounds: int, seconds: float, peers: list[str], count: int, case: str) -> Run:
    signal.signal(signal.SIGTERM, _end)
    record = Record()
    chosen = f" --peers {','.join(peers)}" if peers else ""
    chosen += f' --case "{case}"' if case else ""
    many = f" --reloads {count}" if part == "reloads" else ""
    rounds = 1 if part == "hosts" else rounds
    command = f"python -m bench {part}{many} --rounds {rounds} --seconds {seconds:g}{chosen}"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)
        plan = Plan(rounds=rounds, seconds=seconds, peers=peers, folder=Path(folder), reloads=count, case=case)
        for measure in PARTS[part]:
            measure(plan, record)
    return record.finish(Settings(command=command, rounds=rounds, seconds=seconds))


if __name__ == "__main__":
    main()
