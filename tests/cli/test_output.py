from __future__ import annotations

import json

import pytest

from tidegate.cli.output import Screen, as_data, as_problem, emit, note, problem_text, report, wants_color
from tidegate.cli.session import Session
from tidegate.errors import Problem, Severity

PROBLEM = Problem(code="T1203", text="unknown label", place="web-1", severity=Severity.WARNING)
FAULT = Problem(code="T1707", text="no such service", mend="look again")


@pytest.fixture
def session():
    return Session()


def test_json_is_one_object_with_the_promised_fields(session, capsys):
    session.json = True
    emit(session, "thing", {"a": "ä"}, lambda screen: screen.line("never"), [PROBLEM])
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "schema": "tidegate.thing/1",
        "ok": True,
        "data": {"a": "ä"},
        "warnings": [{"code": "T1203", "severity": "warning", "text": "unknown label", "place": "web-1"}],
        "errors": [],
    }


def test_problems_as_json_are_split_by_severity(session, capsys):
    session.json = True
    report(session, "thing", [PROBLEM, FAULT])
    streams = capsys.readouterr()
    found = json.loads(streams.out)
    assert (found["ok"], found["data"], streams.err) == (False, None, "")
    assert [len(found["warnings"]), len(found["errors"])] == [1, 1]


def test_results_go_to_stdout_and_problems_to_stderr(session, capsys):
    emit(session, "thing", {}, lambda screen: screen.line("result"), [PROBLEM])
    report(session, "thing", [PROBLEM, FAULT])
    streams = capsys.readouterr()
    assert streams.out == "result\n"
    assert streams.err.count("T1203") == 2
    assert streams.err.endswith("2 problems\n")


def test_quiet_drops_warnings_and_notes_but_no_errors(session, capsys):
    session.verbosity = -1
    emit(session, "thing", {}, lambda screen: screen.line("result"), [PROBLEM])
    note(session, "by the way")
    report(session, "thing", [FAULT])
    assert capsys.readouterr().err == "error[T1707] no such service\n  fix   look again\n"


def test_a_pipe_gets_tabs_and_no_escape_codes(session, capsys):
    screen = Screen(session)
    screen.table(("A", "B"), [("x\ty", None), (1.0, "two\nlines")])
    screen.line("red", style="red")
    assert capsys.readouterr().out == "A\tB\nx y\t\n1\ttwo lines\nred\n"


def test_colour_can_be_forced_into_a_pipe(session, capsys):
    session.color = True
    Screen(session).line("red", style="red")
    problem_text(session, FAULT)
    streams = capsys.readouterr()
    assert streams.out == "\x1b[31mred\x1b[0m\n"
    assert streams.err.startswith("\x1b[31m")


def test_no_color_and_dumb_terminals_are_heard(session, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_color(session, terminal=True)
    assert not wants_color(session, terminal=False)
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_color(session, terminal=True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_color(session, terminal=True)
    session.color = True
    assert wants_color(session, terminal=True)


def test_a_problem_survives_the_way_through_the_api():
    assert as_problem(as_data(PROBLEM)) == PROBLEM
    assert as_problem(FAULT) is FAULT


def test_an_answer_without_a_reason_still_makes_a_problem():
    assert as_problem({"title": "Bad Gateway"}).text == "Bad Gateway"
    assert as_problem({}).code == "T1706"
