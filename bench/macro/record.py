"""What a run has found so far, told to the terminal line by line as it comes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from bench.macro import machine
from bench.macro.sample import Absent, Missing, Run, Sample, Settings


class Plan:
    """What the user asked for: how many rounds, how long each, how many reloads, which peers, of which cases (those
    whose name holds `case`, where a part takes so long that one wants a few), and a folder for scratch files."""

    def __init__(
        self, *, rounds: int, seconds: float, peers: Iterable[str], folder: Path, reloads: int = 50, case: str = ""
    ) -> None:
        self.rounds = rounds
        self.seconds = seconds
        self.peers = frozenset(peers)
        self.folder = folder
        self.reloads = reloads
        self.case = case

    def wants(self, peer: str) -> bool:
        """Every peer takes part where none is named."""
        return not self.peers or peer in self.peers


class Record:
    """Collects samples. A peer that fails in a case is noted there with its reason and the bench goes on."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.missing: dict[tuple[str, str, str], Missing] = {}
        self.versions: dict[str, str] = {}

    def add(self, bench: str, case: str, peer: str, turn: int, **values: float) -> None:
        self.samples.append(Sample(bench=bench, case=case, peer=peer, round=turn, values=values))
        figures = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        click.echo(f"{bench} {case} #{turn} {peer:<9} {figures}", err=True)

    def miss(self, bench: str, case: str, peer: str, why: Absent | str) -> None:
        self.missing[bench, case, peer] = Missing(bench=bench, case=case, peer=peer, why=str(why))
        click.echo(f"{bench} {case} {peer:<9} not available: {why}", err=True)

    def finish(self, settings: Settings) -> Run:
        """Everything so far as one value."""
        return Run(
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            machine=machine.facts(),
            settings=settings,
            versions=self.versions,
            samples=tuple(self.samples),
            missing=tuple(self.missing.values()),
        )

    def note_version(self, peer: str, argv: tuple[str, ...]) -> None:
        if peer not in self.versions:
            with suppress(OSError, ValueError):
                self.versions[peer] = machine.version(argv)
