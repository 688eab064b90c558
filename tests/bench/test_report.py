"""Tables and chart of a stored run, and what is published where."""

from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from msgspec import json

from bench.__main__ import PARTS, main
from bench.macro import report
from bench.macro.sample import Machine, Missing, Run, Sample, Settings

CASE = "12 headers, 100 B"


def http_sample(peer, turn, cpu):
    values = {
        "cpu_us": cpu,
        "user_us": cpu / 4,
        "kernel_us": cpu * 3 / 4,
        "worker_us": cpu,
        "requests_per_second": 1e6 / cpu,
    }
    return Sample(bench="http", case=CASE, peer=peer, round=turn, values=values)


def routes_sample(count, cpu):
    return Sample(bench="routes", case=f"{count} routes", peer="nginx", round=1, values={"cpu_us": cpu})


@pytest.fixture
def run():
    return Run(
        date="2026-01-02T03:04:05+00:00",
        machine=Machine(cpu="A CPU", cores=2, kernel="6.1", python="3.11", memory_gib=8),
        settings=Settings(command="python -m bench http", rounds=2, seconds=3.0),
        versions={"nginx": "1.22.1"},
        samples=(
            http_sample("nginx", 1, 20.0),
            http_sample("tidegate", 1, 19.0),
            http_sample("nginx", 2, 40.0),
            http_sample("tidegate", 2, 38.0),
            routes_sample(10, 20.0),
            routes_sample(10000, 21.0),
        ),
        missing=(Missing(bench="http", case="start", peer="envoy", why="no | such\npackage"),),
    )


def row_of(text, name):
    return next(line for line in text.splitlines() if line.startswith(f"| {name} |"))


def test_our_row_shows_the_median_and_the_ratio_to_nginx(run):
    cells = row_of(report.table(run), "**tidegate**").split(" | ")
    assert (cells[1], cells[-2]) == ("28.5", "0.95")


def test_a_peer_that_did_not_start_has_a_row_with_the_reason(run):
    assert "not available: no / such package" in row_of(report.table(run), "envoy")


def test_a_bench_that_nobody_started_for_still_shows_the_reasons(run):
    nothing = Run(
        date=run.date, machine=run.machine, settings=run.settings, versions={}, missing=(*run.missing,), samples=()
    )
    assert "not available: no / such package" in row_of(report.table(nothing), "envoy")


def test_the_step_to_many_routes_compares_a_peer_with_itself(run):
    text = report.table(run)
    assert "| nginx | 1.05 |" in text[text.index("10 000 routes against 10") :]


def test_every_case_of_a_run_is_in_exactly_one_table(run):
    text = report.table(run)
    assert [text.count(f"\n| {case} |") for case in (CASE, "10 routes", "10000 routes")] == [1, 1, 1]


def test_the_chart_is_well_formed_and_marks_ours(run):
    drawing = report.chart(run)
    assert ET.fromstring(drawing).tag.endswith("svg")
    assert drawing.count("#0f766e") == 1


def test_publishing_replaces_only_what_stands_between_the_markers(run, tmp_path):
    (tmp_path / "results").mkdir()
    readme = tmp_path / "README.md"
    begin, end = report.markers("table")
    readme.write_text(f"before\n{begin}\nold figures\n{end}\nafter\n")
    report.publish(run, tmp_path)
    report.publish(run, tmp_path)
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old figures" not in text
    assert text.count("0.95") == 1


@pytest.fixture
def deploys(run):
    samples = [
        Sample(bench="deploys", case="1 old stops", peer=peer, round=turn, values={"requests": 400.0, "failed": failed})
        for turn in (1, 2)
        for peer, failed in (("tidegate", 0.0), ("caddy", 100.0 + turn))
    ]
    return Run(date=run.date, machine=run.machine, settings=run.settings, versions=run.versions, samples=tuple(samples))


def test_a_run_of_deploys_has_markers_of_its_own_and_leaves_table_and_chart_alone(deploys, tmp_path):
    readme, (begin, end) = tmp_path / "README.md", report.markers("deploys")
    readme.write_text(f"{''.join(report.markers('table'))}\n{begin}\nold figures\n{end}\nafter\n")
    report.publish(deploys, tmp_path)
    text = readme.read_text()
    assert text.startswith("".join(report.markers("table")))
    assert text.endswith("after\n")
    assert "old figures" not in text
    assert not (tmp_path / "results").exists()


def test_failed_requests_are_added_up_over_the_rounds(deploys):
    text = report.table(deploys)
    assert row_of(text, "**tidegate**").split(" | ")[1:3] == ["800", "0 |"]
    assert row_of(text, "caddy").split(" | ")[1:3] == ["800", "203 |"]


def test_a_stored_run_is_reported_again(run, tmp_path):
    stored = tmp_path / "run.json"
    stored.write_bytes(json.encode(run))
    result = CliRunner().invoke(main, ["report", "--out", str(stored), "--no-readme"])
    assert result.exit_code == 0
    assert result.output.strip() == report.table(run).strip()


@pytest.mark.parametrize("part", ["http", "dns", "churn", "deploys", "faults", "all"])
def test_each_part_is_known(part):
    assert part in PARTS


def test_an_unknown_part_is_refused():
    assert CliRunner().invoke(main, ["everything"]).exit_code == 2
