from __future__ import annotations

import logging
import sys

import pytest

from tidegate.app.logs import Lines, check_log
from tidegate.errors import ConfigError


def record(message, *arguments, error=None, **fields):
    made = logging.LogRecord("tidegate.channel", logging.WARNING, "", 0, message, arguments, error)
    made.__dict__.update(fields)
    return made


def test_a_line_has_time_level_role_component_sentence_and_fields():
    line = Lines("worker-1").format(record("cut %s", "off", slot=3, pid=9))
    stamp, _, rest = line.partition(" ")
    assert stamp.endswith("Z")
    assert rest == "warning worker-1 channel: cut off slot=3 pid=9"


def test_a_trace_follows_on_its_own_lines():
    try:
        int("why")
    except ValueError:
        lines = Lines("control").format(record("failed", error=sys.exc_info())).splitlines()
    assert lines[0].endswith("control channel: failed")
    assert lines[-1].startswith("ValueError: ")


@pytest.mark.parametrize("path", ["", "-"])
def test_no_file_needs_no_check(path):
    check_log(path, "access log", "--access-log")


def test_a_log_that_cannot_be_written_stops_the_start(tmp_path):
    check_log(str(tmp_path / "log"), "query log", "--query-log")
    with pytest.raises(ConfigError) as caught:
        check_log(str(tmp_path / "missing" / "log"), "query log", "--query-log")
    (problem,) = caught.value.problems
    assert (problem.code, problem.cause) == ("T1014", "No such file or directory")
    assert problem.text == "the query log cannot be written"
    assert "--query-log" in problem.mend
