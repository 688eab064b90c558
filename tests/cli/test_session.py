from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from tidegate.cli.session import Session, changing, common, talking


def told(decorate, *arguments, **environ):
    """The session and the values a verb is called with, or the error it ends with."""
    seen = {}

    @click.command()
    @decorate
    @click.pass_obj
    def verb(session, /, **values):
        seen.update(session=session, values=values)

    session = Session()
    result = CliRunner(env={"CI": None, "TIDEGATE_TIMEOUT": None, "TIDEGATE_PROGRESS": None} | environ).invoke(
        verb, arguments, obj=session
    )
    return seen.get("session", session), seen.get("values"), result


def test_without_options_all_is_default():
    session, values, _ = told(talking)
    assert vars(session) == vars(Session())
    assert values == {}


def test_every_option_reaches_the_session():
    session, _, _ = told(
        talking,
        "--json",
        "--no-color",
        "-vvq",
        "--timeout",
        "2m",
        "--progress",
        "tty",
        "--admin",
        "h:1",
        "--token",
        "t",
    )
    assert (session.json, session.color, session.verbosity, session.timeout_seconds) == (True, False, 1, 120.0)
    assert (session.progress, session.admin, session.token) == ("tty", "h:1", "t")


def test_variables_stand_in_for_timeout_and_progress():
    session, _, _ = told(common, TIDEGATE_TIMEOUT="5", TIDEGATE_PROGRESS="quiet")
    assert (session.timeout_seconds, session.progress) == (5.0, "quiet")


@pytest.mark.parametrize(("value", "progress"), [("true", "plain"), ("1", "plain"), ("false", "auto"), ("", "auto")])
def test_ci_means_plain(value, progress):
    assert told(common, CI=value)[0].progress == progress


def test_an_option_wins_over_its_variable():
    session, _, _ = told(common, "--timeout", "1s", TIDEGATE_TIMEOUT="5", CI="true")
    assert session.timeout_seconds == 1.0


@pytest.mark.parametrize("arguments", [["--timeout", "soon"], ["--timeout", "0"], ["--progress", "loud"]])
def test_a_value_that_cannot_be_is_a_usage_error(arguments):
    assert told(common, *arguments)[2].exit_code == 2


def test_a_changing_verb_waits_unless_told_otherwise():
    assert told(changing)[1] == {"dry_run": False, "wait": True, "why": ""}
    assert told(changing, "--dry-run", "--no-wait", "--why", "x")[1] == {"dry_run": True, "wait": False, "why": "x"}
