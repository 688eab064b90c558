"""`python -m tests.fuzz`: run every oracle on octets that nobody wrote; what breaks one is kept as a file.

Two engines. `plain` changes the catalogue's cases at random and runs the compiled codec, some ten thousand times a second.
`atheris` is libFuzzer: it runs the plain Python codec, sees which lines an input reaches, and keeps what reaches new ones.
Failing inputs stay in build/fuzz/crashes, the corpus that atheris grew in build/fuzz/corpus; `--replay FILE` runs one again.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import click

from tests.fuzz.pure import load_uncompiled

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build" / "fuzz"
TARGETS = {
    "connection": "requests",
    "request-head": "requests",
    "response": "responses",
    "response-to-head": "responses",
    "response-head": "responses",
    "chunks": "bodies",
}
SHARES = {"connection": 6, "response": 2, "chunks": 2}  # of the time; every other target takes one
HANG_SECONDS = 10
MOST_CUTS = 512


def oracle(target):
    """The function of octets and cuts that raises where something does not hold."""
    from tests.fuzz import oracles  # noqa: PLC0415  after `load_uncompiled`, where that is wanted

    if target == "response-to-head":
        return lambda data, cuts: oracles.response(data, cuts, head_only=True)
    return getattr(oracles, target.replace("-", "_"))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--engine", type=click.Choice(["both", "plain", "atheris"]), default="both", show_default=True)
@click.option("--target", type=click.Choice([*TARGETS, "all"]), default="all", show_default=True)
@click.option("--seconds", default=60.0, show_default=True, help="Time in all.")
@click.option("--runs", default=0, help="Executions of each engine in all, instead of a time.")
@click.option("--seed", default=0, help="Of the random numbers; 0 takes a new one.")
@click.option("--replay", type=click.Path(exists=True, dir_okay=False), help="Run one kept input through its target.")
@click.option("--inside", is_flag=True, hidden=True, help="Run atheris in this very process.")
def main(engine, target, seconds, runs, seed, replay, inside):
    """Fuzz the HTTP/1 codec. Ends with status 1 if anything was found."""
    if replay:
        _replay(Path(replay), target)
        return
    if inside:
        _atheris_inside(target, seconds, runs, seed)
        return
    seed = seed or random.SystemRandom().randrange(1, 1 << 31)
    targets = list(TARGETS) if target == "all" else [target]
    total = sum(SHARES.get(one, 1) for one in targets)
    engines = ["plain", "atheris"] if engine == "both" else [engine]
    found = 0
    for name in engines:
        for one in targets:
            share = SHARES.get(one, 1) / total
            run = _plain if name == "plain" else _atheris
            found += run(one, seconds * share / len(engines), int(runs * share), seed)
    sys.exit(1 if found else 0)


def _plain(target, seconds, runs, seed):
    from tests.fuzz import mutation  # noqa: PLC0415  only this engine needs it

    check, kind, rng = oracle(target), TARGETS[target], random.Random(f"{seed}-{target}")
    signal.signal(signal.SIGALRM, _hung)
    started = time.monotonic()
    done = found = 0
    while done < runs if runs else time.monotonic() - started < seconds:
        signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
        for _ in range(500):
            data = mutation.mutant(rng, kind)
            cuts = mutation.cuts(rng, data)
            try:
                check(data, cuts)
            except Exception:  # noqa: BLE001  whatever it is, it is a finding
                found += 1
                _keep(target, data, cuts)
        done += 500
    signal.setitimer(signal.ITIMER_REAL, 0)
    spent = time.monotonic() - started
    click.echo(f"plain    {target:17} {done:9} executions, {done / spent:7.0f}/s, seed {seed}, {found} found")
    return found


def _hung(_number, _frame):
    raise TimeoutError(f"500 executions took more than {HANG_SECONDS} s")


def _keep(target, data, cuts):
    folder = PLACE / "crashes"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target}-{hash((data, tuple(cuts))) & 0xFFFFFFFF:08x}"
    path.write_bytes(len(cuts).to_bytes(2) + b"".join(cut.to_bytes(2) for cut in cuts) + data)
    click.echo(
        f"found by {target}: {path.relative_to(ROOT)}\n{data[:300]!r} cut at {cuts[:20]}\n{traceback.format_exc(limit=-2)}"
    )


def _divided(octets):
    """(octets, cuts) of an input that says itself where it is cut: a count and each cut in two octets, then the rest."""
    count = int.from_bytes(octets[:2]) % MOST_CUTS
    head, data = octets[2 : 2 + 2 * count], octets[2 + 2 * count :]
    return data, [int.from_bytes(head[at : at + 2]) % (len(data) + 1) for at in range(0, len(head), 2)]


def _replay(path, target):
    named = [one for one in TARGETS if path.name.startswith(f"{one}-")]
    oracle(max(named, key=len) if target == "all" else target)(*_divided(path.read_bytes()))
    click.echo(f"{path.name}: nothing wrong")


def _atheris(target, seconds, runs, seed):
    """libFuzzer ends its process, so each target has one."""
    bound = ["--seconds", str(max(1, round(seconds)))] if not runs else ["--runs", str(runs)]
    command = [sys.executable, "-m", "tests.fuzz", "--inside", "--target", target, *bound, "--seed", str(seed)]
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    lines = result.stderr.splitlines()
    counted = next((line.split()[-1] for line in lines if line.startswith("stat::number_of_executed_units")), "?")
    rate = next((line.split()[-1] for line in lines if line.startswith("stat::average_exec_per_sec")), "?")
    click.echo(
        f"atheris  {target:17} {counted:>9} executions, {rate:>7}/s, seed {seed}, {int(result.returncode != 0)} found"
    )
    if result.returncode:
        click.echo("\n".join((result.stdout.splitlines() + lines)[-40:]))
    return int(result.returncode != 0)


def _atheris_inside(target, seconds, runs, seed):
    modules = load_uncompiled()
    import atheris  # noqa: PLC0415  a tool of `make fuzz`, nothing else needs it

    for function in modules:
        atheris.instrument_func(function)
    from tests.fuzz import mutation  # noqa: PLC0415

    check = oracle(target)
    corpus, crashes = PLACE / "corpus" / target, PLACE / "crashes"
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(mutation.seeds(TARGETS[target])):
        (corpus / f"seed-{number}").write_bytes(b"\x00\x01\x00\x20" + data)
    words = PLACE / "words"
    words.write_text("".join(f'"{"".join(f"{chr(92)}x{octet:02x}" for octet in word)}"\n' for word in mutation.WORDS))
    bound = f"-runs={runs}" if runs else f"-max_total_time={seconds:.0f}"
    options = [
        bound,
        f"-seed={seed}",
        f"-timeout={HANG_SECONDS}",
        "-max_len=4096",
        f"-dict={words}",
        "-print_final_stats=1",
    ]
    atheris.Setup(
        [sys.argv[0], str(corpus), *options, f"-artifact_prefix={crashes}/{target}-"],
        lambda octets: check(*_divided(octets)),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
