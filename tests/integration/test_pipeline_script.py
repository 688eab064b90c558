"""What the example of a delivery pipeline does with each end that its tools may come to. The tools are stand-ins that note how they
were called and end as they are told; the script itself is run by the shell."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.support.cli import ROOT

SCRIPT = ROOT / "examples" / "pipeline" / "pipeline.sh"
TOOL = """\
#!/bin/sh
verb=$1
{ printf '%s' "$(basename "$0")"; printf ' [%s]' "$@"; printf '\\n'; } >>"$TOLD"
eval "exit \\${END_$verb:-0}"
"""


@pytest.fixture
def pipeline(tmp_path):
    """Run it: `pipeline("check", deploy=9)` gives the exit code and the calls it made."""
    for tool in ("docker", "tidegate"):
        (tmp_path / tool).write_text(TOOL)
        (tmp_path / tool).chmod(0o755)
    told = tmp_path / "told"
    told.touch()

    def run(*check, arguments=("shop/web", "web", "v42"), variables=None, **ends):
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TOLD": str(told), **(variables or {})}
        environment |= {f"END_{verb}": str(code) for verb, code in ends.items()}
        done = subprocess.run(
            ["sh", SCRIPT, *arguments, *check],
            env=environment,
            cwd=tmp_path,
            timeout=20,
            capture_output=True,
            check=False,
        )
        return done.returncode, told.read_text().splitlines()

    return run


def verbs(calls):
    return [call.split("[")[1].rstrip("] ") for call in calls]


@pytest.mark.parametrize(
    ("check", "ends", "code", "called"),
    [
        ((), {}, 0, ["build", "deploy"]),
        ((), {"deploy": 9}, 0, ["build", "deploy", "promote"]),
        (("true",), {"deploy": 9}, 0, ["build", "deploy", "promote"]),
        (("false",), {"deploy": 9, "abort": 8}, 1, ["build", "deploy", "abort"]),
        (("false",), {"deploy": 9, "abort": 0}, 1, ["build", "deploy", "abort"]),
        (("false",), {"deploy": 9, "abort": 6}, 6, ["build", "deploy", "abort"]),
        (("true",), {"deploy": 9, "promote": 8}, 8, ["build", "deploy", "promote"]),
        (("true",), {"deploy": 7, "abort": 8}, 1, ["build", "deploy", "abort"]),
        (("true",), {"deploy": 7, "abort": 5}, 5, ["build", "deploy", "abort"]),
        (("true",), {"deploy": 8}, 8, ["build", "deploy"]),
        (("true",), {"deploy": 6}, 6, ["build", "deploy"]),
        (("true",), {"build": 1}, 1, ["build"]),
    ],
)
def test_it_ends_with_nought_only_where_the_new_version_serves(pipeline, check, ends, code, called):
    found, calls = pipeline(*check, **ends)
    assert (found, verbs(calls)) == (code, called)


def test_what_it_is_told_reaches_the_tools(pipeline):
    variables = {"SHARES": "5", "HOLD": "2s", "OPTIONS": "--gate=success 99.5%\n--drain=1s"}
    _, (build, deploy) = pipeline(variables=variables)
    assert build == "docker [build] [--quiet] [--tag] [web:v42] [web]"
    for word in ("[shop/web]", "[web:v42]", "[X-Preview=v42]", "[5]", "[2s]", "[--gate=success 99.5%]", "[--drain=1s]"):
        assert word in deploy


def test_the_check_is_told_how_to_reach_the_new_version(pipeline, tmp_path):
    pipeline("sh", "-c", 'printf %s "$PREVIEW" >seen', deploy=9)
    assert (tmp_path / "seen").read_text() == "X-Preview: v42"


def test_without_a_tag_nothing_is_done(pipeline):
    assert pipeline(arguments=("shop/web", "web")) == (2, [])
