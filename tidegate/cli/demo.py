"""`tidegate demo`: the example, its traffic and a live picture of it, until Ctrl-C; then nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tidegate.cli.output import Screen, emit, note
from tidegate.cli.session import Session, common

if TYPE_CHECKING:
    from tidegate.cli.demo_stage import Stage
    from tidegate.cli.demo_traffic import Meter, Row, Traffic

READY_SECONDS = 60.0


@click.command()
@click.option("--engine", type=click.Choice(["auto", "docker", "process"]), default="auto", help="What runs it.")
@click.option(
    "--docker", "url", metavar="URL", default=None, help="Docker Engine (default: $DOCKER_HOST or the usual)."
)
@click.option("--seconds", type=click.FloatRange(min=0), default=0.0, metavar="N", help="Stop after N seconds.")
@click.option("--http", "http", metavar="ADDR:PORT", default="", help="Port of the router (default 8080, if free).")
@common
@click.pass_obj
def demo(session: Session, engine: str, url: str | None, seconds: float, http: str) -> int:
    """Run a small example behind Tidegate and watch its traffic until Ctrl-C.

    Uses Docker where an engine answers, else local processes. Everything it makes is removed at the end.
    """
    from tidegate.cli.demo_stage import Stage, choose_ports  # noqa: PLC0415  --help need not load an engine

    chosen = _engine_url(engine, url)
    ports = choose_ports(_http_port(http))
    stage = Stage(ports, chosen)
    with _until_signal() as stopping:
        try:
            rows = _perform(session, stage, stopping, seconds)
        finally:
            note(session, "stopping, removing everything")
            left = stage.close()
    for line in left:
        note(session, f"left behind: {line}")
    emit(
        session,
        "demo",
        _data(stage, rows, left),
        lambda screen: screen.line("done; nothing is left") if not left else None,
    )
    return 1 if left else 0


@contextlib.contextmanager
def _until_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of breaking off: what was started must be removed first."""
    stopping = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stopping.set()) for number in numbers]
    try:
        yield stopping
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _perform(session: Session, stage: Stage, stopping: threading.Event, seconds: float) -> list[Row]:
    """The demo between start and clean-up; the last rows."""
    from tidegate.cli.demo_screen import welcome  # noqa: PLC0415
    from tidegate.cli.demo_traffic import Counts, Meter, Traffic  # noqa: PLC0415

    for moved in stage.ports.moved:
        note(session, moved)
    note(session, f"starting the example on {stage.url or 'the embedded engine (no Docker needed)'}")
    stage.start()
    counts = Counts()
    traffic = Traffic(stage.ports.http, counts)
    try:
        if not _wait_ready(stage, traffic, stopping):
            return []
        if not session.json:
            welcome(Screen(session), stage.ports)
        traffic.start()
        _watch(session, stage, Meter(counts), stopping, seconds)
    finally:
        traffic.stop()
    return Meter(counts).read()


def _wait_ready(stage: Stage, traffic: Traffic, stopping: threading.Event) -> bool:
    """True once every host answers; False if we are to stop first. Raises TidegateError when it takes too long."""
    from tidegate.cli.demo_traffic import HOSTS  # noqa: PLC0415

    deadline = time.monotonic() + READY_SECONDS
    missing = list(HOSTS)
    while missing:
        if stopping.wait(0.1):
            return False
        stage.check()
        missing = [host for host in missing if not traffic.answers(host)]
        if missing and time.monotonic() > deadline:
            raise stage.failed(f"{', '.join(missing)} did not answer within {READY_SECONDS:g} s")
    return True


def _watch(session: Session, stage: Stage, meter: Meter, stopping: threading.Event, seconds: float) -> None:
    from tidegate.cli.demo_screen import picture  # noqa: PLC0415

    end = time.monotonic() + seconds if seconds else float("inf")
    shown = picture(session)
    shown.start()
    try:
        while not stopping.wait(max(0.0, min(shown.every_seconds, end - time.monotonic()))):
            stage.check()
            shown.update(meter.read())
            if time.monotonic() >= end:
                return
    finally:
        shown.stop()


def _engine_url(engine: str, url: str | None) -> str:
    """URL of the Docker Engine to use, or nothing for the embedded one. Raises TidegateError."""
    from tidegate.cli.demo_stage import docker_answers  # noqa: PLC0415
    from tidegate.cli.faults import usage  # noqa: PLC0415
    from tidegate.cli.reading import engine_url  # noqa: PLC0415

    if engine == "process":
        return ""
    try:
        chosen = engine_url(url or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    except ValueError as error:
        raise usage(f"--docker cannot be {url!r}: {error}") from None
    if docker_answers(chosen):
        return chosen
    if engine == "docker" or url:
        from tidegate.errors import EngineUnreachable, Problem  # noqa: PLC0415

        text, mend = f"no Docker Engine answers at {chosen}", "tidegate doctor says why; --engine process needs none"
        raise EngineUnreachable(Problem(code="T1712", text=text, mend=mend))
    return ""


def _http_port(text: str) -> int:
    from tidegate.cli.address import listener  # noqa: PLC0415
    from tidegate.cli.faults import usage  # noqa: PLC0415

    if not text:
        return 0
    try:
        return listener(text, "0.0.0.0").port  # noqa: S104
    except ValueError as error:
        raise usage(f"--http cannot be {text!r}: {error}", "write it as 8080 or 127.0.0.1:8080") from None


def _data(stage: Stage, rows: list[Row], left: tuple[str, ...]) -> dict[str, Any]:
    return {
        "engine": stage.url or "process",
        "ports": {"http": stage.ports.http, "dns": stage.ports.dns, "admin": stage.ports.admin},
        "traffic": [
            {"host": row.host, "answered_by": row.answered_by, "requests": row.requests, "errors": row.errors}
            for row in rows
        ],
        "left_behind": list(left),
    }
