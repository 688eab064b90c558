"""`tidegate top`: live requests per second, errors and latency, per route, service, version or endpoint.

A table redrawn in place on a terminal, tab-separated lines elsewhere, one JSON object a line with `--json`. Everything
comes from `/v1/traffic`, asked once per interval; no Prometheus is needed.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

import click

from tidegate.cli.client import Admin, connect
from tidegate.cli.output import Screen, emit
from tidegate.cli.rates import KINDS, Rate, names, ordered, rates
from tidegate.cli.reading import seconds
from tidegate.cli.session import Session, talking

SORTS = ("rate", "errors", "p50", "p95", "p99", "in-flight", "name")
_NUMBERS = ("REQ/S", "ERR %", "P50 MS", "P95 MS", "P99 MS", "FLIGHT", "WEIGHT", "STATE")
_MIN_SECONDS = 0.2


def _interval(context: click.Context, parameter: click.Parameter, value: str) -> float:
    """The option's text as seconds."""
    try:
        read = seconds(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx=context, param=parameter) from None
    if read < _MIN_SECONDS:
        raise click.BadParameter(f"not shorter than {_MIN_SECONDS:g}s", ctx=context, param=parameter)
    return read


@click.command()
@click.argument("name", required=False, default="")
@click.option("--by", type=click.Choice(list(KINDS)), default="version", help="One row each (default version).")
@click.option("--sort", type=click.Choice(SORTS), default="rate", help="By which column (default rate).")
@click.option(
    "-i", "--interval", callback=_interval, default="2s", metavar="TIME", help="Between two looks (default 2s)."
)
@click.option("-n", "--limit", type=click.IntRange(1, 100_000), help="Rows at most (default: what fits the terminal).")
@click.option("-c", "--count", type=click.IntRange(1), help="Stop after so many looks.")
@click.option("--once", is_flag=True, help="One look, then stop; with --json one object like other verbs.")
@talking
@click.pass_obj
def top(
    session: Session,
    name: str,
    by: str,
    sort: str,
    interval: float,
    limit: int | None,
    count: int | None,
    once: bool,
) -> None:
    """Live requests/s, errors and latency; NAME shows only rows that contain it.

    A percentile is interpolated within its bucket. Ctrl-C stops.
    """
    looks = _looks(connect(session), by, sort, name, interval)
    if once:
        rows = next(looks)[:limit]
        emit(
            session,
            "top",
            [row.plain() for row in rows],
            lambda screen: screen.table(headers(by), [cells(row) for row in rows]),
        )
        return
    picture = _picture(session, by, limit)
    picture.start()
    try:
        with suppress(KeyboardInterrupt):
            for number, rows in enumerate(looks, 1):
                picture.show(rows)
                if number == count:
                    return
    finally:
        picture.stop()


def _looks(admin: Admin, by: str, sort: str, name: str, interval: float) -> Iterator[list[Rate]]:
    """The rows of each interval, for ever. An answer that is measured at the same moment as the one before is skipped."""
    before = admin.get("/v1/traffic", kind=KINDS[by], resting=True)
    while True:
        time.sleep(interval)
        after = admin.get("/v1/traffic", kind=KINDS[by], resting=True)
        if after["at"] == before["at"]:
            continue  # no worker has reported since
        found = [row for row in rates(before, after, by) if name in " ".join(row.name)]
        yield ordered(found, sort)
        before = after


class Picture(Protocol):
    """Something that shows the rows, again and again."""

    def start(self) -> None: ...

    def show(self, rows: list[Rate]) -> None: ...

    def stop(self) -> None: ...


def _picture(session: Session, by: str, limit: int | None) -> Picture:
    if session.json:
        return Objects(limit)
    screen = Screen(session)
    if session.progress == "tty" or (screen.terminal and session.progress == "auto"):
        return Drawn(by, limit, color=screen.color)
    return Lines(by, limit)


class Objects:
    """One JSON object a line and look."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit

    def start(self) -> None:
        """Nothing to prepare."""

    def show(self, rows: list[Rate]) -> None:
        """Write the look."""
        document = {"at": time.time(), "rows": [row.plain() for row in rows[: self._limit]]}
        click.echo(json.dumps(document, ensure_ascii=False))
        sys.stdout.flush()

    def stop(self) -> None:
        """Nothing to give back."""


class Lines:
    """A line per row and look, the time first, tabs between."""

    def __init__(self, by: str, limit: int | None) -> None:
        self._by = by
        self._limit = limit

    def start(self) -> None:
        """Say what the columns are."""
        click.echo("\t".join(("TIME", *headers(self._by))))

    def show(self, rows: list[Rate]) -> None:
        """Write the rows."""
        at = time.strftime("%H:%M:%S")
        for row in rows[: self._limit]:
            click.echo("\t".join((at, *cells(row))))
        sys.stdout.flush()

    def stop(self) -> None:
        """Nothing to give back."""


class Drawn:
    """A table that is redrawn in place, as many rows as fit."""

    def __init__(self, by: str, limit: int | None, *, color: bool) -> None:
        from rich.console import Console  # noqa: PLC0415  only a terminal pays for drawing
        from rich.live import Live  # noqa: PLC0415

        self._by = by
        self._limit = limit
        self._live = Live(console=Console(no_color=not color, highlight=False), auto_refresh=False)

    def start(self) -> None:
        """Take the terminal."""
        self._live.start()

    def show(self, rows: list[Rate]) -> None:
        """Redraw."""
        from rich.table import Table  # noqa: PLC0415

        fitting = rows[: self._limit or max(1, shutil.get_terminal_size().lines - 4)]
        hidden = f"{len(rows) - len(fitting)} more · " if len(rows) > len(fitting) else ""
        total = sum(row.per_second for row in rows)
        caption = f"{total:.1f} requests/s · {hidden}Ctrl-C stops"
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), caption=caption)
        text = len(names(self._by))
        for at, header in enumerate(headers(self._by)):
            if at < text:
                table.add_column(header, overflow="ellipsis", no_wrap=True)
            else:
                table.add_column(header, justify="right", no_wrap=True)
        for row in fitting:
            table.add_row(*cells(row), style="red" if row.errors_percent >= 1 else "" if row.per_second else "dim")
        self._live.update(table, refresh=True)

    def stop(self) -> None:
        """Give the terminal back."""
        self._live.stop()


def headers(by: str) -> tuple[str, ...]:
    """The head of each column."""
    return (*(part.upper() for part in names(by)), *_NUMBERS)


def cells(row: Rate) -> tuple[str, ...]:
    """A row as text, in the order of `headers`."""
    times = ("-" if value is None else f"{value:.1f}" for value in (row.p50_ms, row.p95_ms, row.p99_ms))
    weight = "" if row.weight is None else str(row.weight)
    return (
        *row.name,
        f"{row.per_second:.1f}",
        f"{row.errors_percent:.1f}",
        *times,
        str(row.in_flight),
        weight,
        row.state,
    )
