"""Results on standard output, everything else on standard error, in one of three forms of the same truth.

A terminal gets colour and aligned tables, a pipe tab-separated lines without escape codes, `--json` exactly one object:
`schema`, `ok`, `data`, `warnings`, `errors`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from tidegate.cli.session import Session
from tidegate.errors import Problem, Severity

STATE_COLORS = {
    "healthy": "green",
    "ok": "green",
    "ready": "green",
    "starting": "yellow",
    "draining": "yellow",
    "warning": "yellow",
    "hold": "yellow",
    "unhealthy": "red",
    "broken": "red",
    "error": "red",
    "maintenance": "red",
}


class Screen:
    """Where a verb writes its result as text."""

    def __init__(self, session: Session) -> None:
        self.terminal = sys.stdout.isatty()
        self.color = wants_color(session, terminal=self.terminal)

    def line(self, text: str = "", *, style: str = "") -> None:
        """One line; `style` is a colour or `bold`, heard only where colour is wanted."""
        click.echo(self.paint(text, style), color=self.color)

    def paint(self, text: str, style: str) -> str:
        """`text` in `style`, or as it is where colour is not wanted."""
        if not self.color or not style:
            return text
        return click.style(text, bold=True) if style == "bold" else click.style(text, fg=style)

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Aligned columns on a terminal, one tab between cells elsewhere; the header line stands in both."""
        cells = [[_cell(value) for value in row] for row in rows]
        if self.terminal:
            self._draw(headers, cells)
            return
        for row in ([*headers], *cells):
            click.echo("\t".join(row))

    def _draw(self, headers: Sequence[str], cells: list[list[str]]) -> None:
        from rich.console import Console  # noqa: PLC0415  drawing costs 30 ms, pipes do not pay it
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, header_style="bold" if self.color else "", padding=(0, 3, 0, 0))
        for header in headers:
            table.add_column(header, overflow="fold")
        for row in cells:
            styles = [STATE_COLORS.get(cell.split(" ")[0], "") if self.color else "" for cell in row]
            table.add_row(*(Text(cell, style=style) for cell, style in zip(row, styles, strict=True)))
        Console(highlight=False, no_color=not self.color, soft_wrap=False).print(table)


def emit(
    session: Session,
    schema: str,
    data: Any,
    view: Callable[[Screen], None],
    warnings: Sequence[Problem | Mapping[str, Any]] = (),
) -> None:
    """Print a result: `view` draws it for people, `data` is what `--json` gives under `tidegate.<schema>/1`."""
    if session.json:
        _print_json(schema, data, warnings, ())
        return
    if session.verbosity >= 0:
        for warning in warnings:
            problem_text(session, as_problem(warning))
    view(Screen(session))


def report(session: Session, schema: str, problems: Sequence[Problem]) -> None:
    """Print why nothing came of it: on standard error as text, or as the one JSON object on standard output."""
    if session.json:
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        warnings = [problem for problem in problems if problem.severity is not Severity.ERROR]
        _print_json(schema, None, warnings, errors)
        return
    for problem in problems:
        problem_text(session, problem)
    if len(problems) > 1 and session.verbosity >= 0:
        click.echo(f"{len(problems)} problems", err=True)


def note(session: Session, text: str) -> None:
    """A remark on standard error, for people: not with --json, not with -q."""
    if not session.json and session.verbosity >= 0 and session.progress != "quiet":
        click.echo(text, err=True)


def problem_text(session: Session, problem: Problem) -> None:
    """One problem on standard error, its head in colour where that is wanted."""
    color = wants_color(session, terminal=sys.stderr.isatty())
    head, newline, rest = str(problem).partition("\n")
    if color:
        head = click.style(head, fg="red" if problem.severity is Severity.ERROR else "yellow", bold=True)
    click.echo(head + newline + rest, err=True, color=color)


def as_problem(value: Problem | Mapping[str, Any]) -> Problem:
    """A problem as the admin API writes it, or one already; unknown fields are left aside."""
    if isinstance(value, Problem):
        return value
    known = {name: str(value[name]) for name in ("place", "cause", "mend", "kept") if value.get(name)}
    severity = Severity.WARNING if value.get("severity") == "warning" else Severity.ERROR
    text = str(value.get("text") or value.get("detail") or value.get("title") or "the answer names no reason")
    return Problem(code=str(value.get("code") or "T1706"), text=text, severity=severity, **known)


def as_data(problem: Problem | Mapping[str, Any]) -> dict[str, Any]:
    """A problem as plain data, with its severity and without empty fields."""
    if not isinstance(problem, Problem):
        return dict(problem)
    fields = {name: getattr(problem, name) for name in ("code", "severity", "text", "place", "cause", "mend", "kept")}
    return {name: str(value) for name, value in fields.items() if value}


def wants_color(session: Session, *, terminal: bool) -> bool:
    """--color or --no-color, else NO_COLOR, else whether it is a terminal that knows colours."""
    if session.color is not None:
        return session.color
    return terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _print_json(schema: str, data: Any, warnings: Sequence[Any], errors: Sequence[Any]) -> None:
    import json  # noqa: PLC0415  only --json pays for it

    answer = {
        "schema": f"tidegate.{schema}/1",
        "ok": not errors,
        "data": data,
        "warnings": [as_data(item) for item in warnings],
        "errors": [as_data(item) for item in errors],
    }
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def _cell(value: object) -> str:
    """One line of text without tabs: cells must not break the columns of a pipe."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(str(value).split())
