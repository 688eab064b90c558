"""Following a release until it ends, or until it waits for a person: what `deploy` and its kin show meanwhile, on standard
error, and the exit code they end with."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

import click

from tidegate.cli import release_words
from tidegate.cli.client import Admin
from tidegate.cli.faults import RolledBack, Unreachable, WaitedTooLong, WaitsForPerson
from tidegate.cli.output import Screen, emit, note, wants_color
from tidegate.cli.session import Session
from tidegate.errors import Problem, TidegateError

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 30.0  # that nobody answers, before it is given up: a reload takes less

Told = Mapping[str, Any]


def path_of(service: str, verb: str = "") -> str:
    """Where the admin API has the releases of a service."""
    return f"/v1/releases/{quote(service, safe='/')}" + (f"/{verb}" if verb else "")


def follow(session: Session, admin: Admin, service: str, number: int, deadline_seconds: float | None) -> Told:
    """Show the release until it needs nobody to look any more; how it stands then. Raises WaitedTooLong."""
    picture = _picture(session)
    until = None if deadline_seconds is None else time.monotonic() + deadline_seconds
    picture.start()
    try:
        while True:
            told = _look(admin, service, number)
            picture.show(told)
            if told["state"] in release_words.ENDED or release_words.waits_for_person(told):
                return told
            if until is not None and time.monotonic() >= until:
                raise _too_long(told)
            time.sleep(LOOK_SECONDS)
    finally:
        picture.stop()


def end(session: Session, told: Told) -> None:
    """Print how it stands. Raises RolledBack or WaitsForPerson where it is not complete."""
    if told["state"] == release_words.COMPLETE:
        emit(session, "release", told, lambda screen: _tell(screen, told))
        return
    fault = _waits(told) if release_words.waits_for_person(told) else _ended(told)
    if not session.json:
        for row in release_words.gates(told):
            note(session, "gate " + ": ".join(row))
    raise fault


def _tell(screen: Screen, told: Told) -> None:
    screen.line(f"{release_words.title(told)}: {told['summary']}", style="green")
    screen.table(("VERSION", "REPLICAS", "TRAFFIC"), release_words.replicas(told))


def _look(admin: Admin, service: str, number: int) -> Told:
    """The release as it stands; a daemon that is being replaced is waited for."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            found = admin.get(path_of(service))
        except Unreachable:
            if time.monotonic() >= until:
                raise
            time.sleep(LOOK_SECONDS)
            continue
        current: Told = found["current"]
        if current["number"] == number:
            return current
        raise _overtaken(service, number, current["number"])


def _overtaken(service: str, number: int, by: int) -> TidegateError:
    text = f"release {number} of {service} was overtaken by release {by}"
    return RolledBack(Problem(code="T1721", text=text, mend=f"tidegate history {service}"))


def _too_long(told: Told) -> WaitedTooLong:
    text = f"release {told['number']} of {told['service']} has not ended: {told['summary']}"
    return WaitedTooLong(Problem(code="T1722", text=text, mend="give it longer with --deadline", kept="it goes on"))


def _ended(told: Told) -> RolledBack:
    text = f"{release_words.title(told)}: {told['summary']}"
    mend = f"tidegate history {told['service']} tells step by step"
    return RolledBack(Problem(code="T1723", text=text, mend=mend, kept=_who_serves(told)))


def _waits(told: Told) -> WaitsForPerson:
    service = told["service"]
    verb = "promote" if told["state"] == release_words.WAITING else "promote or resume"
    text = f"{release_words.title(told)}: {told['summary']}"
    mend = f"tidegate {verb} {service}, or tidegate abort {service}"
    return WaitsForPerson(Problem(code="T1724", text=text, mend=mend, kept=_who_serves(told)))


def _who_serves(told: Told) -> str:
    return ", ".join(f"{version} has {share} of the traffic" for version, _, share in release_words.replicas(told))


class Picture(Protocol):
    """Something that shows how the release goes on."""

    def start(self) -> None: ...

    def show(self, told: Told) -> None: ...

    def stop(self) -> None: ...


def _picture(session: Session) -> Picture:
    if session.progress == "quiet" or session.verbosity < 0:
        return Lines(lambda _: None)
    if session.progress == "json":
        return Objects()
    if session.progress == "tty" or (session.progress == "auto" and sys.stderr.isatty() and not session.json):
        return Drawn(color=wants_color(session, terminal=True))
    return Lines(lambda line: click.echo(line, err=True))


class Lines:
    """A line for each thing that happened, for each gate that changes its mind, and for each layer of an image that is there."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._told = 0.0  # time of the newest moment that was written
        self._said: dict[str, str] = {}
        self._fetched: dict[
            tuple[str, str], int
        ] = {}  # (image, engine) -> layers that were there when it was written last

    def start(self) -> None:
        """Nothing to prepare."""

    def show(self, told: Told) -> None:
        """Write what is new."""
        for fetch, (image, node, progress) in zip(
            told["seen"].get("fetches", ()), release_words.fetches(told), strict=True
        ):
            if self._fetched.get((image, node)) != fetch["layers_done"]:
                self._fetched[image, node] = fetch["layers_done"]
                self._write(f"fetching {image} on {node}: {progress}")
        for moment, row in zip(told["release"]["history"], release_words.moments(told["release"]), strict=True):
            if moment["when"] > self._told:
                self._write("  ".join(part for part in row if part))
        self._told = max((moment["when"] for moment in told["release"]["history"]), default=self._told)
        for gate, outcome, text in release_words.gates(told):
            if self._said.get(gate) != outcome:
                self._said[gate] = outcome
                self._write(f"gate {gate}: {outcome}, {text}")

    def stop(self) -> None:
        """Nothing to give back."""


class Objects:
    """One JSON object a line, whenever something is another."""

    def __init__(self) -> None:
        self._last = ""

    def start(self) -> None:
        """Nothing to prepare."""

    def show(self, told: Told) -> None:
        """Write it, unless it is what was written last."""
        text = json.dumps(told, ensure_ascii=False)
        if text != self._last:
            self._last = text
            click.echo(text, err=True)

    def stop(self) -> None:
        """Nothing to give back."""


class Drawn:
    """Steps, replicas and gates, redrawn in place."""

    def __init__(self, *, color: bool) -> None:
        from rich.console import Console  # noqa: PLC0415  only a terminal pays for drawing
        from rich.live import Live  # noqa: PLC0415

        self._live = Live(console=Console(stderr=True, no_color=not color, highlight=False), auto_refresh=False)

    def start(self) -> None:
        """Take the terminal."""
        self._live.start()

    def show(self, told: Told) -> None:
        """Redraw."""
        from rich.console import Group  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        sides = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
        for header in ("VERSION", "REPLICAS", "TRAFFIC"):
            sides.add_column(header)
        for row in release_words.replicas(told):
            sides.add_row(*row)
        asked = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        styles = {"ok": "green", "FAILED": "red", "unsure": "yellow", "error": "yellow"}
        for gate, outcome, text in release_words.gates(told):
            asked.add_row(f"gate {gate}", Text(outcome, style=styles.get(outcome, "")), text)
        for image, node, progress in release_words.fetches(told):
            asked.add_row(f"fetching {image}", node, progress)
        head = Text(release_words.title(told), style="bold")
        parts: list[Any] = [head, Text(release_words.steps(told)), Text(release_words.waits_for(told)), sides, asked]
        self._live.update(Group(*parts), refresh=True)

    def stop(self) -> None:
        """Give the terminal back."""
        self._live.stop()
