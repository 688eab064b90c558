"""What the bench of automatic scaling says of a run; the run itself is the program's."""

from xml.etree import ElementTree as ET

from msgspec import json

from bench.macro.autoscaling import Change, Result, Second, drawn, table
from bench.macro.sample import Machine

SECONDS = tuple(
    Second(at=float(at), rate=30.0, cpu=40.0, running=1 + (at > 5), wanted=2, crowd=1.0 + at) for at in range(10)
)
RUN = Result(
    date="2026-11-23 17:00",
    machine=Machine(cpu="", cores=2, kernel="", python="", memory_gib=8),
    period=60.0,
    requests=300,
    failed=1,
    p50_ms=4.25,
    p99_ms=90.0,
    changes=(Change(at=5.4, current=1, wanted=2, why="CPU 40 %"),),
    seconds=SECONDS,
)


def test_a_run_is_told_with_its_changes_its_failures_and_what_else_the_machine_did():
    assert table(RUN).splitlines() == [
        "     5 s  1 -> 2  CPU 40 %",
        "300 requests, 1 failed, p50 4.2 ms, p99 90.0 ms",
        "2 cores, load average 5.5 (1.0 to 10.0)",
    ]
    assert json.decode(json.encode(RUN), type=Result) == RUN


def test_its_chart_has_load_cpu_and_replicas():
    picture = ET.fromstring(drawn(list(SECONDS), 60.0))
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}path"))) == 4
