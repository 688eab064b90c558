from __future__ import annotations

import pytest

from tidegate.cli.deploy import deploy
from tidegate.cli.deploy_body import body_of
from tidegate.cli.faults import UsageFault


def body(*arguments):
    context = deploy.make_context("deploy", ["web", *arguments])
    given = dict(context.params)
    for name in ("service", "dry_run", "wait", "yes", "deadline"):
        given.pop(name)
    return body_of(given)


def test_what_was_not_said_is_left_out():
    assert body() == {}
    assert body("--image", "shop:2") == {"image": "shop:2"}


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["--rolling"], {"strategy": "rolling"}),
        (["--blue-green"], {"strategy": "blue-green"}),
        (["--replace"], {"strategy": "replace"}),
        (["--canary"], {"strategy": "canary"}),
        (["--canary", "5,25%, 50"], {"strategy": "canary", "shares": [5, 25, 50]}),
    ],
)
def test_a_strategy_is_a_flag(arguments, meant):
    assert body(*arguments) == meant


def test_a_time_may_be_nothing():
    nothing = body("--retain", "0s", "--min-healthy", "0", "--hold", "0ms", "--drain", "0m", "--stop-within", "0s")
    assert set(nothing) == {"retain_seconds", "min_healthy_seconds", "hold_seconds", "drain_seconds", "stop_seconds"}
    assert not any(nothing.values())


def test_everything_else_by_its_name():
    said = body(
        "--version", "v2", "--from", "v1", "--replicas", "3", "--parallelism", "2", "--hold", "90s", "--no-confirm",
        "--gate", "success 99%", "--gate", "latency off", "--env", "A=1", "--env", "B=", "--unset-env", "C", "--label", "x=y",
        "--unset-label", "z", "--pull", "never", "--retire", "stop", "--retain", "5m", "--on-failure", "pause",
        "--preview-header", "X-New=1", "--min-healthy", "1s", "--why", "try", "--", "serve", "--now",
    )  # fmt: skip
    assert said == {
        "version": "v2",
        "from": "v1",
        "replicas": 3,
        "parallelism": 2,
        "hold_seconds": 90.0,
        "confirm": False,
        "gates": ["success 99%", "latency off"],
        "environment": {"A": "1", "B": "", "C": None},
        "labels": {"x": "y", "z": None},
        "pull": "never",
        "retire": "stop",
        "retain_seconds": 300.0,
        "on_failure": "pause",
        "preview_headers": ["X-New=1"],
        "min_healthy_seconds": 1.0,
        "why": "try",
        "command": ["serve", "--now"],
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rolling", "--replace"], "one strategy"),
        (["--canary", "5,x"], "no list of percents"),
        (["--canary", "0"], "no list of percents"),
        (["--env", "A"], "is not NAME=VALUE"),
        (["--label", "=x"], "is not NAME=VALUE"),
        (["--hold", "soon"], "--hold soon"),
        (["--ready-within", "0s"], "--ready-within 0s"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(arguments, said):
    with pytest.raises(UsageFault, match=said):
        body(*arguments)
