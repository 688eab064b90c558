"""How the demo looks: a table redrawn in place on a terminal, plain lines elsewhere, and the words at its start."""

from __future__ import annotations

import time
from typing import Protocol

import click

from tidegate.cli.demo_stage import Ports
from tidegate.cli.demo_traffic import Row
from tidegate.cli.output import Screen
from tidegate.cli.session import Session

HEADERS = ("HOST", "ANSWERED BY", "REQ/S", "SHARE", "REQUESTS", "ERRORS")


class Picture(Protocol):
    """Something that shows the rows, again and again."""

    every_seconds: float

    def start(self) -> None: ...

    def update(self, rows: list[Row]) -> None: ...

    def stop(self) -> None: ...


def picture(session: Session) -> Picture:
    """The picture this session's output can show; --progress decides where it is given."""
    if session.json or session.progress in ("quiet", "json") or session.verbosity < 0:
        return NoPicture()
    screen = Screen(session)
    if session.progress == "tty" or (screen.terminal and session.progress == "auto"):
        return Live(color=screen.color)
    return Plain()


class NoPicture:
    """Shows nothing; the result at the end says it all."""

    every_seconds = 1.0

    def start(self) -> None:
        """Do nothing."""

    def update(self, rows: list[Row]) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


class Plain(NoPicture):
    """One line per service and version, with the time, tab-separated."""

    every_seconds = 5.0

    def update(self, rows: list[Row]) -> None:
        """Write the rows."""
        at = time.strftime("%H:%M:%S")
        for row in rows:
            click.echo("\t".join((at, *cells(row))))


class Live:
    """A table that is redrawn in place."""

    every_seconds = 1.0

    def __init__(self, *, color: bool) -> None:
        from rich.console import Console  # noqa: PLC0415  only a terminal pays for drawing
        from rich.live import Live as RichLive  # noqa: PLC0415

        self._live = RichLive(console=Console(no_color=not color, highlight=False), auto_refresh=False)

    def start(self) -> None:
        """Take the terminal."""
        self._live.start()

    def update(self, rows: list[Row]) -> None:
        """Redraw."""
        from rich.table import Table  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0), caption="Ctrl-C stops")
        for header in HEADERS:
            table.add_column(header, justify="left" if header in HEADERS[:2] else "right")
        for row in rows:
            table.add_row(*cells(row), style="red" if row.errors else "")
        self._live.update(table, refresh=True)

    def stop(self) -> None:
        """Give the terminal back."""
        self._live.stop()


def cells(row: Row) -> tuple[str, ...]:
    """A row as text, in the order of `HEADERS`."""
    share = f"{row.share_percent:.0f}%"
    return (row.host, row.answered_by, f"{row.per_second:.1f}", share, str(row.requests), str(row.errors))


def welcome(screen: Screen, ports: Ports) -> None:
    """Addresses and what to try; each line can be pasted."""
    admin = "" if ports.admin == 9900 else f"--admin 127.0.0.1:{ports.admin} "
    urls = "  ".join(f"http://{name}.localhost:{ports.http}" for name in ("hello", "api", "web"))
    tries = (
        f"curl -H 'Host: hello.localhost' http://127.0.0.1:{ports.http}/",
        f"dig @127.0.0.1 -p {ports.dns} +short hello.tidegate-demo.mesh.internal",
        f"tidegate {admin}status",
        f"tidegate {admin}shift hello v2=10",
        f"tidegate {admin}explain http://nope.localhost/",
    )
    screen.line()
    screen.line("Tidegate is running, with an example of three services behind it.", style="bold")
    screen.line(f"  router     {urls}")
    screen.line(f"  DNS        127.0.0.1 port {ports.dns}, UDP and TCP")
    screen.line(f"  admin API  http://127.0.0.1:{ports.admin}")
    screen.line("Try, in another terminal:")
    for line in tries:
        screen.line(f"  {line}")
    screen.line("Ctrl-C stops everything; nothing was installed on this host.")
    screen.line()
